// What `sluice check` says about a notebook: one JSON object for programs, and the same as text for people.
import type { Analysis } from './analyze.js';
import { position, type CellRange, type Diagnostic, type Severity } from './diagnostic.js';
import type { Notebook } from './notebook.js';
import { describePlace } from './place.js';
import type { Flow, FlowKind, JsonValue, ParameterType, Pipeline, PipelineStep } from './pipeline.js';

/** Cells count from 0, lines and columns from 1 (decision 0001); null where the notebook as a whole is meant. */
export interface ReportedPlace {
  readonly cell: number | null;
  readonly line: number | null;
  readonly column: number | null;
}

export interface ReportedDiagnostic extends ReportedPlace {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
}

/** The object of `sluice check --json`. Others rely on it: add to it, change nothing. */
export interface CheckReport {
  /** null where the notebook could not be read */
  readonly pipeline: string | null;
  readonly parameters: readonly { readonly name: string; readonly type: ParameterType; readonly default: JsonValue }[];
  readonly steps: readonly {
    readonly name: string;
    readonly cells: readonly number[];
    readonly after: readonly string[];
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  readonly flows: readonly {
    readonly name: string;
    readonly from: string;
    readonly to: string;
    readonly kind: FlowKind;
    readonly certainty: 'certain' | 'possible';
    readonly reason: ReportedPlace & {
      readonly text: string;
      /** names of the functions through which it is read, outermost first */
      readonly through: readonly string[];
      /** where the earlier step makes it, or changes it last */
      readonly origin: ReportedPlace | null;
    };
  }[];
  readonly diagnostics: readonly ReportedDiagnostic[];
}

export function reportCheck(analysis: Analysis, notebook: Notebook): CheckReport {
  const { pipeline } = analysis;
  return {
    pipeline: pipeline.name,
    parameters: pipeline.parameters.map(({ name, type, default: value }) => ({ name, type, default: value })),
    steps: pipeline.steps.map(step => ({
      name: step.name,
      cells: step.cells.map(cell => cell.index),
      after: step.after,
      inputs: inputNames(step),
      outputs: outputNames(step)
    })),
    flows: pipeline.flows.map(({ name, from, to, kind, certainty, reason }) => ({
      name,
      from,
      to,
      kind,
      certainty,
      reason: {
        ...toPlace(reason.range, notebook),
        text: reason.text,
        through: reason.through,
        origin: reason.origin === undefined ? null : toPlace(reason.origin, notebook)
      }
    })),
    diagnostics: pipeline.diagnostics.map(diagnostic => reportDiagnostic(diagnostic, notebook))
  };
}

/** The same object for a notebook of which nothing could be read. */
export function reportUnreadable(diagnostics: readonly Diagnostic[]): CheckReport {
  const reported = diagnostics.map(diagnostic => reportDiagnostic(diagnostic, undefined));
  return { pipeline: null, parameters: [], steps: [], flows: [], diagnostics: reported };
}

/** Names of the values that a step is given. */
export function inputNames(step: PipelineStep): readonly string[] {
  return unique(step.setup.flatMap(item => (item.kind === 'value' ? item.bundle.names : [])));
}

/** Names of the values that a step hands on. */
export function outputNames(step: PipelineStep): readonly string[] {
  return unique(step.outputs.flatMap(bundle => bundle.names));
}

function reportDiagnostic(diagnostic: Diagnostic, notebook: Notebook | undefined): ReportedDiagnostic {
  const { code, severity, message, range } = diagnostic;
  return { code, severity, message, ...toPlace(range, notebook) };
}

function toPlace(range: CellRange | undefined, notebook: Notebook | undefined): ReportedPlace {
  if (range === undefined) return { cell: null, line: null, column: null };
  return { cell: range.cell, ...position(notebook?.cells[range.cell]?.source ?? '', range.from) };
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

// The text.

export interface PrintOptions {
  /** with ANSI colours */
  readonly colors?: boolean;
}

/** The pipeline, its steps with reasons, then what is wrong. Ends with a line end. */
export function printCheck(analysis: Analysis, notebook: Notebook, options: PrintOptions = {}): string {
  const { pipeline } = analysis;
  const paint = painter(options);
  const parts = [
    `${paint('bold', pipeline.name)}: ${counted(pipeline.steps.length, 'step')}, ${counted(pipeline.parameters.length, 'parameter')}\n`,
    printParameters(pipeline),
    ...pipeline.steps.map(step => printStep(step, pipeline, notebook, paint)),
    printDiagnostics(pipeline.diagnostics, notebook, options)
  ];
  return parts.filter(part => part !== '').join('\n');
}

/** Diagnostics with the line of source that each is about. Empty text for none. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  notebook: Notebook | undefined,
  options: PrintOptions = {}
): string {
  const paint = painter(options);
  return diagnostics.map(diagnostic => printDiagnostic(diagnostic, notebook, paint)).join('\n');
}

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'blue';
type Paint = (style: Style, text: string) => string;

const styles: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, yellow: 33, blue: 34 };

function painter({ colors }: PrintOptions): Paint {
  return colors ? (style, text) => `\u001b[${styles[style]}m${text}\u001b[0m` : (_, text) => text;
}

function counted(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`;
}

function printParameters({ parameters }: Pipeline): string {
  return parameters.map(({ name, type, default: value }) => `  ${name}: ${type} = ${JSON.stringify(value)}\n`).join('');
}

function printStep(step: PipelineStep, pipeline: Pipeline, notebook: Notebook, paint: Paint): string {
  const inputs = inputNames(step);
  const outputs = outputNames(step);
  const flows = pipeline.flows.filter(flow => flow.to === step.name);
  const explained = new Set(flows.map(flow => flow.from));
  const head = [
    paint('bold', step.name),
    paint('dim', `(${describeCells(step.cells.map(cell => cell.index + 1))})`),
    ...(inputs.length > 0 ? [`← ${inputs.join(', ')}`] : []),
    ...(outputs.length > 0 ? [`→ ${outputs.join(', ')}`] : [])
  ].join(' ');
  const reasons = flows.map(flow => {
    const doubt = flow.certainty === 'possible' ? ' (possible)' : '';
    return `  ${paint('dim', `${flow.kind} from ${flow.from}${doubt}: ${flow.reason.text}${printOrigin(flow, notebook)}`)}\n`;
  });
  const others = step.after.filter(name => !explained.has(name)).map(name => `  ${paint('dim', `after ${name}`)}\n`);
  return `${head}\n${unique([...reasons, ...others]).join('')}`;
}

/** Where it comes from, for flows whose reason does not say so itself. */
function printOrigin({ kind, reason: { origin, isChanged } }: Flow, notebook: Notebook): string {
  if (origin === undefined || !['value', 'definition', 'import'].includes(kind)) return '';
  const { line } = position(notebook.cells[origin.cell]?.source ?? '', origin.from);
  return ` ${isChanged ? 'Changed last' : 'Made'} in cell ${origin.cell + 1} line ${line}.`;
}

/** `cell 3`, `cells 3–5, 8` */
function describeCells(cells: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const cell of cells) {
    const last = spans.at(-1);
    if (last?.[1] === cell - 1) last[1] = cell;
    else spans.push([cell, cell]);
  }
  const list = spans.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
  return `${cells.length === 1 ? 'cell' : 'cells'} ${list}`;
}

function printDiagnostic(diagnostic: Diagnostic, notebook: Notebook | undefined, paint: Paint): string {
  const { code, severity, message, range } = diagnostic;
  const color = ({ error: 'red', warning: 'yellow', info: 'blue' } as const)[severity];
  const source = range && notebook?.cells[range.cell]?.source;
  const place = range && notebook ? ` in ${describePlace(range, notebook)}` : '';
  const head = `${paint(color, severity)} ${paint('dim', `[${code}]`)}${place}: ${message}\n`;
  return range === undefined || !source ? head : head + excerpt(source, range, text => paint(color, text));
}

// The line where the range begins, with carets below what of it is meant. Tabs stay, so that the carets stand right.
function excerpt(source: string, range: CellRange, mark: (text: string) => string): string {
  const { line, column } = position(source, range.from);
  const text = source.split('\n')[line - 1]!;
  const width = Math.max(1, Math.min(range.to - range.from, text.length - column + 1));
  const gutter = `  ${line} | `;
  const blank = ' '.repeat(gutter.length) + text.slice(0, column - 1).replace(/[^\t]/g, ' ');
  return `${gutter}${text}\n${blank}${mark('^'.repeat(width))}\n`;
}
