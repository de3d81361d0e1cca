// What one can ask of Sluice, wherever the question comes from: submit a notebook or an IR, look at runs, cancel them.
import { readFile } from 'node:fs/promises';
import { basename, dirname, relative, resolve } from 'node:path';
import type {
  CodeChange,
  Finding,
  JsonValue,
  RestoredVolume,
  RunEvent,
  RunnerInfo,
  RunSummary,
  Selection,
  SnapshotDiff,
  SnapshotRecord,
  ModulesAnswer,
  ModulesRequest,
  StepFreshness,
  SubmitRequest,
  Surroundings,
  Verification,
  VerifyStage,
  VolumeSnapshotInfo
} from '@sluice/core';
import type { Api } from './app.js';
import { readEnvironment } from './cache/environment.js';
import { findFreshness } from './cache/freshness.js';
import { diffCode } from './codeDiff.js';
import { PipelineError } from './errors.js';
import { logFile } from './home.js';
import type { Install } from './install.js';
import { readKernel } from './kernels.js';
import { makeLoadSource, type LoadSource } from './load.js';
import { isWithin, resolveNotebook, resolveWithin, storedPath, toPosix } from './paths.js';
import { Pipelines } from './pipelines.js';
import { renameInRecords } from './renaming.js';
import type { Runner, RunTarget } from './runner.js';
import { stepEnv } from './runners/command.js';
import type { Place } from './runners/engine.js';
import { checkRunner, type Runners } from './runners/runners.js';
import { SnapshotLibrary, type Restored, type Restoring } from './snapshots/library.js';
import { bindParameters } from './runners/local.js';
import { scanFor } from './runners/outside.js';
import { readPlan } from './runners/plans.js';
import type { StepArtifact, Store } from './store.js';
import { findSurroundings } from './surroundings.js';
import { verifyNotebook } from './verify.js';
import { compareOfRun, listOfRun, restoreOfRun, type VolumeWork } from './volume-snapshots.js';

export interface ServiceOptions {
  readonly install: Install;
  readonly store: Store;
  readonly runner: Runners;
  /** of the processes that `verify` starts */
  readonly env: NodeJS.ProcessEnv;
  /** the folder to which notebooks' paths are relative, and outside of which there are none */
  readonly root: string;
}

export interface Submission {
  /** absolute path of the notebook */
  readonly path: string;
  /** the notebook's text; without it the file is read */
  readonly text?: string;
  readonly parameters?: Readonly<Record<string, JsonValue>>;
  readonly selection?: Selection;
  readonly resume?: string;
  readonly cache?: boolean;
  readonly runner?: string;
  readonly target?: RunTarget;
}

/** runs that a list has at most; the command line lists them all */
const listed = 200;

export class Service implements Api {
  readonly version: string;
  readonly snapshots: SnapshotLibrary;
  private readonly pipelines: Pipelines;
  private isClosing = false;

  constructor(private readonly options: ServiceOptions) {
    this.version = options.install.version;
    this.pipelines = new Pipelines(options.install, options.env);
    this.snapshots = new SnapshotLibrary(options.store);
  }

  /** Take no more runs. */
  close(): void {
    this.isClosing = true;
  }

  list(notebook: string | undefined): RunSummary[] {
    const { store, root } = this.options;
    const path = notebook === undefined ? {} : { notebook: storedPath(store.home, resolve(root, notebook)) };
    const runs = store.list({ ...path, limit: listed });
    return runs.map(run => this.toShown(run));
  }

  read(run: string): RunSummary {
    return this.toShown(this.options.store.read(run));
  }

  async submit(request: SubmitRequest, signal: AbortSignal): Promise<string> {
    if (this.isClosing) throw new PipelineError('Sluice’s server is ending. Try again.', 'closing');
    const { notebook, content, parameters, selection, resume, cache, runner, target } = request;
    checkRunner(runner ?? 'local');
    const isEmpty = selection === undefined || Object.values(selection).every(step => step === undefined);
    return submitNotebook(
      this.options,
      this.pipelines,
      {
        path: resolveNotebook(this.options.root, notebook),
        ...(content === undefined ? {} : { text: JSON.stringify(content) }),
        ...(parameters === undefined ? {} : { parameters }),
        ...(isEmpty ? {} : { selection }),
        ...(resume === undefined ? {} : { resume }),
        ...(cache === undefined ? {} : { cache }),
        ...(runner === undefined ? {} : { runner }),
        ...(target === undefined ? {} : { target })
      },
      signal
    );
  }

  async verify(
    request: SubmitRequest,
    signal: AbortSignal,
    onStage: (stage: VerifyStage) => void
  ): Promise<Verification | undefined> {
    if (this.isClosing) throw new PipelineError('Sluice’s server is ending. Try again.', 'closing');
    const { store, env } = this.options;
    const { path, reading } = await this.readRequested(request);
    return verifyNotebook(reading, path, { pipelines: this.pipelines, store, env, signal, onStage });
  }

  async compile(request: SubmitRequest): Promise<string> {
    const { path, reading } = await this.readRequested(request);
    return this.pipelines.compile(reading, basename(path), { isToBeRead: true });
  }

  async freshness(request: SubmitRequest): Promise<StepFreshness[]> {
    const { store, env } = this.options;
    const { parameters = {} } = request;
    const { path, reading } = await this.readRequested(request);
    const plan = await readPlan(await this.pipelines.compile(reading, basename(path)));
    const kernel = await readKernel(plan.kernel ?? 'python3', env);
    const [environment, scan] = await Promise.all([
      readEnvironment(store.sql, kernel, env),
      scanFor(plan, dirname(path), store.home, env)
    ]);
    const bound = bindParameters(plan, parameters);
    return findFreshness({
      ...{ store, plan, notebook: storedPath(store.home, path), parameters: bound },
      ...{ scan, environment, env: stepEnv({ env, kernel }) }
    });
  }

