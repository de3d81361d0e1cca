// A pipeline is right when its steps print, show and bind what the notebook does from top to bottom. This module compares what
// was seen of the two, step by step in notebook order, and says what differs first and where it may come from.
import type { Analysis } from './analyze.js';
import type { Flow, JsonValue } from './pipeline.js';
import { findCheckpoints, type Checkpoint } from './reference.js';

/** A value, as a checkpoint wrote it down. */
export interface SeenValue {
  readonly type?: string;
  /** its size, or the value itself where it is small; may be empty */
  readonly summary: string;
  /** undefined where the value cannot be compared; then `reason` says why */
  readonly fingerprint?: string;
  readonly reason?: string;
  /** one level down, by how one would write it: `['rate']`, `.coef_` */
  readonly parts?: Readonly<Record<string, SeenValue>>;
}

export interface SeenCell {
  readonly stdout: string;
  /** results and displays, each as text */
  readonly shown: readonly string[];
  readonly metrics: Readonly<Record<string, JsonValue>>;
}

/** What was seen of a run, by index of the cell. */
export interface Evidence {
  readonly cells: ReadonlyMap<number, SeenCell>;
  readonly checkpoints: ReadonlyMap<number, Readonly<Record<string, SeenValue>>>;
  /** by step; the whole notebook is one of any name */
  readonly failures: ReadonlyMap<string, SeenFailure>;
  /** steps that never began */
  readonly skipped: ReadonlySet<string>;
}

export interface SeenFailure {
  readonly name: string;
  readonly message: string;
  readonly cell?: number;
}

export type DifferenceKind = 'value' | 'printed' | 'shown' | 'metric' | 'failure';

export interface Difference {
  readonly step: string;
  readonly kind: DifferenceKind;
  /** of the variable or metric, where one differs */
  readonly name?: string;
  /** index of the cell that printed, showed or failed; for a variable of the step's last cell */
  readonly cell: number;
  /** what each has, in a few words */
  readonly notebook: string;
  readonly pipeline: string;
  /** one sentence */
  readonly text: string;
}

export interface VerifiedStep {
  readonly name: string;
  /** `unreached`: the notebook fails before it */
  readonly state: 'same' | 'different' | 'failed' | 'unreached';
  /** how many values, and how many cells with outputs, were compared */
  readonly values: number;
  readonly outputs: number;
  readonly differences: readonly Difference[];
  /** what differs as well between two runs of the notebook itself, so that nothing can be said of it */
  readonly unsteady: readonly Difference[];
  readonly notCompared: readonly { readonly name: string; readonly reason: string }[];
  /** where to look: what the step was given that is not what the notebook has there */
  readonly hints: readonly string[];
}

export interface Verification {
  /** `failed`: the notebook itself fails, and the pipeline alike */
  readonly outcome: 'same' | 'different' | 'failed';
  readonly pipeline: string;
  /** id of the pipeline's run */
  readonly run: string;
  readonly steps: readonly VerifiedStep[];
  readonly first: Difference | null;
}

/** `again` is what was seen of the notebook in further runs; where one of them differs from the first, too, the notebook is at fault. */
export function verify(
  { outline, pipeline }: Analysis,
  run: string,
  seen: { readonly notebook: Evidence; readonly pipeline: Evidence; readonly again: readonly Evidence[] }
): Verification {
  const checkpoints = findCheckpoints(outline);
  const [failure] = seen.notebook.failures.values();
  const stop = failure === undefined ? Infinity : (failure.cell ?? -1);
  const steps = pipeline.steps.map((step): VerifiedStep => {
    const cells = step.cells.map(cell => cell.index).filter(cell => cell <= stop);
    const context = { step: step.name, cells, checkpoints, seen, flows: pipeline.flows };
    return cells.length === 0 ? unreached(step.name) : verifyStep(context, cells.includes(stop) ? failure : undefined);
  });
  const first = steps.flatMap(step => step.differences)[0] ?? null;
  const outcome = first !== null ? 'different' : failure !== undefined ? 'failed' : 'same';
  return { outcome, pipeline: pipeline.name, run, steps, first };
}

/**
 * Whether a further run of the notebook, after so many, could explain a difference: after the first one only where the notebook
 * has shown that it does not do the same each time. A time printed to the millisecond may be the same twice by chance.
 */
export function isWorthAgain({ steps }: Verification, runs: number): boolean {
  const isOpen = steps.some(step => step.differences.some(({ kind }) => kind !== 'failure'));
  return isOpen && (runs === 1 || (runs < 4 && steps.some(step => step.unsteady.length > 0)));
}

interface Context {
  readonly step: string;
  readonly cells: readonly number[];
  readonly checkpoints: readonly Checkpoint[];
  readonly seen: { readonly notebook: Evidence; readonly pipeline: Evidence; readonly again: readonly Evidence[] };
  readonly flows: readonly Flow[];
}

const nothing = { values: 0, outputs: 0, differences: [], unsteady: [], notCompared: [], hints: [] };

function unreached(name: string): VerifiedStep {
  return { ...nothing, name, state: 'unreached' };
}

