// The runners that there are, by name. What reaches a cluster is loaded when it is first needed: no other command pays for it.
import type { RunEvent, RunnerInfo, RunSummary } from '@sluice/core';
import { didYouMean } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { Runner, RunnerRequest, RunId } from '../runner.js';
import { hasPlaces } from '../argo/places.js';
import { withChosenRunner } from './chosen.js';
import type { EngineModule, EngineOptions, Place } from './engine.js';
import { LocalRunner } from './local.js';
import { isNamed } from './naming.js';
import { withPackaging } from './packaged.js';
import { RemoteRunner } from './remote.js';

const engines: Readonly<Record<string, () => Promise<EngineModule>>> = {
  argo: () => import('./argo.js'),
  kubeflow: () => import('./kubeflow.js')
};

/** whether a user has named an engine to look at, found out without loading it */
const isLookedAt: Readonly<Record<string, (options: EngineOptions) => boolean>> = {
  argo: hasPlaces,
  kubeflow: ({ env }) => isNamed(env, 'kubeflow')
};

/** how often a server looks for runs that nobody follows */
const adoptMs = 10_000;

export class Runners implements Runner {
  private readonly local: LocalRunner;
  private readonly remote = new Map<string, Promise<RemoteRunner>>();
  private readonly opened: RemoteRunner[] = [];

  constructor(private readonly options: EngineOptions) {
    this.local = new LocalRunner(options);
  }

  async submit(request: RunnerRequest, signal?: AbortSignal): Promise<RunId> {
    const chosen = withChosenRunner(request);
    return (await this.find(chosen.runner ?? 'local')).submit(chosen, signal);
  }

  async *watch(run: RunId, signal?: AbortSignal, after = 0): AsyncIterable<RunEvent> {
    yield* (await this.of(run)).watch(run, signal, after);
  }

  async cancel(run: RunId, why: string): Promise<void> {
    await (await this.of(run)).cancel(run, why);
  }

  abandon(why: string): void {
    this.local.abandon(why);
    for (const runner of this.opened) runner.abandon();
  }

  /** Follow nothing any more; the records can be closed then. */
  async leave(): Promise<void> {
    for (const runner of this.opened) runner.abandon();
    await Promise.all(this.opened.map(runner => runner.idle()));
  }

  /** Runs elsewhere need nobody here. */
  idle(): Promise<void> {
    return this.local.idle();
  }

  /** `target`: where a notebook says that the runner `chosen` is. */
  async list(chosen?: string, target?: Place): Promise<RunnerInfo[]> {
    const local = { name: 'local', label: 'This machine', isReady: true };
    const remote = Object.entries(engines).map(async ([name, load]) =>
      (await load()).describe(this.options, name === chosen ? target : undefined)
    );
    return [local, ...(await Promise.all(remote))];
  }

  /** Bring values of a run elsewhere to this machine. `files`: by its address there, where each goes here. */
  async fetchValues(run: RunSummary, files: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    await (await engines[run.runner]!()).fetchValues(this.options, run, files, signal);
  }

  /** Follow the runs elsewhere that nobody follows, now and as long as this process lives. */
  keepFollowing(): void {
    const look = () =>
      void this.discover(AbortSignal.timeout(adoptMs))
        .then(() => this.adopt())
        .catch(() => undefined);
    look();
    setInterval(look, adoptMs).unref();
  }

  /** Follow the runs elsewhere that nobody follows. */
  async adopt(): Promise<void> {
    await this.withOrphans(runner => void runner.adopt());
  }

  /** Bring the records of runs elsewhere that nobody follows up to now, for at most `ms`. */
  async refresh(ms: number): Promise<void> {
    const signal = AbortSignal.timeout(ms);
    await this.discover(AbortSignal.timeout(ms / 2));
    await this.withOrphans(runner => runner.refresh(signal));
  }

  /** What is out of reach is found another time. */
  private async discover(signal: AbortSignal): Promise<void> {
    const given = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
    const named = Object.keys(isLookedAt).filter(name => isLookedAt[name]!(this.options));
    const found = named.map(async name => (await engines[name]!()).discover?.(this.options, signal));
    await Promise.race([given, Promise.allSettled(found)]);
  }

  private async withOrphans(work: (runner: RemoteRunner) => Promise<void> | void): Promise<void> {
    const names = Object.keys(engines).filter(name => this.options.store.hasOrphans(name));
    await Promise.all(names.map(async name => work(await this.open(name))));
  }

  private async of(run: RunId): Promise<Runner> {
    const { runner } = this.options.store.read(run);
    // a record of a runner that this version lacks can still be read
    return runner in engines ? this.open(runner) : this.local;
  }

  private async find(name: string): Promise<Runner> {
    checkRunner(name);
    return name === 'local' ? this.local : this.open(name);
  }

  private open(name: string): Promise<RemoteRunner> {
    let runner = this.remote.get(name);
    if (runner === undefined) {
      runner = engines[name]!().then(module => {
        const opened = new RemoteRunner(withPackaging(module.open(this.options), this.options), this.options);
        this.opened.push(opened);
        return opened;
      });
      this.remote.set(name, runner);
    }
    return runner;
  }
}

/** @throws PipelineError `usage` */
export function checkRunner(name: string): void {
  const names = ['local', ...Object.keys(engines)];
  if (names.includes(name)) return;
  const all = names.map(known => `‘${known}’`).join(', ');
  throw new PipelineError(`There is no runner ‘${name}’.${didYouMean(name, names) || ` There is ${all}.`}`, 'usage');
}