  async modules({ notebook, kernel, stars, imports }: ModulesRequest): Promise<ModulesAnswer> {
    const folder = dirname(resolveNotebook(this.options.root, notebook));
    const names = await (await this.pipelines.openStars()).find(stars, { folder, kernel });
    const own = await (await this.pipelines.openOwn()).find(imports, folder);
    return { names: Object.fromEntries(names), ...(own && { own }) };
  }

  async load(run: string, step: string, signal: AbortSignal): Promise<LoadSource> {
    const { store, install, runner } = this.options;
    const analyzer = await this.pipelines.openAnalyzer();
    const record = store.read(run);
    const fetch = (files: ReadonlyMap<string, string>) => runner.fetchValues(record, files, signal);
    return makeLoadSource(record, step, { store, analyzer, runtimeFolder: install.runtimeFolder, fetch });
  }

  runners(chosen?: string, target?: Place): Promise<RunnerInfo[]> {
    return this.options.runner.list(chosen, target);
  }

  rename(from: string, to: string): void {
    const { root, store } = this.options;
    const stored = (path: string): string => storedPath(store.home, resolveWithin(root, path, 'notebook'));
    renameInRecords(store.sql, stored(from), stored(to));
  }

  volumeSnapshots(run: string): Promise<VolumeSnapshotInfo[]> {
    return listOfRun(run, this.options);
  }

  diffVolumes(run: string, names: readonly [string, string], work: VolumeWork): Promise<SnapshotDiff> {
    return compareOfRun(run, names, work, this.options);
  }

  restoreVolume(run: string, snapshot: string, to: string, work: VolumeWork): Promise<RestoredVolume> {
    return restoreOfRun(run, { snapshot, to }, work, this.options);
  }

  async checkRunner(runner: string, target: Place): Promise<Finding[]> {
    const { env, root, store } = this.options;
    const { checkPlace } = await import('./kubernetes/check.js');
    return checkPlace(runner, target, { env, home: store.home, folder: root });
  }

  surroundings(): Promise<Surroundings> {
    return findSurroundings(this.options.env);
  }

  async cancel(run: string): Promise<void> {
    this.options.store.read(run);
    await this.options.runner.cancel(run, 'Canceled in JupyterLab.');
  }

  watch(run: string, signal: AbortSignal, after: number): AsyncIterable<RunEvent> {
    return this.options.runner.watch(run, signal, after);
  }

  diffCode(before: string, after: string): Promise<readonly CodeChange[] | undefined> {
    const { store } = this.options;
    return diffCode(store, store.read(before), store.read(after));
  }

  artifacts(run: string): StepArtifact[] {
    this.options.store.read(run);
    return this.options.store.artifacts(run);
  }

  logFile(run: string, step: string): string {
    return logFile(this.options.store.home, run, step);
  }

  snapshotsOf(notebook: string | undefined): SnapshotRecord[] {
    const { store, root } = this.options;
    const path = notebook === undefined ? undefined : storedPath(store.home, resolveNotebook(root, notebook));
    return this.snapshots.list(path, listed).map(snapshot => snapshot.record);
  }

  async restore(id: string, { to, ...what }: Restoring): Promise<Restored> {
    const { root } = this.options;
    const restoring = { ...what, ...(to === undefined ? {} : { to: resolveWithin(root, to, 'folder') }) };
    const restored = await this.snapshots.restore(id, restoring, folder => {
      if (!isWithin(root, folder))
        throw new PipelineError(
          `The snapshot’s files belong to ‘${folder}’, outside the folder that Jupyter serves. Restore them to a folder, or use \`sluice snapshots restore\`.`,
          'forbidden'
        );
    });
    return { ...restored, to: toPosix(relative(root, restored.to)) };
  }

  /** The notebook that a request is about, as it stands in the editor where that comes along. */
  private async readRequested({ notebook, content }: SubmitRequest) {
    const path = resolveNotebook(this.options.root, notebook);
    const text = content === undefined ? await readFile(path, 'utf8') : JSON.stringify(content);
    return { path, reading: await this.pipelines.read(text, path) };
  }

  /** Paths in records are relative to the records' folder's parent; requests' are relative to the root. */
  private toShown(run: RunSummary): RunSummary {
    const { root, store } = this.options;
    if (run.notebook === undefined) return run;
    const path = resolve(dirname(store.home), run.notebook);
    return isWithin(root, path) ? { ...run, notebook: toPosix(relative(root, path)) } : { ...run, notebook: path };
  }
}

/** @throws PipelineError whatever is wrong before there is a run */
async function submitNotebook(
  { store, runner }: { readonly store: Store; readonly runner: Runner },
  pipelines: Pipelines,
  { path, text, parameters = {}, selection, resume, cache, runner: name, target }: Submission,
  signal?: AbortSignal
): Promise<string> {
  const source = text ?? (await readFile(path, 'utf8'));
  const reading = await pipelines.read(source, path);
  const notebook = storedPath(store.home, path);
  const ir = await pipelines.compile(reading, basename(path));
  return runner.submit(
    {
      ir,
      parameters,
      workspace: dirname(path),
      notebook,
      source,
      ...(selection === undefined ? {} : { selection }),
      ...(resume === undefined ? {} : { resume }),
      cache: cache ?? true,
      ...(name === undefined ? {} : { runner: name }),
      ...(target === undefined ? {} : { target })
    },
    signal
  );
}