function verifyStep(context: Context, failure: SeenFailure | undefined): VerifiedStep {
  const { step, seen } = context;
  const failed = compareFailures(context, failure);
  if (failed !== undefined && failure === undefined)
    return { ...nothing, name: step, state: 'different', differences: [failed], hints: findHints(context, []) };
  const outputs = compareOutputs(context, seen.pipeline);
  const values = compareValues(context, seen.pipeline);
  const all = [...(failed ? [failed] : []), ...outputs.differences, ...values.differences].sort(byCell);
  const again = seen.again.flatMap(other => [
    ...compareOutputs(context, other).differences,
    ...compareValues(context, other).differences
  ]);
  const isUnsteady = (one: Difference): boolean =>
    again.some(other => other.kind === one.kind && other.name === one.name && other.cell === one.cell);
  const differences = all.filter(one => !isUnsteady(one));
  return {
    name: step,
    state: differences.length > 0 ? 'different' : failure !== undefined ? 'failed' : 'same',
    values: values.compared,
    outputs: outputs.compared,
    differences,
    unsteady: all.filter(isUnsteady),
    notCompared: values.notCompared,
    hints: differences.length > 0 ? findHints(context, differences) : []
  };
}

const byCell = (a: Difference, b: Difference): number => a.cell - b.cell;

/** Both must fail alike, or not at all. */
function compareFailures({ step, cells, seen }: Context, expected: SeenFailure | undefined): Difference | undefined {
  const found = seen.pipeline.failures.get(step);
  const describe = (failure: SeenFailure): string => `${failure.name}: ${normalize(failure.message)}`;
  const [notebook, pipeline] = [expected, found].map(failure =>
    failure === undefined ? 'no failure' : describe(failure)
  ) as [string, string];
  const cell = found?.cell ?? expected?.cell ?? cells[0]!;
  const about = { step, kind: 'failure' as const, cell, notebook, pipeline };
  if (seen.pipeline.skipped.has(step))
    return { ...about, pipeline: 'not run', text: 'The step did not run, because a step before it failed.' };
  if (notebook === pipeline && expected?.cell === found?.cell) return undefined;
  const text =
    found === undefined
      ? `The notebook fails in cell ${cell + 1} (${notebook}); the pipeline’s step does not.`
      : expected === undefined
        ? `The step fails in cell ${cell + 1} (${pipeline}); the notebook does not.`
        : `Both fail, but differently: the notebook with ${notebook}, the pipeline with ${pipeline}.`;
  return { ...about, text };
}

function compareOutputs(
  { step, cells, seen }: Context,
  other: Evidence
): { readonly differences: readonly Difference[]; readonly compared: number } {
  const differences: Difference[] = [];
  let compared = 0;
  for (const cell of cells) {
    const [a, b] = [seen.notebook.cells.get(cell) ?? empty, other.cells.get(cell) ?? empty];
    if (a.stdout !== '' || a.shown.length > 0) compared++;
    const add = (kind: DifferenceKind, what: string, notebook: string, pipeline: string, name?: string): void => {
      const text = `What cell ${cell + 1} ${what} differs: notebook ${quote(notebook)}, pipeline ${quote(pipeline)}.`;
      differences.push({ step, kind, ...(name === undefined ? {} : { name }), cell, notebook, pipeline, text });
    };
    const printed = firstLine(normalize(a.stdout), normalize(b.stdout));
    if (printed) add('printed', 'prints', ...printed);
    const shown = firstLine(normalize(a.shown.join('\n')), normalize(b.shown.join('\n')));
    if (shown) add('shown', 'shows', ...shown);
    for (const name of new Set([...Object.keys(a.metrics), ...Object.keys(b.metrics)])) {
      const [x, y] = [a.metrics[name], b.metrics[name]].map(value => JSON.stringify(value) ?? 'nothing') as [
        string,
        string
      ];
      if (x !== y) add('metric', `measures as ‘${name}’`, x, y, name);
    }
  }
  return { differences, compared };
}

const empty: SeenCell = { stdout: '', shown: [], metrics: {} };

/** The first line in which two texts differ; undefined where they are equal. */
function firstLine(a: string, b: string): [string, string] | undefined {
  if (a === b) return undefined;
  const [left, right] = [a.split('\n'), b.split('\n')];
  const at = left.findIndex((line, i) => line !== right[i]);
  const line = at < 0 ? left.length : at;
  return [left[line] ?? '', right[line] ?? ''];
}

const quote = (text: string): string =>
  text === '' ? 'nothing' : `‘${text.length > 80 ? `${text.slice(0, 79)}…` : text}’`;

