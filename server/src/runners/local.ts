// The embedded runner: it executes the IR that Kubeflow would get as processes on this machine, in a copy of the notebook's folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { checkParameters, endedStates, type JsonValue, type Plan, type PlanTask, type RunEvent } from '@sluice/core';
import { Knowledge, RunCache, turnedOff } from '../cache/cache.js';
import { readEnvironment, type Environment } from '../cache/environment.js';
import { tick } from '../cache/written.js';
import { PipelineError, toPipelineError } from '../errors.js';
import { checkPython, checkVersion, readKernel, type Kernel } from '../kernels.js';
import { mostProcesses } from '../limits.js';
import type { StepProcess } from '../process.js';
import type { Runner, RunnerRequest, RunId } from '../runner.js';
import type { WorkspaceScan } from '../scan.js';
import { ObjectStore } from '../snapshots/objects.js';
import { collections } from '../snapshots/records.js';
import { RunSnapshots } from '../snapshots/run-snapshots.js';
import type { Store } from '../store.js';
import { Workers } from '../warm/workers.js';
import { Workspace } from '../workspace.js';
import { Ahead } from './ahead.js';
import { Capacity, machineLimits } from './capacity.js';
import { performStep, takePast, type Caching } from './cached.js';
import { checkIn } from './check-in.js';
import { stepEnv } from './command.js';
import type { Metadata } from './executor.js';
import { describeFailed } from './failure.js';
import { layoutOf, type Layout } from './layout.js';
import { findNeed } from './need.js';
import { scanFor } from './outside.js';
import { fillParameters, findPast, type Past } from './past.js';
import { readPlan } from './plans.js';
import { schedule } from './schedule.js';
import { chooseSteps, settle, type Choice } from './selection.js';

export interface LocalOptions {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
  /** where the fork server's program is (decision 0011); without it each step is started by itself */
  readonly warmFolder?: string;
}

interface ActiveRun {
  readonly cancel: AbortController;
  readonly processes: Set<StepProcess>;
  readonly done: Promise<void>;
  /** aborted when not even the run's end could be recorded */
  readonly lost: AbortController;
}

interface Prepared {
  readonly plan: Plan;
  readonly kernel: Kernel;
  readonly environment: Environment | undefined;
  readonly workers: Workers;
  readonly ahead: Ahead;
  readonly scan: WorkspaceScan;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly choice: Choice;
  readonly past: Past | undefined;
  readonly capacity: Capacity;
}

export class LocalRunner implements Runner {
  private readonly active = new Map<RunId, ActiveRun>();

  /** shared by all runs */
  private capacity: Capacity | undefined;

  constructor(private readonly options: LocalOptions) {}

  async submit(request: RunnerRequest, signal?: AbortSignal): Promise<RunId> {
    const { store } = this.options;
    const prepared = await this.prepare(request);
    signal?.throwIfAborted();
    const { id } = store.create({
      pipeline: prepared.plan.name,
      runner: 'local',
      parameters: prepared.parameters,
      ...(request.notebook === undefined ? {} : { notebook: request.notebook }),
      ...(prepared.past === undefined ? {} : { parent: prepared.past.run.id })
    });
    const layout = layoutOf(store.home, id);
    store.append(id, { type: 'run-started', run: id, steps: prepared.plan.tasks.map(task => task.name) });
    const cancel = new AbortController();
    const lost = new AbortController();
    const processes = new Set<StepProcess>();
    const done = this.execute(id, request, prepared, layout, { cancel, processes })
      .catch((error: unknown) => this.giveUp(id, error, lost))
      .finally(() => this.active.delete(id));
    this.active.set(id, { cancel, processes, done, lost });
    return id;
  }

  async *watch(run: RunId, signal?: AbortSignal, after = 0): AsyncIterable<RunEvent> {
    const lost = this.active.get(run)?.lost.signal;
    yield* this.options.store.watch(run, lost && signal ? AbortSignal.any([lost, signal]) : (lost ?? signal), after);
    if (lost?.aborted) throw lost.reason;
  }

  async cancel(run: RunId, why: string): Promise<void> {
    const active = this.active.get(run);
    if (active === undefined) this.options.store.requestCancel(run, why);
    else active.cancel.abort(why);
  }

  /** Resolves when no run of this process is left. */
  async idle(): Promise<void> {
    while (this.active.size > 0) await Promise.all([...this.active.values()].map(run => run.done));
  }

