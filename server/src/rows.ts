// The records' rows as the values that the rest of Sluice knows, and back. SQL's null is our undefined.
import type { SQLOutputValue } from 'node:sqlite';
import type { RunState, RunSummary, StepRun } from '@sluice/core';

export type Row = Record<string, unknown>;

/** The order of runs: a run that was started elsewhere gets its number when it is found. */
export const newestFirst = 'runs.created_at DESC, runs.number DESC';

export function toSummary(row: Row, steps: StepRun[]): RunSummary {
  return {
    id: row.id as string,
    number: row.number as number,
    pipeline: row.pipeline as string,
    ...present({ notebook: row.notebook as string | null }),
    runner: row.runner as string,
    state: row.state as RunState,
    ...present({ reason: row.reason as string | null }),
    createdAt: row.created_at as number,
    ...present({ endedAt: row.ended_at as number | null }),
    parameters: JSON.parse(row.parameters as string),
    steps,
    metrics: JSON.parse(row.metrics as string),
    ...present({
      parent: row.parent as string | null,
      workspace: row.workspace === null ? null : JSON.parse(row.workspace as string),
      remote: row.remote === null ? null : JSON.parse(row.remote as string),
      notice: row.notice as string | null
    })
  };
}

/** in the order that `toStepRun` takes them */
export const stepColumns =
  'name, state, started_at, duration_ms, error, failure, reason, uncached, usage, cell, cells_done';

export function toStepRun(columns: SQLOutputValue[]): StepRun {
  const [name, state, startedAt, durationMs, error, failure, reason, uncached, usage, cell, cellsDone] = columns;
  const step: Record<string, unknown> = { name, state };
  if (startedAt !== null) step.startedAt = startedAt;
  if (durationMs !== null) step.durationMs = durationMs;
  if (error !== null) step.error = error;
  if (failure !== null) step.failure = JSON.parse(failure as string);
  if (reason !== null) step.reason = reason;
  if (uncached !== null) step.uncached = uncached;
  if (usage !== null) step.usage = JSON.parse(usage as string);
  if (cell !== null) step.cell = cell;
  if (cellsDone !== null) step.cellsDone = cellsDone;
  return step as unknown as StepRun;
}

export const toJson = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

/** SQL's null is our undefined, and what is undefined is left out. */
function present<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], null> } {
  const kept: Record<string, unknown> = {};
  for (const name in fields) if (fields[name] !== null) kept[name] = fields[name];
  return kept as never;
}
