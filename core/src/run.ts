// A run's state is what its events add up to. Browser, server and command line all reduce them here, and nowhere else.
import type { JsonValue } from './pipeline.js';
import { endedStates, type RunEvent, type RunState, type RunSummary, type StepRun } from './protocol.js';

export interface RunStart {
  readonly id: string;
  readonly number: number;
  readonly pipeline: string;
  readonly notebook?: string;
  readonly runner: string;
  /** milliseconds since 1970 */
  readonly createdAt: number;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly steps: readonly string[];
}

/** The summary of a run of which nothing has happened yet. */
export function startRun(start: RunStart): RunSummary {
  const steps = start.steps.map((name): StepRun => ({ name, state: 'pending' }));
  return { ...start, state: 'pending', steps, metrics: {} };
}

/** Whether `run` began before `other`; one that was started elsewhere gets its number only when it is found. */
export function isEarlier(run: RunSummary, other: RunSummary): boolean {
  return run.createdAt < other.createdAt || (run.createdAt === other.createdAt && run.number < other.number);
}

/** The summary after one more event. Events that change nothing in it give the same object. */
export function reduceRun(summary: RunSummary, event: RunEvent): RunSummary {
  switch (event.type) {
    case 'run-started':
      return { ...summary, state: 'running', steps: event.steps.reduce(withStepRun, summary.steps) };
    case 'step':
      return updateStep(summary, event.step, step => reduceStep(step, event));
    case 'cell':
      return updateStep(summary, event.step, step => reduceCell(step, event.cell, event.state));
    case 'metric':
      return { ...summary, metrics: { ...summary.metrics, [event.name]: event.value } };
    case 'run-ended':
      return withNotice({
        ...summary,
        state: event.state,
        ...(event.reason === undefined ? {} : { reason: event.reason }),
        endedAt: event.at,
        steps: summary.steps.map(step => endStep(step, event)),
        metrics: { ...summary.metrics, ...event.metrics }
      });
    case 'workspace':
      return { ...summary, workspace: event.workspace };
    case 'remote':
      return { ...summary, remote: event.remote };
    case 'notice':
      return withNotice(summary, event.text);
    case 'log':
    case 'output':
    case 'snapshot':
    case 'artifact':
      return summary;
  }
}

function withNotice(summary: RunSummary, notice?: string): RunSummary {
  const { notice: before, ...others } = summary;
  return notice === undefined ? (before === undefined ? summary : others) : { ...others, notice };
}

function withStepRun(steps: readonly StepRun[], name: string): readonly StepRun[] {
  return steps.some(step => step.name === name) ? steps : [...steps, { name, state: 'pending' }];
}

function updateStep(summary: RunSummary, name: string, update: (step: StepRun) => StepRun): RunSummary {
  const steps = withStepRun(summary.steps, name);
  return { ...summary, steps: steps.map(step => (step.name === name ? update(step) : step)) };
}

type StepEvent = Extract<RunEvent, { type: 'step' }>;

// A step that runs again, after a failed attempt, starts anew: nothing of the attempt before is kept.
function reduceStep(step: StepRun, event: StepEvent): StepRun {
  const { name, startedAt } = step;
  const { state, error, failure, reason, usage } = event;
  const uncached = event.uncached ?? (state === 'pending' ? undefined : step.uncached);
  const told = {
    ...(uncached === undefined ? {} : { uncached }),
    ...(usage === undefined ? {} : { usage }),
    ...(error === undefined ? {} : { error }),
    ...(failure === undefined ? {} : { failure }),
    ...(reason === undefined ? {} : { reason })
  };
  if (state === 'pending') return { name, state, ...told };
  if (state === 'running') return { name, state, startedAt: event.at, ...told };
  const durationMs = event.durationMs ?? (startedAt === undefined ? undefined : event.at - startedAt);
  return {
    name,
    state,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    // where it stood when it failed tells more than nothing
    ...(state === 'failed' && step.cell !== undefined ? { cell: step.cell } : {}),
    ...(step.cellsDone === undefined ? {} : { cellsDone: step.cellsDone }),
    ...told
  };
}

function reduceCell(step: StepRun, cell: number, state: RunState): StepRun {
  if (state === 'running') return { ...step, cell };
  const { cell: current, ...rest } = step;
  const done = state === 'succeeded' ? { cellsDone: (step.cellsDone ?? 0) + 1 } : {};
  return current === cell && state !== 'failed' ? { ...rest, ...done } : step;
}

// A run that ends takes along what has not ended: canceled with it, or skipped, or failed where it was at work.
function endStep(step: StepRun, event: Extract<RunEvent, { type: 'run-ended' }>): StepRun {
  if (endedStates.has(step.state)) return step;
  const state = event.state === 'canceled' ? 'canceled' : step.state === 'running' ? 'failed' : 'skipped';
  const reason = step.reason ?? event.reason ?? 'The run ended.';
  return {
    ...step,
    state,
    reason,
    ...(step.startedAt === undefined ? {} : { durationMs: event.at - step.startedAt }),
    ...(state === 'failed' ? { error: reason } : {})
  };
}
