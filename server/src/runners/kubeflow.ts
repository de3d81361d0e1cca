// Runs on Kubeflow Pipelines 2, over its REST API alone: what Kubeflow's own UI can see of a run, Sluice sees as well (decision 0022).
import { randomBytes } from 'node:crypto';
import {
  endedStates,
  toLabelValue,
  type JsonValue,
  type Plan,
  type RunnerInfo,
  type RunState,
  type RunSummary,
  type StepRun
} from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { readAccess, type KfpPlace } from '../kfp/access.js';
import { checkSeeing } from '../kfp/check.js';
import { connect, type Connection } from '../kfp/connect.js';
import { readPodLog } from '../kfp/files.js';
import { discoverRuns } from '../kfp/discover.js';
import { findKfpKeeping, openOwnCluster, type KfpKeeping } from '../kfp/keeping.js';
import { tellLeft } from '../kfp/left.js';
import { clearVolumes, planRunVolume, readVolume, removeVolume, withVolume } from '../kfp/run-volume.js';
import { readMetadata, type RunMetadata } from '../kfp/metadata.js';
import { tellLog, tellOutcome, withoutMarks } from '../kfp/outcome.js';
import { describeIgnored, toPipelineSpec } from '../kfp/spec.js';
import { readStanding, type RunStanding, type TaskStanding } from '../kfp/standing.js';
import { PipelineError, toPipelineError } from '../errors.js';
import { listContexts } from '../kubernetes/access.js';
import { readClusterSettings } from '../kubernetes/settings.js';
import { pause } from '../pause.js';
import type { RunnerRequest } from '../runner.js';
import { describeWritten } from '../volumes/earlier.js';
import { readExecutorOutput } from './executor.js';
import { describeFailure } from './failure.js';
import type { Engine, EngineEvent, EngineOptions, Place, RemoteRun, RemoteStart } from './engine.js';
import { layoutOf } from './layout.js';
import { isNamed } from './naming.js';
import { readReport } from './pod-reader.js';
import { readFailure } from './traceback.js';

export { fetchValues } from '../kfp/values.js';

export function open(options: EngineOptions): Engine {
  return new KubeflowEngine(options);
}

/** Within a few seconds; where nobody has named a Kubeflow, nobody is asked. */
export async function describe({ env }: EngineOptions, target: Place = {}): Promise<RunnerInfo> {
  const name = 'kubeflow';
  const contexts = await listContexts({ context: env.SLUICE_KFP_CONTEXT }, env);
  try {
    const connection = await connect(readAccess(target, env), env);
    await connection.close();
    const { where, namespace } = connection;
    const profile = namespace === undefined ? '' : `, namespace ‘${namespace}’`;
    return { name, label: `Kubeflow Pipelines, ${where}${profile}`, isReady: true, contexts };
  } catch (error) {
    const isSetUp = isNamed(env, 'kubeflow') || contexts.length > 0;
    const problem = toPipelineError(error).message;
    return { name, label: 'Kubeflow Pipelines', isReady: false, isSetUp, problem, contexts };
  }
}

/** Where the environment names a Kubeflow: nobody else is asked. */
export async function discover({ store, env }: EngineOptions): Promise<void> {
  const access = readAccess({}, env);
  if (access.url === undefined && access.context === undefined) return;
  const connection = await connect(access, env);
  try {
    await discoverRuns(connection, store);
  } finally {
    await connection.close();
  }
}

const firstPauseMs = 250;
const longestPauseMs = 5000;

class KubeflowEngine implements Engine {
  readonly name = 'kubeflow';
  private readonly connections = new Map<string, Promise<Connection>>();

  constructor(private readonly options: EngineOptions) {}

