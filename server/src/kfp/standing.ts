// How a run stands in Kubeflow, told of steps and not of a workflow's nodes. A task is a node of its own name, with a driver before it that
// prepares it; whether it came from cache and where it ran, only the metadata service knows.
import type { RunState } from '@sluice/core';
import type { KfpRun, KfpState, KfpTask } from './client.js';
import type { KfpExecution, RunMetadata } from './metadata.js';

export interface TaskStanding {
  /** its key in the IR */
  readonly task: string;
  /** undefined while Kubeflow has not come to it */
  readonly state: RunState | undefined;
  readonly reason?: string;
  /** the server's own words on its failure */
  readonly error?: string;
  /** milliseconds since 1970 */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly pod?: string;
  readonly namespace?: string;
}

export interface RunStanding {
  /** undefined while it goes on */
  readonly ended?: 'succeeded' | 'failed' | 'canceled';
  readonly reason?: string;
  readonly endedAt?: number;
  readonly tasks: readonly TaskStanding[];
  /** where no step failed, but what has to be done besides: a snapshot was not taken */
  readonly other?: TaskStanding;
}

/** `steps` are their tasks' keys in the IR; undefined: all tasks, of a pipeline that Sluice cannot read. */
export function readStanding(
  run: KfpRun,
  steps: readonly string[] | undefined,
  metadata: RunMetadata | undefined
): RunStanding {
  const nodes = new Map((run.run_details?.task_details ?? []).map(node => [node.display_name ?? '', node]));
  const executions = new Map((metadata?.executions ?? []).map(execution => [execution.task, execution]));
  const ended = endOf(run.state);
  const failed = [...nodes.values()].find(node => node.display_name === 'root-driver' && node.state === 'FAILED');
  const reason = run.error?.message || errorOf(run.state_history) || (failed && errorOf(failed.state_history));
  const endedAt = timeOf(run.finished_at);
  const canceledAt = findCanceledAt(run);
  const read = (task: string) =>
    orCanceled(readTask(task, nodes, executions.get(task), metadata !== undefined), canceledAt);
  const all = listTasks(run);
  const tasks = (steps ?? all).map(read);
  const hasFailed = ({ state }: TaskStanding): boolean => state === 'failed';
  const others = ended === 'failed' && !tasks.some(hasFailed) ? all.filter(task => !steps?.includes(task)) : [];
  // a pod's failure fails whatever its task is part of
  const other = others.map(read).find(task => hasFailed(task) && executions.get(task.task)?.pod !== undefined);
  return {
    ...(ended === undefined ? {} : { ended }),
    ...(reason ? { reason } : failed === undefined ? {} : { reason: 'Kubeflow could not prepare the run.' }),
    ...(endedAt === undefined ? {} : { endedAt }),
    tasks,
    ...(other === undefined ? {} : { other })
  };
}

/** When somebody asked to end the run. */
function findCanceledAt({ state_history = [] }: KfpRun): number | undefined {
  return timeOf(state_history.find(({ state }) => state === 'CANCELING' || state === 'CANCELED')?.update_time);
}

/** A pod that is ended because the run is has failed, as Argo sees it, and what comes after it is left out. Times are whole seconds. */
function orCanceled(standing: TaskStanding, canceledAt: number | undefined): TaskStanding {
  const { state, endedAt = Infinity, error } = standing;
  const isItself = (state !== 'failed' && state !== 'skipped') || canceledAt === undefined;
  if (isItself || endedAt + 1000 < canceledAt) return standing;
  return { ...standing, state: 'canceled', reason: canceled, ...(error === undefined ? {} : { error: canceled }) };
}

const canceled = 'The run was canceled.';

/** Whatever has had a driver. */
function listTasks(run: KfpRun): string[] {
  const names = (run.run_details?.task_details ?? []).map(node => node.display_name ?? '');
  return names.filter(name => name !== 'root' && names.includes(`${name}-driver`));
}

function readTask(
  task: string,
  nodes: ReadonlyMap<string, KfpTask>,
  execution: KfpExecution | undefined,
  hasMetadata: boolean
): TaskStanding {
  const node = nodes.get(task);
  const driver = nodes.get(`${task}-driver`);
  const place = {
    ...(execution?.pod === undefined ? {} : { pod: execution.pod }),
    ...(execution?.namespace === undefined ? {} : { namespace: execution.namespace })
  };
  if (node === undefined) {
    if (driver?.state !== 'FAILED') return { task, state: undefined };
    const error = errorOf(driver.state_history) ?? 'Kubeflow could not prepare its pod: its driver failed.';
    return { task, state: 'failed', error, ...times(driver) };
  }
  const isWaiting = hasMetadata && execution?.pod === undefined;
  const [state, reason] = toStepState(node.state, execution, isWaiting);
  const error = node.error?.message || errorOf(node.state_history);
  return {
    task,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(error ? { error } : {}),
    ...times(node),
    ...place
  };
}

function toStepState(
  state: KfpState | undefined,
  execution: KfpExecution | undefined,
  isWaiting: boolean
): [RunState | undefined, string?] {
  switch (state) {
    case 'SUCCEEDED':
      return execution?.state === 'cached' ? ['cached', 'From an earlier run in Kubeflow.'] : ['succeeded'];
    case 'FAILED':
      return ['failed'];
    case 'SKIPPED':
      return ['skipped', 'A step that it needs did not succeed.'];
    case 'CANCELED':
    case 'CANCELING':
      return ['canceled', canceled];
    case 'PAUSED':
      return ['paused'];
    case 'RUNNING':
      return isWaiting ? ['pending', 'Waiting for its pod.'] : ['running'];
    case 'PENDING':
      return ['pending', 'Waiting for its pod.'];
    default:
      return [undefined];
  }
}

function endOf(state: KfpState | undefined): RunStanding['ended'] {
  switch (state) {
    case 'SUCCEEDED':
    case 'SKIPPED':
      return 'succeeded';
    case 'FAILED':
      return 'failed';
    case 'CANCELED':
      return 'canceled';
    default:
      return undefined;
  }
}

function times({ start_time, end_time }: KfpTask): Pick<TaskStanding, 'startedAt' | 'endedAt'> {
  const [startedAt, endedAt] = [timeOf(start_time), timeOf(end_time)];
  return { ...(startedAt === undefined ? {} : { startedAt }), ...(endedAt === undefined ? {} : { endedAt }) };
}

/** Kubeflow writes 1970 for what has not happened, and sometimes the year 1. */
function timeOf(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) || at <= 0 ? undefined : at;
}

function errorOf(history: KfpRun['state_history']): string | undefined {
  return history?.flatMap(({ error }) => error?.message || []).at(-1);
}
