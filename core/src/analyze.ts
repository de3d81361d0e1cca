// From a notebook to its pipeline, fast enough to run on each edit: cells that did not change are not read again.
import { makeInference } from './dependencies.js';
import type { Dependencies } from './dependencies.js';
import { diagnose } from './diagnose.js';
import type { CellRange, Diagnostic } from './diagnostic.js';
import { findFlows } from './flows.js';
import { groupBy } from './group.js';
import { findKinds } from './artifactKinds.js';
import type { Notebook } from './notebook.js';
import { outlineNotebook } from './outline.js';
import type { Outline } from './outline.js';
import type { Pipeline, PipelineStep } from './pipeline.js';
import { findOwnModules, importsIn, noOwnModules } from './python/effects/ownModules.js';
import type { OwnModules } from './python/effects/ownModules.js';
import { boundNames } from './python/names.js';
import { parseCell } from './python/parse.js';
import type { PythonParser } from './python/parser.js';
import { keepBroken } from './python/stale.js';
import { findExports, noStarNames } from './python/stars.js';
import type { Exports, StarNames } from './python/stars.js';
import type { ParsedCell } from './python/syntax.js';
import { planSteps } from './stepPlan.js';
import type { StepPlan } from './stepPlan.js';

export interface Analysis {
  readonly outline: Outline;
  readonly pipeline: Pipeline;
  /** broken parts of cells that count as they were when they were read last */
  readonly stale: readonly CellRange[];
  /** modules of which the notebook imports `*`: who looks into them can say what that binds */
  readonly starModules: readonly string[];
  /** modules that the notebook imports in any way: what those beside it keep can be found in their source */
  readonly imports: readonly string[];
}

/** A module's source; that of a package is its `__init__.py`. */
export interface ModuleText {
  readonly source: string;
  readonly isPackage: boolean;
}

export interface Analyzer {
  analyze(notebook: Notebook, starNames?: StarNames, ownModules?: OwnModules): Analysis;
  /** What a module's source gives to `import *`; undefined where only running it would tell. */
  exportsOf(source: string, isPackage: boolean): Exports | undefined;
  /** What the modules beside a notebook keep, by their source; `more` may be modules of its own as well, which are not among them. */
  ownModules(sources: ReadonlyMap<string, ModuleText>): {
    readonly found: OwnModules;
    readonly more: readonly string[];
  };
  /** Names that source, as a cell, binds in the notebook's namespace. */
  namesIn(source: string): ReadonlySet<string>;
}

/** An analyzer keeps the syntax of the cells that it read last, so make one for each open notebook. */
export function makeAnalyzer(parser: PythonParser): Analyzer {
  let bySource = new Map<string, ParsedCell>();
  let byId = new Map<string, ParsedCell>();
  let used = new Map<string, ParsedCell>();
  const parse = (source: string): ParsedCell => {
    const parsed = used.get(source) ?? bySource.get(source) ?? parseCell(parser, source);
    used.set(source, parsed);
    return parsed;
  };
  const infer = makeInference(parse);
  return {
    namesIn: source => boundNames(parseCell(parser, source).body),
    exportsOf: (source, isPackage) => findExports(parseCell(parser, source), { isPackage }),
    ownModules(sources) {
      const modules = new Map(
        [...sources].map(([name, { source, isPackage }]) => [name, { parsed: parseCell(parser, source), isPackage }])
      );
      const imported = [...modules].flatMap(([name, { parsed, isPackage }]) => importsIn(parsed, name, isPackage));
      const more = [...new Set(imported)].filter(name => !sources.has(name));
      return { found: findOwnModules(modules), more };
    },
    analyze(notebook, starNames = noStarNames, ownModules = noOwnModules) {
      used = new Map();
      const read = new Map<string, ParsedCell>();
      const cells = notebook.cells.map(({ id, source, type }) => {
        if (type !== 'code') return undefined;
        const before = id === undefined ? undefined : byId.get(id);
        const parsed = before?.source === source ? before : keepBroken(parse(source), before);
        if (id !== undefined) read.set(id, parsed);
        return parsed;
      });
      const outline = outlineNotebook(notebook);
      const stale = cells.flatMap((parsed, cell) => (parsed?.stale ?? []).map(({ from, to }) => ({ cell, from, to })));
      const dependencies = infer(notebook, outline, ({ index }) => cells[index]!, starNames, ownModules);
      const pipeline = toPipeline(notebook, outline, dependencies, cells);
      bySource = used;
      byId = read;
      const diagnostics = withoutStale(pipeline.diagnostics, stale);
      const { starModules, imports } = dependencies;
      return { outline, pipeline: { ...pipeline, diagnostics }, stale, starModules, imports };
    }
  };
}