  async prepare(request: RunnerRequest, plan: Plan, execute: ReadonlySet<string>, past?: RunSummary): Promise<Place> {
    const { target = {} } = request;
    const access = readAccess(target, this.options.env);
    const connection = await this.connect(access);
    const { namespace, place } = connection;
    await checkSeeing(connection);
    const { env, store } = this.options;
    const where = { connection, env, home: store.home };
    const own = await planRunVolume(request, { plan, execute, past }, where);
    const others = await findKfpKeeping(own.place.claim === undefined ? plan : withoutOwn(plan), where);
    const messages = [...describeIgnored(readIr(request.ir), plan), ...own.messages, ...others.messages];
    const cluster = readVolume(own.place)?.cluster ?? others.cluster;
    return {
      ...{ ...place, ...own.place },
      mark: randomBytes(9).toString('base64url'),
      keeping: JSON.stringify({ ...others.ways, ...own.keeping }),
      ...(cluster === undefined ? {} : { cluster: JSON.stringify(cluster) }),
      ...(messages.length === 0 ? {} : { messages: JSON.stringify(messages) }),
      ...(namespace === undefined ? {} : { namespace }),
      experiment: access.experiment ?? plan.name
    };
  }

  async start(run: RemoteStart, signal: AbortSignal): Promise<string> {
    const known = JSON.parse(run.place.messages ?? '[]') as string[];
    for (const message of [...known, ...(await this.describeEarlier(run))]) run.notice(message);
    try {
      return await this.submit(run, await withVolume(run, this.options, signal), signal);
    } catch (error) {
      await removeVolume(run, this.options.env).catch(() => undefined); // what stood in the way is what counts
      throw error;
    }
  }

  /** What volumes still have of the run that this one goes on from. */
  private async describeEarlier(run: RemoteStart): Promise<string[]> {
    if (run.past === undefined) return [];
    const { env, store } = this.options;
    const where = { connection: await this.connect(run.place), env, home: store.home };
    const cluster = await openOwnCluster(where, readClusterSettings({}, where)).catch(() => undefined);
    return describeWritten(cluster, run);
  }

  private async submit(run: RemoteStart, ir: string, signal: AbortSignal): Promise<string> {
    const { client, namespace } = await this.connect(run.place);
    const { request, choice, plan } = run;
    const pipeline_spec = toPipelineSpec(ir, {
      run: toLabelValue(run.id),
      ...(run.notebook === undefined ? {} : { notebook: run.notebook }),
      mark: run.place.mark ?? '',
      execute: choice.execute,
      cache: request.cache,
      keeping: JSON.parse(run.place.keeping ?? '{}') as KfpKeeping,
      given: await this.readGiven(run)
    });
    const experiment_id = await client.ensureExperiment(run.place.experiment!, namespace);
    signal.throwIfAborted();
    const { run_id } = await client.createRun(
      {
        display_name: nameOf(run),
        description: run.notebook === undefined ? 'Started by Sluice.' : `Started by Sluice from ${run.notebook}.`,
        ...{ experiment_id, pipeline_spec },
        runtime_config: { parameters: toGivenParameters(run.parameters, plan) }
      },
      signal
    );
    return run_id!;
  }

  async find(run: RemoteRun): Promise<string | undefined> {
    const { client, namespace } = await this.connect(run.place);
    const predicates = [{ operation: 'EQUALS', key: 'name', string_value: nameOf(run) }];
    const [found] = await client.listRuns(namespace, 1, { predicates });
    if (found === undefined) await removeVolume(run, this.options.env).catch(() => undefined);
    return found?.run_id;
  }

  async *follow(id: string, run: RemoteRun, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const connection = await this.connect(run.place);
    const told = new Map<string, RunState>();
    const left = new Map<string, Promise<EngineEvent[]>>();
    const options = { connection, env: this.options.env, home: this.options.store.home };
    let known: RunMetadata | undefined;
    for (let pauseMs = firstPauseMs; ;) {
      let isNews = false;
      const { standing, metadata, problem } = await this.look(connection, id, run, known, signal);
      known = metadata;
      for (const task of standing.tasks)
        if (isNewlyEnded(task, run) && !left.has(task.task)) {
          const told = tellLeft(
            run,
            { step: nameOfStep(task, run), task, hasMetadata: metadata !== undefined },
            options,
            signal
          );
          told.catch(() => undefined); // whoever waits for it hears of it
          left.set(task.task, told);
        }
      for (const task of standing.tasks)
        for await (const event of tellTask(task, { connection, id, run, metadata, told, left, signal })) {
          isNews = true;
          yield event;
        }
      if (standing.ended !== undefined) {
        const { ended: state, endedAt: at } = standing;
        const reason =
          standing.other === undefined ? standing.reason : await describeOther(standing.other, connection, id, signal);
        await clearVolumes(run, state, this.options.store, this.options.env);
        yield {
          ...{ type: 'run-ended', run: run.id, state, metrics: {} },
          ...(reason === undefined ? {} : { reason }),
          ...(at === undefined ? {} : { at })
        };
        return;
      }
      run.notice(problem);
      yield { type: 'caught-up' };
      pauseMs = isNews ? firstPauseMs : Math.min(longestPauseMs, pauseMs * 1.5);
      await pause(pauseMs, signal);
    }
  }

