// How the panel and the chips put a run into words: states, durations, moments, metrics. Pure, so that a table can test it.
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  formatDuration,
  formatMetric,
  formatNumber,
  formatSize,
  type Failure,
  type MetricValue,
  type RunState,
  type RunSummary,
  type StepRun,
  type StepUsage,
  type WorkspaceRecord
} from '@sluice/core';

/** The clock on the same day, else day and month before it. */
export function formatMoment(at: number, now: Date): string {
  const date = new Date(at);
  const clock = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  if (date.toDateString() === now.toDateString()) return clock;
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  return `${day} ${clock}`;
}

/** A sentence as it stands within a line: `Unchanged since run 12.` gives `unchanged since run 12`. */
export function toPhrase(sentence: string): string {
  const words = sentence.trim().replace(/\.$/, '');
  return /^[A-Z][a-z]/.test(words) ? words.charAt(0).toLowerCase() + words.slice(1) : words;
}

export interface Delta {
  readonly direction: 'up' | 'down' | 'same';
  readonly text: string;
}

/** How a number moved against the run before; undefined where one of the two is no number. */
export function compareMetric(value: MetricValue, before: MetricValue | undefined): Delta | undefined {
  if (typeof value !== 'number' || typeof before !== 'number') return undefined;
  const change = value - before;
  const direction = change > 0 ? 'up' : change < 0 ? 'down' : 'same';
  return { direction, text: direction === 'same' ? '=' : formatNumber(Number(Math.abs(change).toPrecision(3))) };
}

export function stateWord(state: RunState | undefined, trans: TranslationBundle): string {
  switch (state) {
    case undefined:
      return trans.__('not run');
    case 'pending':
      return trans.__('pending');
    case 'running':
      return trans.__('running');
    case 'succeeded':
      return trans.__('succeeded');
    case 'cached':
      return trans.__('cached');
    case 'failed':
      return trans.__('failed');
    case 'skipped':
      return trans.__('skipped');
    case 'canceled':
      return trans.__('canceled');
    case 'paused':
      return trans.__('paused');
  }
}

/** What a step's run says of itself in a few words: `succeeded · 1.2 s`, `running · 12 s`, `cached`. */
export function describeStepRun(run: StepRun | undefined, now: number, trans: TranslationBundle): string {
  const word = stateWord(run?.state, trans);
  const duration = run && run.state !== 'cached' ? durationOf(run, now) : undefined;
  return duration === undefined ? word : `${word} · ${formatDuration(duration)}`;
}

/** `2.3 s of CPU · 412 MB at most · 3.1 MB in · 12 MB out`; what is nothing is left out. */
export function describeUsage(
  { cpuMs, peakMemoryBytes, bytesIn, bytesOut }: StepUsage,
  trans: TranslationBundle
): string {
  return [
    trans.__('%1 of CPU', formatDuration(cpuMs)),
    ...(peakMemoryBytes > 0 ? [trans.__('%1 of memory at most', formatSize(peakMemoryBytes))] : []),
    ...(bytesIn > 0 ? [trans.__('%1 in', formatSize(bytesIn))] : []),
    ...(bytesOut > 0 ? [trans.__('%1 out', formatSize(bytesOut))] : [])
  ].join(' · ');
}

/** How the run came to the folder that it worked in. */
export function describeWorkspace(
  { how, files, bytes, durationMs }: WorkspaceRecord,
  trans: TranslationBundle
): string {
  const size = `${describeFiles(files, bytes, trans)}, ${formatDuration(durationMs)}`;
  switch (how) {
    case 'reflink':
      return trans.__('a clone of the folder that shares its blocks (%1)', size);
    case 'overlay':
      return trans.__('a layer over the folder (%1)', size);
    case 'copy':
      return trans.__('a copy of the folder (%1)', size);
  }
}

/** `12 files, 3.2 MB` */
export function describeFiles(files: number, bytes: number, trans: TranslationBundle): string {
  return `${trans._n('%1 file', '%1 files', files)}, ${formatSize(bytes)}`;
}

/** Milliseconds that the step took, or has taken so far. */
export function durationOf(run: StepRun, now: number): number | undefined {
  if (run.durationMs !== undefined) return run.durationMs;
  return run.state === 'running' && run.startedAt !== undefined ? Math.max(0, now - run.startedAt) : undefined;
}

/** The last column of the list of runs: what people look for first. */
export function summarizeRun(run: RunSummary, trans: TranslationBundle): string {
  const failed = run.steps.find(step => step.state === 'failed');
  if (failed) return `${failed.name}: ${failed.error ?? failed.failure?.name ?? stateWord('failed', trans)}`;
  if (isActive(run.state)) {
    if (run.notice !== undefined) return run.notice;
    const ended = run.steps.filter(step => !isActive(step.state)).length;
    return trans.__('%1 of %2 steps', ended, run.steps.length);
  }
  if (run.state !== 'succeeded' && run.state !== 'cached') return run.reason ?? stateWord(run.state, trans);
  const metric = Object.entries(run.metrics).find(([, value]) => typeof value === 'number');
  return metric ? `${metric[0]} ${formatMetric(metric[1])}` : describeSuccess(run, trans);
}

/** `succeeded · 34 s`; what is no whole run says so. */
function describeSuccess(run: RunSummary, trans: TranslationBundle): string {
  const { steps, state, createdAt, endedAt } = run;
  const count = (wanted: RunState): number => steps.filter(step => step.state === wanted).length;
  const word = stateWord(state, trans);
  if (count('skipped') > 0) return trans.__('%1 · %2 of %3 steps', word, count('succeeded'), steps.length);
  if (count('cached') === steps.length) return trans.__('%1 · all cached', word);
  return endedAt === undefined ? word : `${word} · ${formatDuration(endedAt - createdAt)}`;
}

/** The run to go on with: the newest one that failed or was canceled, unless the whole pipeline has succeeded since. */
export function resumableRun(newestFirst: readonly RunSummary[]): RunSummary | undefined {
  const isWhole = (run: RunSummary): boolean => run.steps.every(step => step.state !== 'skipped');
  const last = newestFirst.find(run => isResumable(run) || (run.state === 'succeeded' && isWhole(run)));
  return last?.state === 'succeeded' ? undefined : last;
}

/** Whether there is something in it to go on with. */
export function isResumable(run: RunSummary): boolean {
  return run.state === 'failed' || run.state === 'canceled';
}

/** The step that going on with the run begins at: the first that failed, else the first that did not come to its end. */
export function resumesAt({ steps }: RunSummary): string | undefined {
  const first = steps.find(step => step.state === 'failed') ?? steps.find(step => step.state === 'canceled');
  return first?.name;
}

/** `Run 12 · 10:02 · accuracy 0.83` */
export function describePastRun(run: RunSummary, trans: TranslationBundle): string {
  const moment = formatMoment(run.createdAt, new Date());
  return trans.__('Run %1 · %2 · %3', run.number, moment, summarizeRun(run, trans));
}

/** Whether it left outputs, and an executed notebook. */
export function hasOutcome(state: RunState): boolean {
  return state === 'succeeded' || state === 'cached' || state === 'failed';
}

export function isActive(state: RunState): boolean {
  return state === 'pending' || state === 'running' || state === 'paused';
}

/** Python's own form for an exception; our codes, such as `cannot-travel`, are for programs: their messages stand alone. */
export function describeFailure({ name, message }: Failure): string {
  if (message === '') return name;
  return /^[a-z]+(-[a-z]+)*$/.test(name) ? message : `${name}: ${message}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
