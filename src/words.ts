// How the panel and the chips put a run into words: states, durations, moments, metrics. Pure, so that a table can test it.
import type { Failure, MetricValue, RunState, RunSummary, StepRun } from '@sluice/core';

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`: never more than needed, so that a column of them can be compared at a glance. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 0.05) return '0.0 s';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** The clock on the same day, else day and month before it. */
export function formatMoment(at: number, now: Date): string {
  const date = new Date(at);
  const clock = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  if (date.toDateString() === now.toDateString()) return clock;
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  return `${day} ${clock}`;
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const digits = Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4 ? value.toExponential(3) : value.toPrecision(4);
  return digits.includes('e') ? digits : String(Number(digits));
}

/** One line for any metric; tables and the like say only what they are. */
export function formatMetric(value: MetricValue): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return JSON.stringify(value);
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

/** What a step's run says of itself in a few words: `succeeded · 1.2 s`, `running · 12 s`, `failed`. */
export function describeStepRun(run: StepRun | undefined, now: number): string {
  if (!run) return 'not run';
  const duration = durationOf(run, now);
  return duration === undefined ? run.state : `${run.state} · ${formatDuration(duration)}`;
}

/** Milliseconds that the step took, or has taken so far. */
export function durationOf(run: StepRun, now: number): number | undefined {
  if (run.durationMs !== undefined) return run.durationMs;
  return run.state === 'running' && run.startedAt !== undefined ? Math.max(0, now - run.startedAt) : undefined;
}

/** The last column of the list of runs: what people look for first. */
export function summarizeRun(run: RunSummary): string {
  const failed = run.steps.find(step => step.state === 'failed');
  if (failed) return `${failed.name}: ${failed.error ?? failed.failure?.name ?? 'failed'}`;
  if (isActive(run.state)) {
    const ended = run.steps.filter(step => !isActive(step.state)).length;
    return `${ended} of ${run.steps.length} steps`;
  }
  if (run.state !== 'succeeded' && run.state !== 'cached') return run.reason ?? run.state;
  const metric = Object.entries(run.metrics).find(([, value]) => typeof value === 'number');
  return metric ? `${metric[0]} ${formatMetric(metric[1])}` : 'succeeded';
}

/** The run to go on with: the newest one that failed or was canceled, unless the whole pipeline has succeeded since. */
export function resumableRun(newestFirst: readonly RunSummary[]): RunSummary | undefined {
  const isWhole = (run: RunSummary): boolean => run.steps.every(step => step.state !== 'skipped');
  const last = newestFirst.find(
    run => run.state === 'failed' || run.state === 'canceled' || (run.state === 'succeeded' && isWhole(run))
  );
  return last?.state === 'succeeded' ? undefined : last;
}

export function isActive(state: RunState): boolean {
  return state === 'pending' || state === 'running' || state === 'paused';
}

/** Python's own form for an exception; our codes, such as `cannot-travel`, are for programs: their messages stand alone. */
export function describeFailure({ name, message }: Failure): string {
  if (message === '') return name;
  return /^[a-z]+(-[a-z]+)*$/.test(name) ? message : `${name}: ${message}`;
}

/** What stands after the last line break of a log, without terminal colours and overwritten progress bars. */
export function lastLine(log: string): string {
  const lines = plainLog(log).split('\n');
  for (let i = lines.length - 1; i >= 0; i--) if (lines[i]!.trim() !== '') return lines[i]!.trim();
  return '';
}

/** Terminal escapes taken out; of a line overwritten by carriage returns the last state stays. */
export function plainLog(log: string): string {
  return (
    log
      // eslint-disable-next-line no-control-regex
      .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
      .split('\n')
      .map(line => {
        const states = line.replace(/\r$/, '').split('\r');
        return states[states.length - 1]!;
      })
      .join('\n')
  );
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