  async cancel(id: string, run: RemoteRun): Promise<void> {
    const { client } = await this.connect(run.place);
    await client.terminateRun(id).catch(async (error: unknown) => {
      const { state } = await client.getRun(id);
      if (state !== 'SUCCEEDED' && state !== 'FAILED' && state !== 'CANCELED') throw error;
    });
  }

  /** The metadata service may be out of reach where the API is not; the run is followed all the same. */
  private async look(
    connection: Connection,
    id: string,
    run: RemoteRun,
    known: RunMetadata | undefined,
    signal: AbortSignal
  ) {
    const kfp = await connection.client.getRun(id, signal).catch((error: unknown) => {
      if (error instanceof PipelineError && error.code === 'not-found') return undefined;
      throw error;
    });
    if (kfp === undefined) {
      const reason = 'The run is not in Kubeflow any more: somebody deleted it there.';
      return { standing: { ended: 'failed', reason, tasks: [] } satisfies RunStanding, metadata: undefined };
    }
    const keys = run.plan.tasks.map(({ task }) => task);
    const read = (metadata: RunMetadata | undefined) => readStanding(kfp, keys.length > 0 ? keys : undefined, metadata);
    try {
      const metadata = await readMetadata(connection.root, id, signal);
      return { standing: read(metadata), metadata };
    } catch (error) {
      if (signal.aborted || known !== undefined) throw error; // it will be there again
      const problem = `Logs and outputs can’t be read: ${toPipelineError(error).message}`;
      return { standing: read(undefined), metadata: undefined, problem };
    }
  }

  /** What the steps that are not executed gave in a past run. */
  private async readGiven({ past, choice }: RemoteStart) {
    const { store } = this.options;
    const found = new Map<string, { readonly uri: string; readonly metadata: object }>();
    for (const step of past === undefined ? [] : choice.reuse) {
      const metadata = await readExecutorOutput(layoutOf(store.home, past!.id), step);
      for (const { step: from, name, path } of store.artifacts(past!.id))
        if (from === step && path.includes('://'))
          found.set(`${step} ${name}`, { uri: path, metadata: metadata?.[name] ?? {} });
    }
    return (step: string, key: string) => found.get(`${step} ${key}`);
  }

  private connect(place: KfpPlace): Promise<Connection> {
    const { url, context, namespace } = place;
    const key = JSON.stringify([url, context, namespace]);
    let connection = this.connections.get(key);
    if (connection === undefined) {
      const { env } = this.options;
      const given = {
        ...(url !== undefined && { url }),
        ...(context !== undefined && { context }),
        ...(namespace !== undefined && { namespace })
      };
      connection = connect(readAccess(given, env), env);
      connection.catch(() => this.connections.delete(key)); // it may be there the next time
      this.connections.set(key, connection);
    }
    return connection;
  }
}

/** What is found again under this name is this run. */
const nameOf = ({ plan, id }: RemoteRun) => `${plan.name} ${id}`;

/** KFP has no null: a parameter without a value is None. */
function toGivenParameters(parameters: RemoteRun['parameters'], plan: Plan): Record<string, JsonValue> {
  const known = new Set(plan.parameters.map(({ name }) => name));
  return Object.fromEntries(Object.entries(parameters).filter(([name, value]) => value !== null && known.has(name)));
}

/** The volume of the notebook's folder, where the run has a copy of it, is not the run's concern. */
function withoutOwn({ workspace }: Plan): Pick<Plan, 'workspace'> {
  return { workspace: Object.fromEntries(Object.entries(workspace).filter(([key]) => key !== 'volume')) };
}

