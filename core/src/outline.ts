// The outline of a notebook: which cells make which step, before any Python is read. Tags and their order decide it alone.
import type { CellRange, Diagnostic, Severity } from './diagnostic.js';
import { groupBy } from './group.js';
import { readMetadata } from './metadata.js';
import type { Cell, Notebook } from './notebook.js';
import { mergeSpecs, toStepSettings, type StepSettings, type StepSpec } from './step.js';
import { didYouMean } from './suggest.js';
import { quoteNames } from './words.js';
import { checkStepName, readTags, type TagReading } from './tags.js';
import type { WorkspaceSpec } from './workspace.js';

/** What a cell is to the pipeline. `step` cells know their step's name; `isHead` marks the cell that carries the tag. */
export type CellRole =
  | { readonly kind: 'step'; readonly step: string; readonly isHead: boolean }
  | { readonly kind: 'metrics'; readonly step: string | undefined }
  | { readonly kind: 'imports' | 'functions' | 'parameters' | 'skip' | 'none' };

export interface StepOutline {
  readonly name: string;
  /** indices of its code cells in notebook order, metrics cells included */
  readonly cells: readonly number[];
  readonly metricsCells: readonly number[];
  /** names in `prev:` tags, known steps only */
  readonly previous: readonly string[];
  readonly settings: StepSettings;
}

export interface Outline {
  readonly name: string;
  readonly description: string;
  readonly workspace: WorkspaceSpec;
  readonly kernel?: string;
  /** in notebook order of their first cells */
  readonly steps: readonly StepOutline[];
  readonly importCells: readonly number[];
  readonly functionCells: readonly number[];
  readonly parameterCells: readonly number[];
  /** one for every cell of the notebook; markdown and raw cells are `none` */
  readonly roles: readonly CellRole[];
  readonly diagnostics: readonly Diagnostic[];
}

export function outlineNotebook(notebook: Notebook): Outline {
  const metadata = readMetadata(notebook);
  const diagnostics: Diagnostic[] = [...(notebook.problems ?? []), ...checkLanguage(notebook), ...metadata.diagnostics];
  const readings = notebook.cells.map(cell => (cell.type === 'code' ? readTags(cell.tags) : undefined));
  const { roles, heads } = assignRoles(notebook, readings, diagnostics);
  const cellsOf = groupBy([...roles.keys()], index => memberOf(roles[index]!));
  const names = new Set(roles.flatMap(role => (role.kind === 'step' ? [role.step] : [])));
  const order = new Map([...names].map((name, index) => [name, index]));
  const steps = [...names].map(name => {
    const tags = heads.get(name)!.map(index => readings[index]!);
    const spec = mergeSpecs(...tags.map(reading => reading.spec), metadata.steps.get(name) ?? {});
    return outlineStep(
      name,
      cellsOf.get(name)!,
      roles,
      readings,
      toPrevious(name, heads, readings, notebook, order, diagnostics),
      {
        defaults: metadata.defaults,
        spec
      }
    );
  });
  if (steps.length === 0) diagnostics.push(noSteps());
  diagnostics.push(...checkTags(notebook, readings), ...checkSettings([...metadata.steps.keys()], names));
  const indices = (kind: CellRole['kind']): number[] => roles.flatMap((role, i) => (role.kind === kind ? [i] : []));
  return {
    name: metadata.name,
    description: metadata.description,
    workspace: metadata.workspace,
    ...(notebook.kernel === undefined ? {} : { kernel: notebook.kernel }),
    steps,
    importCells: indices('imports'),
    functionCells: indices('functions'),
    parameterCells: indices('parameters'),
    roles,
    diagnostics
  };
}

/** In prose cells are counted from 1. */
function cellNumber(index: number): string {
  return `cell ${index + 1}`;
}

// Where tags are meant: the cell's first line.
function firstLine(cell: Cell): CellRange {
  const end = cell.source.indexOf('\n');
  return { cell: cell.index, from: 0, to: end < 0 ? cell.source.length : end };
}

function checkLanguage(notebook: Notebook): readonly Diagnostic[] {
  const { language } = notebook;
  if (language === undefined || /^i?python\d*$/.test(language)) return [];
  const message = `The notebook's language is ‘${language}’, but Sluice runs Python notebooks. Choose a Python kernel for it.`;
  return [{ code: 'language', severity: 'error', message }];
}

function noSteps(): Diagnostic {
  const message =
    'The notebook has no steps. Tag the first cell of each step with ‘step:NAME’, in the Sluice sidebar or in the cell’s tags.';
  return { code: 'no-steps', severity: 'error', message };
}

interface Roles {
  readonly roles: readonly CellRole[];
  /** for each step the indices of the cells that carry its tag */
  readonly heads: ReadonlyMap<string, readonly number[]>;
}