/** Without what differs from process to process: addresses, times that `%%time` prints, the step's name where Python names the place. */
export function normalize(text: string): string {
  return text
    .replace(/0x[0-9a-f]{6,}/gi, '0x…')
    .replace(/<cell (\d+)(?:: [^>]*)?>/g, '<cell $1>')
    .replace(/^(CPU times|Wall time):.*$|^.* per loop \(mean ± .*$/gm, '')
    .replace(/[^\n]*\r(?!\n)/g, '');
}

interface ComparedValues {
  readonly differences: readonly Difference[];
  readonly compared: number;
  readonly notCompared: VerifiedStep['notCompared'];
}

/** Names that the step bound, changed or deleted in the notebook. */
function compareValues({ step, cells, checkpoints, seen }: Context, other: Evidence): ComparedValues {
  const differences: Difference[] = [];
  const notCompared: { name: string; reason: string }[] = [];
  let compared = 0;
  let before: Readonly<Record<string, SeenValue>> = {};
  for (const { cell } of checkpoints) {
    const after = seen.notebook.checkpoints.get(cell);
    const found = other.checkpoints.get(cell);
    if (after === undefined) break;
    if (cells.includes(cell) && found !== undefined)
      for (const name of changedNames(before, after)) {
        const [a, b] = [after[name], found[name]];
        if (b === undefined && before[name] !== undefined) continue; // changed through another name; this step has no use for it
        const reason = a?.reason ?? b?.reason;
        if (reason !== undefined && a !== undefined && b !== undefined) notCompared.push({ name, reason });
        else {
          compared++;
          if (a?.fingerprint !== b?.fingerprint)
            differences.push({ step, cell, name, kind: 'value', ...describeValues(name, a, b) });
        }
      }
    before = after;
  }
  return { differences, compared, notCompared };
}

function changedNames(
  before: Readonly<Record<string, SeenValue>>,
  after: Readonly<Record<string, SeenValue>>
): string[] {
  const bound = Object.keys(after).filter(name => {
    const [a, b] = [before[name], after[name]!];
    return a === undefined || a.fingerprint !== b.fingerprint || a.reason !== b.reason;
  });
  return [...bound, ...Object.keys(before).filter(name => after[name] === undefined)];
}

function describeValues(
  name: string,
  a: SeenValue | undefined,
  b: SeenValue | undefined
): Pick<Difference, 'notebook' | 'pipeline' | 'text'> {
  const part = differingPart(a, b);
  const [x, y] = part === undefined ? [a, b] : [a!.parts![part], b!.parts![part]];
  const [notebook, pipeline] = [describeValue(x), describeValue(y)];
  const what = `‘${name}${part ?? ''}’`;
  const text =
    notebook === pipeline
      ? `${what} differs in what it holds: both are ${notebook}.`
      : `${what} differs: notebook ${notebook}, pipeline ${pipeline}.`;
  return { notebook, pipeline, text };
}

function differingPart(a: SeenValue | undefined, b: SeenValue | undefined): string | undefined {
  const [left, right] = [a?.parts ?? {}, b?.parts ?? {}];
  if (Object.keys(left).length === 0 || Object.keys(right).length === 0) return undefined;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].find(
    part => left[part]?.fingerprint !== right[part]?.fingerprint
  );
}

function describeValue(value: SeenValue | undefined): string {
  if (value === undefined) return 'nothing';
  const { type = '', summary } = value;
  const isPlain = /^(int|float|str|bool|NoneType|list|dict|tuple|set|complex)$/.test(type);
  return summary === '' ? `a value of type ${type}` : isPlain || type === '' ? summary : `${type} ${summary}`;
}

/** Names that the step had without changing them, but not as the notebook has them there: most likely the cause. */
function findHints({ step, cells, checkpoints, seen, flows }: Context, differences: readonly Difference[]): string[] {
  const hints: string[] = [];
  const differing = new Set(differences.map(({ name }) => name));
  for (const { cell } of checkpoints.filter(checkpoint => cells.includes(checkpoint.cell))) {
    const [after, found] = [seen.notebook.checkpoints.get(cell) ?? {}, seen.pipeline.checkpoints.get(cell) ?? {}];
    for (const [name, value] of Object.entries(found)) {
      if (differing.has(name) || !after[name]?.fingerprint || after[name].fingerprint === value.fingerprint) continue;
      const flow = flows.find(one => one.to === step && one.name === name);
      const last = lastChange(name, cell, checkpoints, seen.notebook);
      const given = flow === undefined ? 'It has' : `Step ‘${flow.from}’ gives it`;
      const there = last?.step === undefined ? '' : `; in the notebook step ‘${last.step}’ changed it last`;
      hints.push(
        `${given} ‘${name}’ as ${describeValue(value)}, the notebook has ${describeValue(after[name])}${there}.`
      );
    }
  }
  if (hints.length > 0) return hints;
  const given = new Map<string, Set<string>>();
  for (const { name, from, to } of flows)
    if (to === step && from !== step) given.set(from, (given.get(from) ?? new Set()).add(name));
  return [...given].map(
    ([from, names]) => `It takes ${[...names].map(name => `‘${name}’`).join(', ')} from step ‘${from}’.`
  );
}

function lastChange(
  name: string,
  until: number,
  checkpoints: readonly Checkpoint[],
  notebook: Evidence
): Checkpoint | undefined {
  const value = (checkpoint: Checkpoint): string | undefined =>
    notebook.checkpoints.get(checkpoint.cell)?.[name]?.fingerprint;
  const passed = checkpoints.filter(checkpoint => checkpoint.cell <= until);
  return passed.filter((checkpoint, i) => i === 0 || value(checkpoint) !== value(passed[i - 1]!)).at(-1);
}