  /** This process ends now: kill what runs and write down why. */
  abandon(why: string): void {
    for (const [run, { processes }] of this.active) {
      for (const child of processes) child.kill();
      this.options.store.cancel(run, why);
    }
  }

  /** Everything that can be wrong before there is a run. */
  private async prepare(request: RunnerRequest): Promise<Prepared> {
    const { store, env } = this.options;
    const capacity = (this.capacity ??= new Capacity(machineLimits(env)));
    mostProcesses(env); // what is wrong with it is said before there is a run
    const plan = await readPlan(request.ir);
    const past = await findPast(store, plan, request);
    const parameters = bindParameters(plan, { ...past?.parameters, ...request.parameters });
    const choice = chooseSteps(plan, request.selection, past && (task => past.isDone(task, parameters)));
    past?.checkValues(choice, parameters);
    const kernel = await readKernel(plan.kernel ?? 'python3', env);
    const workers = new Workers({ home: store.home, folder: this.options.warmFolder, env: stepEnv({ env, kernel }) });
    const ahead = new Ahead(plan, choice.execute, { kernel, env, workers });
    if (!request.cache || !this.hasPast(request)) ahead.expectAll();
    const [environment, scan] = await Promise.all([
      this.findEnvironment(kernel),
      scanFor(plan, request.workspace, store.home, env)
    ]).catch(async (error: unknown) => {
      await ahead.close();
      throw error;
    });
    return { plan, kernel, environment, workers, ahead, scan, parameters, choice, past, capacity };
  }

  /** Whether a step of the run could come from cache. */
  private hasPast({ notebook }: RunnerRequest): boolean {
    const earlier = 'SELECT 1 FROM runs WHERE notebook = ? LIMIT 1';
    return notebook !== undefined && this.options.store.sql.get(earlier, notebook) !== undefined;
  }

  private async findEnvironment(kernel: Kernel): Promise<Environment | undefined> {
    const { store, env } = this.options;
    const environment = await readEnvironment(store.sql, kernel, env);
    if (environment === undefined) await checkPython(kernel, env);
    else checkVersion(kernel, environment.python);
    return environment;
  }

  private async execute(
    run: RunId,
    request: RunnerRequest,
    prepared: Prepared,
    layout: Layout,
    { cancel, processes }: Pick<ActiveRun, 'cancel' | 'processes'>
  ): Promise<void> {
    const { store, env } = this.options;
    const { plan, kernel, parameters, past } = prepared;
    const stopChecking = checkIn(store, run, cancel);
    try {
      await mkdir(layout.folder, { recursive: true });
      await writeFile(layout.ir, request.ir);
      if (request.source !== undefined) await writeFile(layout.notebook, request.source);
      const { workspace, snapshots } = await this.makeWorkspace(run, request, prepared, layout);
      prepared.ahead.ready(workspace.folder);
      const caching: Caching = {
        context: {
          ...{ run, store, layout, kernel, env, parameters, processes, snapshots },
          metadata: new Map<string, Metadata>(),
          ...{ workers: prepared.workers, ahead: prepared.ahead },
          cwd: workspace.folder,
          signal: cancel.signal
        },
        cache: await this.makeCache(run, request, prepared, layout, workspace),
        because: task => whyExecuted(task, request),
        enter: (task, stop) => {
          prepared.ahead.expectFrom(task);
          const need = findNeed(store.sql, task, { notebook: request.notebook, pipeline: plan.name });
          return prepared.capacity.enter(need, reason => this.tellWaiting(run, task.name, reason), stop);
        }
      };
      const choice = past
        ? await takePast(plan, prepared.choice, past, request.selection !== undefined, caching)
        : prepared.choice;
      const settled = settle(plan, choice, past?.succeeded ?? new Set());
      for (const [step, state] of settled)
        if (state === 'skipped') store.append(run, { type: 'step', step, state, reason: 'Not chosen for this run.' });
      const states = await schedule<PlanTask>(plan.tasks, {
        settled,
        signal: cancel.signal,
        execute: (task, stop) => performStep(task, caching, stop),
        skip: ({ name: step }, reason) => store.append(run, { type: 'step', step, state: 'skipped', reason })
      });
      await prepared.ahead.close();
      await workspace.close();
      this.finish(run, plan, states, cancel.signal);
    } finally {
      await prepared.ahead.close();
      stopChecking();
    }
  }

