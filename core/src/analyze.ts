// From a notebook to its pipeline, fast enough to run on each edit: cells that did not change are not read again.
import { inferDependencies } from './dependencies.js';
import { diagnose } from './diagnose.js';
import type { Diagnostic } from './diagnostic.js';
import { findFlows } from './flows.js';
import type { Notebook } from './notebook.js';
import { outlineNotebook } from './outline.js';
import type { Outline } from './outline.js';
import type { Pipeline, PipelineStep } from './pipeline.js';
import { planSteps } from './plan.js';
import { parseCell } from './python/parse.js';
import type { PythonParser } from './python/parser.js';
import type { ParsedCell } from './python/syntax.js';

export interface Analysis {
  readonly outline: Outline;
  readonly pipeline: Pipeline;
}

export interface Analyzer {
  analyze(notebook: Notebook): Analysis;
}

/** An analyzer keeps the syntax of the cells that it read last, so make one for each open notebook. */
export function makeAnalyzer(parser: PythonParser): Analyzer {
  let kept = new Map<string, ParsedCell>();
  return {
    analyze(notebook) {
      const used = new Map<string, ParsedCell>();
      const parse = (source: string): ParsedCell => {
        const parsed = used.get(source) ?? kept.get(source) ?? parseCell(parser, source);
        used.set(source, parsed);
        return parsed;
      };
      const outline = outlineNotebook(notebook);
      const pipeline = inferPipeline(notebook, outline, parse);
      kept = used;
      return { outline, pipeline };
    }
  };
}

/** The pipeline that a notebook with this outline means. */
export function inferPipeline(notebook: Notebook, outline: Outline, parse: (source: string) => ParsedCell): Pipeline {
  const dependencies = inferDependencies(notebook, outline, parse);
  const names = outline.steps.map(({ name }) => name);
  const plans = planSteps(
    notebook,
    dependencies,
    names,
    outline.steps.map(({ cells }) => cells.at(-1) ?? 0)
  );
  const flows = findFlows(notebook, outline, dependencies, plans);
  const steps = outline.steps.map((step, index): PipelineStep => {
    const sources = new Set(flows.filter(({ to }) => to === step.name).map(({ from }) => from));
    const metrics = new Set(step.metricsCells);
    return {
      name: step.name,
      cells: step.cells.map(cell => {
        const { id, source } = notebook.cells[cell]!;
        return { index: cell, ...(id === undefined ? {} : { id }), source, isMetrics: metrics.has(cell) };
      }),
      after: names.filter(name => sources.has(name)),
      parameters: plans[index]!.parameters,
      setup: plans[index]!.setup,
      outputs: plans[index]!.outputs,
      settings: step.settings
    };
  });
  return {
    name: outline.name,
    description: outline.description,
    ...(outline.kernel === undefined ? {} : { kernel: outline.kernel }),
    parameters: dependencies.parameters,
    steps,
    flows,
    diagnostics: withoutEchoes(outline.diagnostics, diagnose(notebook, outline, dependencies, plans, steps))
  };
}

/** One mistake is told once: what is wrong with the outline makes some of what is wrong with the code a mere consequence. */
function withoutEchoes(ofOutline: readonly Diagnostic[], ofCode: readonly Diagnostic[]): Diagnostic[] {
  const isThere = (code: string): boolean => ofOutline.some(diagnostic => diagnostic.code === code);
  if (isThere('language')) return [...ofOutline];
  const echoes = isThere('duplicate-step') ? ['order-contradiction', 'cycle'] : [];
  return [...ofOutline, ...ofCode.filter(({ code }) => !echoes.includes(code))];
}