/** The pipeline that a notebook with this outline means. */
function toPipeline(
  notebook: Notebook,
  outline: Outline,
  dependencies: Dependencies,
  parsed: readonly (ParsedCell | undefined)[]
): Pipeline {
  const names = outline.steps.map(({ name }) => name);
  const plans = planSteps(
    notebook,
    dependencies,
    names,
    outline.steps.map(({ cells }) => cells.at(-1) ?? 0)
  );
  const flows = findFlows(notebook, outline, dependencies, plans);
  const outputs = findKinds(plans, cell => parsed[cell]);
  const flowsTo = groupBy(flows, ({ to }) => to);
  const order = new Map(names.map((name, index) => [name, index]));
  const steps = outline.steps.map((step, index): PipelineStep => {
    const sources = new Set(flowsTo.get(step.name)?.map(({ from }) => from));
    const metrics = new Set(step.metricsCells);
    return {
      name: step.name,
      cells: [...step.cells, ...plans[index]!.amid]
        .sort((a, b) => a - b)
        .map(cell => {
          const { id, source } = notebook.cells[cell]!;
          const number = dependencies.numbers.get(cell);
          return {
            ...{ index: cell, ...(id === undefined ? {} : { id }), source, isMetrics: metrics.has(cell) },
            ...(typeof number === 'number' ? { number } : {})
          };
        }),
      after: [...sources].sort((a, b) => order.get(a)! - order.get(b)!),
      parameters: plans[index]!.parameters,
      setup: plans[index]!.setup,
      ...resultsOf(plans[index]!),
      outputs: outputs[index]!,
      settings: step.settings
    };
  });
  return {
    name: outline.name,
    description: outline.description,
    workspace: outline.workspace,
    ...(outline.kernel === undefined ? {} : { kernel: outline.kernel }),
    parameters: dependencies.parameters,
    steps,
    flows,
    diagnostics: withoutEchoes(outline.diagnostics, diagnose(notebook, outline, dependencies, plans, steps))
  };
}

/** What IPython itself bound, so that it goes on from there. */
function resultsOf({ needs }: StepPlan): Pick<PipelineStep, 'results'> {
  const results = needs.filter(({ slot }) => slot.kind === 'value' && slot.isResult).map(({ slot }) => slot.name);
  return results.length === 0 ? {} : { results };
}

/** What is not there any more has nothing wrong with it, but that it is broken. */
function withoutStale(diagnostics: readonly Diagnostic[], stale: readonly CellRange[]): readonly Diagnostic[] {
  const isStale = (range: CellRange): boolean =>
    stale.some(({ cell, from, to }) => range.cell === cell && range.from >= from && range.to <= to);
  return diagnostics.filter(({ code, range }) => code === 'syntax-error' || !range || !isStale(range));
}

/** One mistake is told once: what is wrong with the outline makes some of what is wrong with the code a mere consequence. */
function withoutEchoes(ofOutline: readonly Diagnostic[], ofCode: readonly Diagnostic[]): Diagnostic[] {
  const isThere = (code: string): boolean => ofOutline.some(diagnostic => diagnostic.code === code);
  if (isThere('language')) return [...ofOutline];
  const echoes = isThere('duplicate-step') ? ['order-contradiction', 'cycle'] : [];
  if ([...ofOutline, ...ofCode].some(({ severity }) => severity === 'error')) echoes.push('unused-step');
  return [...ofOutline, ...ofCode.filter(({ code }) => !echoes.includes(code))];
}