// One pass from top to bottom, with the step that untagged cells join.
function assignRoles(
  notebook: Notebook,
  readings: readonly (TagReading | undefined)[],
  diagnostics: Diagnostic[]
): Roles {
  const heads = new Map<string, number[]>();
  const first = readings.find(reading => reading !== undefined && stepOf(reading) !== undefined);
  let current = first && stepOf(first);
  let isBeforeSteps = true;
  const roles = notebook.cells.map((cell, index): CellRole => {
    const reading = readings[index];
    if (reading === undefined) return { kind: 'none' };
    const say = (code: string, severity: Severity, message: string): void => {
      diagnostics.push({ code, severity, message, range: firstLine(cell) });
    };
    checkRoles(reading, index, say);
    const step = stepOf(reading);
    if (step !== undefined) {
      const others = heads.get(step);
      if (others === undefined) {
        const problem = checkStepName(step);
        if (problem !== undefined) say('step-name', 'error', problem);
      } else if (current !== step) {
        const message = `Step ‘${step}’ begins in ${cellNumber(others[0]!)} and again in ${cellNumber(index)}, with another step between, so they cannot run in the notebook’s order as one step. Give one of them another name, or move the cells together.`;
        say('duplicate-step', 'error', message);
      }
      heads.set(step, [...(others ?? []), index]);
      current = step;
      isBeforeSteps = false;
      return { kind: 'step', step, isHead: true };
    }
    const role = reading.roles.includes('skip') ? 'skip' : reading.roles[0];
    if (role === 'metrics') {
      if (isBeforeSteps && current !== undefined) {
        const message = `The metrics in ${cellNumber(index)} stand before the first step, so they run at the beginning of step ‘${current}’. Move the cell below the step that it measures.`;
        say('metrics-before-steps', 'warning', message);
      }
      return { kind: 'metrics', step: current };
    }
    if (role !== undefined) return { kind: role };
    return current === undefined ? { kind: 'none' } : { kind: 'step', step: current, isHead: false };
  });
  return { roles, heads };
}

// `skip` wins over a step; a step wins over the other roles; with `pipeline-metrics` the cell is both.
function stepOf(reading: TagReading): string | undefined {
  return reading.roles.includes('skip') ? undefined : reading.steps[0];
}

function checkRoles(
  reading: TagReading,
  index: number,
  say: (code: string, severity: Severity, message: string) => void
): void {
  const { steps, roles } = reading;
  if (steps.length > 1) {
    const message = `The cell belongs to several steps, ${quoteNames(steps)}. Split ${cellNumber(index)}, or keep one of its step tags.`;
    say('several-steps', 'error', message);
  }
  const words = [...(steps.length > 0 && roles.some(role => role !== 'metrics') ? ['step'] : []), ...roles];
  if (words.length > 1) {
    const kept = roles.includes('skip') ? 'skip' : words[0]!;
    const message = `The cell is tagged as ${quoteNames(words)}; Sluice takes it as ‘${kept}’. Keep one of the tags.`;
    say('several-roles', 'warning', message);
  }
}

function toPrevious(
  name: string,
  heads: ReadonlyMap<string, readonly number[]>,
  readings: readonly (TagReading | undefined)[],
  notebook: Notebook,
  order: ReadonlyMap<string, number>,
  diagnostics: Diagnostic[]
): readonly string[] {
  const previous = new Set<string>();
  for (const index of heads.get(name)!)
    for (const other of readings[index]!.previous) {
      const range = firstLine(notebook.cells[index]!);
      if (other === name) {
        const message = `Step ‘${name}’ is tagged to run after itself. Remove its tag ‘prev:${name}’.`;
        diagnostics.push({ code: 'cycle', severity: 'error', message, range });
      } else if (!order.has(other)) {
        const message = `Step ‘${name}’ is tagged to run after ‘${other}’, but there is no step of this name.${didYouMean(other, order.keys())} Change or remove its tag ‘prev:${other}’.`;
        diagnostics.push({ code: 'unknown-step', severity: 'error', message, range });
      } else previous.add(other);
    }
  return [...previous].sort((a, b) => order.get(a)! - order.get(b)!);
}

/** The step that runs a cell. */
const memberOf = (role: CellRole): string | undefined =>
  role.kind === 'step' || role.kind === 'metrics' ? role.step : undefined;

function outlineStep(
  name: string,
  cells: readonly number[],
  roles: readonly CellRole[],
  readings: readonly (TagReading | undefined)[],
  previous: readonly string[],
  specs: { defaults: StepSpec; spec: StepSpec }
): StepOutline {
  const metricsCells = cells.filter(
    index => roles[index]!.kind === 'metrics' || readings[index]!.roles.includes('metrics')
  );
  return { name, cells, metricsCells, previous, settings: toStepSettings(specs.defaults, specs.spec) };
}

function checkTags(notebook: Notebook, readings: readonly (TagReading | undefined)[]): readonly Diagnostic[] {
  return notebook.cells.flatMap((cell, index): readonly Diagnostic[] => {
    const reading = readings[index];
    if (reading?.unreadable.length === 0) return [];
    const range = firstLine(cell);
    if (reading === undefined) {
      const { steps } = readTags(cell.tags);
      if (steps.length === 0) return [];
      const message = `The tag ‘step:${steps[0]}’ is on a ${cell.type} cell, which does not run. Make ${cellNumber(index)} a code cell, or remove the tag.`;
      return [{ code: 'tag-not-on-code', severity: 'warning', message, range }];
    }
    return reading.unreadable.map(tag => {
      const message = `The tag ‘${tag}’ cannot be read and is ignored. Write ${tagForm(tag)}.`;
      return { code: 'setting', severity: 'warning', message, range };
    });
  });
}

function tagForm(tag: string): string {
  const forms: Readonly<Record<string, string>> = {
    cache: '‘cache:enabled’ or ‘cache:disabled’',
    limit: '‘limit:cpu:2’, ‘limit:memory:4Gi’ or ‘limit:nvidia.com/gpu:1’',
    label: '‘label:KEY:VALUE’',
    annotation: '‘annotation:KEY:VALUE’',
    secret: '‘secret:NAME:KEY:VARIABLE’'
  };
  return forms[tag.slice(0, tag.indexOf(':'))] ?? 'it anew';
}

function checkSettings(written: readonly string[], names: ReadonlySet<string>): readonly Diagnostic[] {
  return written
    .filter(name => !names.has(name))
    .map(name => {
      const message = `The notebook's metadata have settings for step ‘${name}’, but there is no such step.${didYouMean(name, names)}`;
      return { code: 'setting', severity: 'warning', message };
    });
}