  /** The run's own copy of the folder, and its first snapshot. */
  private async makeWorkspace(
    run: RunId,
    { notebook }: RunnerRequest,
    { scan, ahead }: Prepared,
    { workspace: to }: Layout
  ): Promise<{ readonly workspace: Workspace; readonly snapshots: RunSnapshots }> {
    const { store } = this.options;
    const objects = new ObjectStore(store.home);
    const workspace = await Workspace.make({
      ...{ home: store.home, objects, scan, to },
      collections: () => collections(store.sql),
      onFolder: folder => ahead.ready(folder)
    });
    store.append(run, { type: 'workspace', workspace: workspace.record });
    const snapshots = new RunSnapshots({
      ...{ store, objects, run, base: scan.base, workspace },
      ...(notebook === undefined ? {} : { notebook })
    });
    await snapshots.start();
    return { workspace, snapshots };
  }

  private async makeCache(
    run: RunId,
    { notebook }: RunnerRequest,
    { plan, kernel, parameters, scan, environment }: Prepared,
    layout: Layout,
    { start, folder }: Workspace
  ): Promise<RunCache> {
    const { store } = this.options;
    const env = stepEnv({ env: this.options.env, kernel });
    const knowledge = new Knowledge({ store, plan, notebook, parameters, scan, environment, env, start: start.tree });
    const about = { id: run, number: store.read(run).number };
    return new RunCache(knowledge, about, layout, folder, await tick(layout.folder));
  }

  private finish(run: RunId, plan: Plan, states: ReadonlyMap<string, string>, signal: AbortSignal): void {
    const { store } = this.options;
    const failed = plan.tasks.filter(task => states.get(task.name) === 'failed').map(task => task.name);
    const isCanceled =
      signal.aborted && plan.tasks.some(({ name }) => [undefined, 'canceled'].includes(states.get(name)));
    if (isCanceled)
      for (const { name: step, state } of store.read(run).steps)
        if (!endedStates.has(state))
          store.append(run, { type: 'step', step, state: 'canceled', reason: 'The run was canceled.' });
    const { metrics } = store.read(run);
    if (isCanceled)
      store.append(run, { type: 'run-ended', run, state: 'canceled', reason: String(signal.reason), metrics });
    else if (failed.length === 0) store.append(run, { type: 'run-ended', run, state: 'succeeded', metrics });
    else {
      const reason = describeFailed(failed);
      store.append(run, { type: 'run-ended', run, state: 'failed', reason, metrics });
    }
  }

  private tellWaiting(run: RunId, step: string, reason: string): void {
    try {
      this.options.store.append(run, { type: 'step', step, state: 'pending', reason });
    } catch {
      // what the step itself has to record tells that the records can't be written
    }
  }

  /** Not the user's code but the machine failed. Where even that can't be recorded, watchers are told directly. */
  private giveUp(run: RunId, thrown: unknown, lost: AbortController): void {
    const error = toPipelineError(thrown);
    const { store } = this.options;
    const record = () => {
      const reason = error.message;
      store.append(run, { type: 'run-ended', run, state: 'failed', reason, metrics: store.read(run).metrics });
    };
    try {
      record();
    } catch {
      lost.abort(error);
      this.recordLater(record);
    }
  }

  /** The disk may have room again while this process lives; if it never has, the record says `interrupted` afterwards. */
  private recordLater(record: () => void): void {
    const timer = setInterval(() => {
      try {
        record();
        clearInterval(timer);
      } catch {
        // not yet
      }
    }, 1000).unref();
  }
}

/**
 * The pipeline's parameters with the run's values.
 * @throws PipelineError `invalid-parameter`
 */
export function bindParameters(plan: Plan, given: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  const problems = checkParameters(plan.parameters, given);
  if (problems.length > 0) throw new PipelineError(problems.join(' '), 'invalid-parameter');
  return fillParameters(plan, given);
}

/** Why a step may not come from cache, whatever its past. */
function whyExecuted(task: PlanTask, { cache, selection }: RunnerRequest): string | undefined {
  if (!cache) return 'The run was started without cache.';
  if (!task.cache) return turnedOff;
  return (selection?.step ?? selection?.from) ? 'It was chosen to run.' : undefined;
}