interface Telling {
  readonly connection: Connection;
  readonly id: string;
  readonly run: RemoteRun;
  readonly metadata: RunMetadata | undefined;
  /** by step: the last state told by this process */
  readonly told: Map<string, RunState>;
  /** by task: what is kept now of what the step left */
  readonly left: ReadonlyMap<string, Promise<EngineEvent[]>>;
  readonly signal: AbortSignal;
}

const nameOfStep = ({ task }: TaskStanding, { plan }: RemoteRun): string =>
  plan.tasks.find(candidate => candidate.task === task)?.name ?? task;

const isNewlyEnded = (task: TaskStanding, run: RemoteRun): boolean =>
  task.state !== undefined && endedStates.has(task.state) && !isEnded(run.state(nameOfStep(task, run)));

async function* tellTask(task: TaskStanding, telling: Telling): AsyncIterable<EngineEvent> {
  const { connection, id, run, metadata, told, left, signal } = telling;
  const planned = run.plan.tasks.find(candidate => candidate.task === task.task);
  const step = nameOfStep(task, run);
  const { state, reason, startedAt, endedAt } = task;
  const known = run.state(step);
  if (state === undefined || isEnded(known)) return;
  const hasRun = state === 'succeeded' || state === 'failed';
  if (
    told.get(step) !== state &&
    (state === 'pending' || state === 'running' || (hasRun && known?.startedAt === undefined))
  )
    yield {
      ...{ type: 'step', step, state: state === 'pending' ? state : 'running' },
      ...(state === 'pending' && reason !== undefined ? { reason } : {}),
      ...(startedAt === undefined || state === 'pending' ? {} : { at: startedAt })
    };
  told.set(step, state);
  if (state !== 'pending') yield* tellLog(connection, { id, run, step, planned, standing: task }, signal);
  if (!endedStates.has(state)) return;
  yield* (await left.get(task.task)) ?? [];
  if (state === 'succeeded' || state === 'cached') {
    const artifacts = (metadata?.artifacts ?? []).filter(artifact => artifact.task === task.task);
    const isLive = state === 'succeeded' && isToldBy(run, step, task.pod);
    yield* tellOutcome(connection, { run, step, artifacts, isLive }, signal);
  }
  const failure = state === 'failed' ? await findFailure(task, step, telling) : undefined;
  yield {
    ...{ type: 'step', step, state },
    ...(startedAt !== undefined && endedAt !== undefined && hasRun ? { durationMs: endedAt - startedAt } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(failure === undefined ? {} : { failure, error: describeFailure(failure) }),
    ...(endedAt === undefined ? {} : { at: endedAt })
  };
}

/** Whether the step's pod told its events, and not an attempt before it. */
const isToldBy = (run: RemoteRun, step: string, pod: string | undefined) =>
  pod !== undefined && readReport(run, step)?.pod === pod;

const isEnded = (step: StepRun | undefined) => step !== undefined && endedStates.has(step.state);

/** What takes a snapshot says at last what stood in its way. */
async function describeOther(
  { task, pod, namespace, error }: TaskStanding,
  { ui }: Connection,
  run: string,
  signal: AbortSignal
) {
  const log = pod === undefined ? undefined : await readPodLog(ui, { run, pod, namespace }, signal);
  const said = log?.trimEnd().split('\n').at(-1) ?? error;
  return `Task ‘${task}’ failed${said ? `: ${said}` : '.'}`;
}

async function findFailure(
  { pod, namespace, error }: TaskStanding,
  step: string,
  { connection, id, run, signal }: Telling
) {
  const told = isToldBy(run, step, pod) ? readReport(run, step)?.failure : undefined;
  if (told !== undefined) return told;
  const log = pod === undefined ? undefined : await readPodLog(connection.ui, { run: id, pod, namespace }, signal);
  const found = log === undefined ? undefined : readFailure(withoutMarks(log, run.place.mark));
  return found ?? { name: 'exit-status', message: error ?? 'Its pod failed, and Kubeflow does not tell why.' };
}
