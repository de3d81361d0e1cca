// What a notebook has after one of its steps, and where each part of it comes from: what a further step would take that stood right there
// and read every name.
import type { Analyzer } from './analyze.js';
import type { Cell, Notebook } from './notebook.js';
import type { Setup } from './pipeline.js';

export interface LoadPlan {
  /** names of parameters */
  readonly parameters: readonly string[];
  /** in the order in which it must be done */
  readonly setup: readonly Setup[];
  /** all names that imports, definitions and values bind */
  readonly names: readonly string[];
}

/** They read the random states that a seed has set. */
const draws = [
  'import random',
  'random.random()',
  'import numpy',
  'numpy.random.rand()',
  'import torch',
  'torch.rand(1)'
];

/** Undefined where the notebook has no such step. */
export function planLoad(analyzer: Analyzer, notebook: Notebook, step: string): LoadPlan | undefined {
  const { outline, starModules } = analyzer.analyze(notebook);
  const last = outline.steps.find(({ name }) => name === step)?.cells.at(-1);
  if (last === undefined) return undefined;
  const above = notebook.cells.slice(0, last + 1);
  const { roles } = outline;
  const isRun = (cell: number): boolean => !['skip', 'none'].includes(roles[cell]!.kind);
  const names = new Set(
    above.flatMap(({ source, type, index }) => (type === 'code' && isRun(index) ? [...analyzer.namesIn(source)] : []))
  );
  const any = starModules.length > 0 ? ['__a_name_of_any_module__'] : [];
  const source = [...names, ...any, ...draws].map(line => `${line}\n`).join('');
  const reader: Cell = { index: above.length, type: 'code', source, tags: [`step:${unusedName(outline.steps)}`] };
  const { pipeline } = analyzer.analyze({ ...notebook, cells: [...above, reader] });
  const { setup, parameters } = pipeline.steps.at(-1)!;
  const bound = setup.flatMap(item => [...(item.kind === 'value' ? item.bundle.names : analyzer.namesIn(item.source))]);
  return { parameters, setup, names: [...new Set(bound)] };
}

function unusedName(steps: readonly { readonly name: string }[]): string {
  let name = 'after';
  while (steps.some(step => step.name === name)) name += '_';
  return name;
}
