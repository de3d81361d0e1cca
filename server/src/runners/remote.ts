// Runs that an engine executes elsewhere. Here is what is the same for all engines: the run's record, in which any process can go on where
// another one stopped; that what is told twice is kept once; that a cluster out of reach ends no run; and that every end has its reason.
import { mkdir, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { endedStates, type RunEvent, type RunEventBody, type RunState } from '@sluice/core';
import { toPipelineError } from '../errors.js';
import { pause } from '../pause.js';
import type { Runner, RunnerRequest, RunId } from '../runner.js';
import type { Store } from '../store.js';
import { checkIn } from './check-in.js';
import type { Engine, EngineEvent, RemoteRun, RemoteStart } from './engine.js';
import { describeFailed } from './failure.js';
import { layoutOf } from './layout.js';
import { bindParameters } from './local.js';
import { isNews, Positions } from './news.js';
import { scanFor } from './outside.js';
import { findPast } from './past.js';
import { readPlan } from './plans.js';
import { RemoteLogs } from './remote-logs.js';
import { reuseStep } from './reuse.js';
import { chooseSteps } from './selection.js';

export interface RemoteOptions {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
}

/** A run that this process follows. */
interface ActiveRun {
  /** aborted when the run is to be canceled; the reason says why */
  readonly cancel: AbortController;
  /** aborted when this process stops following */
  readonly leave: AbortController;
  readonly positions: Positions;
  readonly logs: RemoteLogs;
  /** resolves when all that had happened is told, or the run is not followed any more */
  readonly caughtUp: Promise<void>;
  readonly tellCaughtUp: () => void;
  done: Promise<void>;
}

const longestPauseMs = 30_000;

export class RemoteRunner implements Runner {
  private readonly active = new Map<RunId, ActiveRun>();

  constructor(
    private readonly engine: Engine,
    private readonly options: RemoteOptions
  ) {}

  async submit(request: RunnerRequest, signal?: AbortSignal): Promise<RunId> {
    const { store, env } = this.options;
    const plan = await readPlan(request.ir);
    const past = await findPast(store, plan, request);
    const parameters = bindParameters(plan, { ...past?.parameters, ...request.parameters });
    const choice = chooseSteps(plan, request.selection, past && (task => past.isDone(task, parameters)));
    past?.checkValues(choice, parameters);
    const place = await this.engine.prepare(request, plan, choice.execute, past?.run);
    const scan =
      place.workspace === undefined
        ? await scanFor(plan, request.workspace, store.home, env)
        : { base: request.workspace, folder: '', entries: [] };
    signal?.throwIfAborted();
    const { id } = store.create({
      pipeline: plan.name,
      runner: this.engine.name,
      parameters,
      ...(request.notebook === undefined ? {} : { notebook: request.notebook }),
      ...(past === undefined ? {} : { parent: past.run.id }),
      remote: { place }
    });
    const active = this.begin(id);
    store.append(id, { type: 'run-started', run: id, steps: plan.tasks.map(task => task.name) });
    for (const { name: step } of plan.tasks) {
      if (choice.execute.has(step)) continue;
      const isTaken = past !== undefined && choice.reuse.has(step) && past.succeeded.has(step);
      const [state, reason] = isTaken
        ? (['cached', `From run ${past.run.number}.`] as const)
        : (['skipped', 'Not chosen for this run.'] as const);
      store.append(id, { type: 'step', step, state, reason });
    }
    active.done = this.perform(id, active, async () => {
      const layout = layoutOf(store.home, id);
      await mkdir(layout.folder, { recursive: true });
      await writeFile(layout.ir, request.ir);
      if (request.source !== undefined) await writeFile(layout.notebook, request.source);
      const run = await this.describe(id, active);
      return { ...run, request, scan, choice, ...(past === undefined ? {} : { past: past.run }) };
    });
    return id;
  }

  async *watch(run: RunId, signal?: AbortSignal, after = 0): AsyncIterable<RunEvent> {
    const leave = this.active.get(run)?.leave.signal;
    yield* this.options.store.watch(run, leave && signal ? AbortSignal.any([leave, signal]) : (leave ?? signal), after);
  }

  async cancel(run: RunId, why: string): Promise<void> {
    this.adopt();
    const active = this.active.get(run);
    if (active === undefined) this.options.store.requestCancel(run, why);
    else active.cancel.abort(why);
  }

  /** Resolves when this process follows no run any more. */
  async idle(): Promise<void> {
    while (this.active.size > 0) await Promise.all([...this.active.values()].map(run => run.done));
  }

  /** Stop following; the runs go on, and who comes next follows them. */
  abandon(): void {
    for (const { leave } of this.active.values()) leave.abort();
  }

  /** Follow the runs that nobody follows any more. */
  adopt(): RunId[] {
    const found = this.options.store.adopt(this.engine.name).filter(id => !this.active.has(id));
    for (const id of found) {
      const active = this.begin(id);
      active.done = this.perform(id, active);
    }
    return found;
  }

  /** Bring the records of runs that nobody follows up to now, as far as `signal` leaves time for it. */
  async refresh(signal: AbortSignal): Promise<void> {
    const found = this.adopt().map(id => this.active.get(id)!);
    const given = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([given, Promise.all(found.map(active => active.caughtUp))]);
    for (const active of found) active.leave.abort();
    await Promise.race([given, Promise.all(found.map(active => active.done))]);
  }

  private begin(run: RunId): ActiveRun {
    const { store } = this.options;
    const positions = new Positions(store, run);
    let tellCaughtUp!: () => void;
    const caughtUp = new Promise<void>(resolve => (tellCaughtUp = resolve));
    const active: ActiveRun = {
      cancel: new AbortController(),
      leave: new AbortController(),
      positions,
      logs: new RemoteLogs(store, run, positions),
      ...{ caughtUp, tellCaughtUp, done: Promise.resolve() }
    };
    this.active.set(run, active);
    return active;
  }

  /** From here to the run's end, or until this process leaves it. Never rejects. */
  private async perform(id: RunId, active: ActiveRun, start?: () => Promise<RemoteStart>): Promise<void> {
    const stopChecking = checkIn(this.options.store, id, active.cancel);
    try {
      const started = await this.launch(id, active, start);
      if (started !== undefined) await this.follow(started, await this.describe(id, active), active);
    } catch (error) {
      if (!active.leave.signal.aborted) this.end(id, active, 'failed', toPipelineError(error).message);
    } finally {
      stopChecking();
      active.logs.close();
      active.tellCaughtUp();
      this.active.delete(id);
      if (active.leave.signal.aborted) this.options.store.release(id);
    }
  }

  /** The engine's id of the run; undefined where it has ended before it had one, or this process leaves. */
  private async launch(
    id: RunId,
    active: ActiveRun,
    start: (() => Promise<RemoteStart>) | undefined
  ): Promise<string | undefined> {
    const { store } = this.options;
    const { remote } = store.read(id);
    if (remote?.id !== undefined) return remote.id;
    const signal = AbortSignal.any([active.cancel.signal, active.leave.signal]);
    try {
      const run = start === undefined ? await this.describe(id, active) : await start();
      signal.throwIfAborted();
      const engineId =
        start === undefined ? await this.find(run, active) : await this.engine.start(run as RemoteStart, signal);
      if (engineId !== undefined) {
        store.append(id, { type: 'remote', remote: { ...remote!, id: engineId } });
        if (start !== undefined) await this.keepReused(run as RemoteStart, engineId);
        return engineId;
      }
      if (!signal.aborted) {
        store.interrupt(id, 'the process that was starting it ended before it was started. Run the pipeline again.');
        return undefined;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (active.cancel.signal.aborted) this.end(id, active, 'canceled', undefined);
    return undefined;
  }

  /** What the past run's steps gave is this run's as well, so that one can go on from it. A record that cannot be made ends no run. */
  private async keepReused({ id, plan, layout, choice, past }: RemoteStart, engineId: string): Promise<void> {
    const { store } = this.options;
    const given = store.read(id).steps.filter(({ state }) => state === 'cached');
    const move = (address: string) => this.engine.move?.(address, engineId) ?? address;
    for (const task of plan.tasks)
      if (past !== undefined && choice.reuse.has(task.name) && given.some(({ name }) => name === task.name))
        await reuseStep(task, past.id, { store, run: id, layout, metadata: new Map(), move }).catch(() => undefined);
  }

  private async find(run: RemoteRun, active: ActiveRun): Promise<string | undefined> {
    return this.persist(active, run, () => this.engine.find(run));
  }

  private async follow(engineId: string, run: RemoteRun, active: ActiveRun): Promise<void> {
    const { leave, cancel } = active;
    const onCancel = () => void this.persist(active, run, () => this.engine.cancel(engineId, run));
    if (cancel.signal.aborted) onCancel();
    else cancel.signal.addEventListener('abort', onCancel, { once: true });
    try {
      await this.persist(active, run, async heard => {
        for await (const event of this.engine.follow(engineId, run, leave.signal)) {
          heard();
          if (this.keep(run.id, event, active)) return;
          if (leave.signal.aborted) return;
        }
        if (!leave.signal.aborted) throw new Error('The engine stopped telling about the run before its end.');
      });
    } finally {
      cancel.signal.removeEventListener('abort', onCancel);
    }
  }

  /** Try until it works: what the engine says no to now, or does not answer, ends no run. What stands in the way is the run's notice. */
  private async persist<T>(
    { leave }: ActiveRun,
    run: RemoteRun,
    attempt: (heard: () => void) => Promise<T>
  ): Promise<T | undefined> {
    let failures = 0;
    const heard = () => {
      if (failures > 0) run.notice();
      failures = 0;
    };
    while (!leave.signal.aborted) {
      try {
        const result = await attempt(heard);
        heard();
        return result;
      } catch (error) {
        if (leave.signal.aborted) return undefined;
        run.notice(`${toPipelineError(error).message} The run goes on there; trying again.`);
        await pause(Math.min(longestPauseMs, 1000 * 2 ** failures++), leave.signal);
      }
    }
    return undefined;
  }

  /** True at the run's end. */
  private keep(id: RunId, { at, origin, ...event }: EngineEvent, active: ActiveRun): boolean {
    const { store } = this.options;
    if (event.type === 'caught-up') {
      active.logs.flush();
      active.tellCaughtUp();
      return false;
    }
    if (origin !== undefined && !active.positions.isBeyond(origin)) return false;
    if (event.type === 'log') {
      active.logs.write(event.step, event, origin);
      return false;
    }
    active.logs.flush();
    if (event.type === 'run-ended') {
      this.end(id, active, event.state, event.reason, at);
      return true;
    }
    if (origin === undefined && !isNews(event, store.read(id), store)) return false;
    store.sql.transaction(() => {
      if (event.type === 'step' && endedStates.has(event.state)) active.logs.tellTail(event.step);
      store.append(id, event, at);
      if (origin !== undefined) active.positions.write(origin);
    });
    if (origin !== undefined) active.positions.committed(origin);
    return false;
  }

  /** Write down the end of the run and of what has not ended in it. */
  private end(
    id: RunId,
    { cancel, logs }: ActiveRun,
    engineState: RunState,
    told: string | undefined,
    at?: number
  ): void {
    const { store } = this.options;
    logs.flush();
    const isCanceled = cancel.signal.aborted && engineState !== 'succeeded';
    const state = isCanceled ? 'canceled' : engineState;
    store.sql.transaction(() => {
      const { steps, state: known } = store.read(id);
      if (endedStates.has(known)) return;
      const failed = steps.filter(step => step.state === 'failed').map(step => step.name);
      const reason = isCanceled
        ? String(cancel.signal.reason)
        : failed.length > 0 && state === 'failed'
          ? describeFailed(failed)
          : told;
      // where none has begun the run’s own reason is enough
      const isBegun = steps.some(step => step.startedAt !== undefined);
      const why = isBegun || state !== 'failed' ? reason : 'The run failed before any step began.';
      for (const step of steps)
        if (!endedStates.has(step.state))
          store.append(id, { type: 'step', step: step.name, ...endOf(step.state, state, why) }, at);
      const ended = { run: id, state, metrics: store.read(id).metrics, ...(reason === undefined ? {} : { reason }) };
      store.append(id, { type: 'run-ended', ...ended }, at);
    });
  }

  private async describe(id: RunId, active: ActiveRun): Promise<RemoteRun> {
    const { store } = this.options;
    const { parameters, notebook, remote } = store.read(id);
    const layout = layoutOf(store.home, id);
    return {
      ...{ id, parameters, layout, place: remote!.place },
      // a process that was killed may not have come to write it
      plan: existsSync(layout.ir) ? await readPlan(readFileSync(layout.ir, 'utf8')) : noPlan,
      ...(notebook === undefined ? {} : { notebook }),
      position: source => active.positions.get(source),
      state: step => store.read(id).steps.find(({ name }) => name === step),
      notice: text => {
        if (store.read(id).notice === text) return;
        try {
          active.logs.flush(); // what was printed before comes before
          store.append(id, { type: 'notice', ...(text === undefined ? {} : { text }) });
        } catch {
          // a notice is no reason to fail
        }
      }
    };
  }
}

const noPlan = { name: 'pipeline', parameters: [], tasks: [], workspace: {} };

type StepEnd = Omit<Extract<RunEventBody, { type: 'step' }>, 'type' | 'step'>;

function endOf(step: RunState, run: RunState, why: string | undefined): StepEnd {
  const reason = why ?? 'The run ended.';
  if (run === 'canceled') return { state: 'canceled', reason: 'The run was canceled.' };
  return step === 'running' ? { state: 'failed', error: reason } : { state: 'skipped', reason };
}
