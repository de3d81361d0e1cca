// To verify a notebook is to run it twice: from top to bottom in one process, and as its pipeline; then to compare what both printed and bound.
// The pipeline's run is a run like any other; the notebook's leaves nothing behind.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Evidence,
  isRecord,
  isWorthAgain,
  type JsonValue,
  notebookArtifact,
  type SeenCell,
  type SeenFailure,
  type SeenValue,
  type Verification,
  verify,
  type VerifyStage
} from '@sluice/core';
import { openHome } from './home.js';
import { storedPath } from './paths.js';
import type { Pipelines, Reading } from './pipelines.js';
import type { RunnerRequest } from './runner.js';
import { layoutOf, type Layout } from './runners/layout.js';
import { LocalRunner } from './runners/local.js';
import { Store } from './store.js';
import { makeTemporaryFolder } from './temporary.js';

export interface VerifyOptions {
  readonly pipelines: Pipelines;
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
  /** ends all runs; then the result is undefined */
  readonly signal: AbortSignal;
  onStage?(stage: VerifyStage): void;
}

/**
 * Run the notebook at `path`, whose reading this is, both ways.
 * @throws PipelineError `invalid-notebook`, or whatever keeps a run from starting
 */
export async function verifyNotebook(
  reading: Reading,
  path: string,
  { pipelines, store, env, signal, onStage = () => undefined }: VerifyOptions
): Promise<Verification | undefined> {
  const ir = await pipelines.compileToVerify(reading, basename(path));
  const request = { parameters: {}, workspace: dirname(path), cache: false };
  const folder = makeTemporaryFolder(store.home);
  try {
    const observer = new Observer(folder, env, signal);
    const observeNotebook = async (stage: VerifyStage) => {
      onStage(stage);
      const own = new Store(openHome(join(await mkdtemp(join(folder, 'run-')), '.sluice')));
      try {
        return await observer.observe({ ...request, ir: ir.reference }, own);
      } finally {
        own.close();
      }
    };
    const { evidence: notebook } = await observeNotebook('notebook');
    if (signal.aborted) return undefined;
    onStage('pipeline');
    const asRun = { ...request, ir: ir.pipeline, notebook: storedPath(store.home, path) };
    const { run, evidence: pipeline } = await observer.observe(asRun, store);
    for (const again: Evidence[] = []; ; again.push((await observeNotebook('again')).evidence)) {
      if (signal.aborted) return undefined;
      const verification = verify(reading.analysis!, run, { notebook, pipeline, again });
      if (!isWorthAgain(verification, again.length + 1)) return verification;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Observer {
  constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly signal: AbortSignal
  ) {}

  /** Run to the end and gather what was seen. Texts hash alike in all runs, so that sets have one order. */
  async observe(request: RunnerRequest, store: Store): Promise<{ readonly run: string; readonly evidence: Evidence }> {
    const { signal } = this;
    const fingerprints = await mkdtemp(join(this.folder, 'values-'));
    const env = { PYTHONHASHSEED: '0', ...this.env, SLUICE_FINGERPRINTS: fingerprints };
    const runner = new LocalRunner({ store, env });
    const run = await runner.submit(request, signal);
    const cancel = () => void runner.cancel(run, 'The verification was canceled.');
    signal.addEventListener('abort', cancel);
    try {
      if (signal.aborted) cancel();
      const told = await listen(runner, run);
      await runner.idle();
      const evidence = await gather(told, store, run, fingerprints);
      return { run, evidence };
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }
}

interface Told {
  readonly metrics: Map<number, Record<string, JsonValue>>;
  readonly failures: Map<string, SeenFailure>;
  readonly skipped: Set<string>;
}

async function listen(runner: LocalRunner, run: string): Promise<Told> {
  const told: Told = { metrics: new Map(), failures: new Map(), skipped: new Set() };
  const cells = new Map<string, number>();
  for await (const event of runner.watch(run)) {
    if (event.type === 'cell' && event.state === 'running') cells.set(event.step, event.cell);
    if (event.type === 'metric') {
      const cell = cells.get(event.step) ?? -1;
      told.metrics.set(cell, { ...told.metrics.get(cell), [event.name]: event.value });
    }
    if (event.type === 'step' && event.state === 'failed') {
      const { name, message, cell } = event.failure ?? { name: 'failed', message: event.error ?? '' };
      told.failures.set(event.step, { name, message, ...(cell === undefined ? {} : { cell }) });
    }
    if (event.type === 'step' && event.state === 'skipped') told.skipped.add(event.step);
  }
  return told;
}

async function gather(
  { metrics, failures, skipped }: Told,
  store: Store,
  run: string,
  fingerprints: string
): Promise<Evidence> {
  const layout = layoutOf(store.home, run);
  const cells = new Map<number, SeenCell>();
  for (const { step, kind, path } of store.artifacts(run))
    if (kind === 'notebook' || path === layout.artifact(step, notebookArtifact))
      for (const [index, cell] of await readCells(path, layout)) cells.set(index, cell);
  for (const [index, measured] of metrics)
    cells.set(index, { stdout: '', shown: [], ...cells.get(index), metrics: measured });
  const checkpoints = new Map<number, Readonly<Record<string, SeenValue>>>();
  for (const file of await readdir(fingerprints)) {
    const { names } = JSON.parse(await readFile(join(fingerprints, file), 'utf8')) as {
      names: Record<string, SeenValue>;
    };
    checkpoints.set(parseInt(file), names);
  }
  return { cells, checkpoints, failures, skipped };
}

/** The outputs in an executed notebook; the run's own folder, which no other run has, is written as `<folder>`. */
async function readCells(path: string, { workspace }: Layout): Promise<[number, SeenCell][]> {
  const { cells } = JSON.parse(await readFile(path, 'utf8')) as {
    cells: { metadata: { sluice?: { index: number } }; outputs?: Record<string, unknown>[] }[];
  };
  return cells.flatMap(({ metadata, outputs = [] }): [number, SeenCell][] => {
    if (metadata.sluice === undefined) return [];
    const text = (value: unknown) =>
      (Array.isArray(value) ? value.join('') : String(value ?? '')).replaceAll(workspace, '<folder>');
    const printed = outputs.filter(({ output_type, name }) => output_type === 'stream' && name === 'stdout');
    const shown = outputs.flatMap(({ data }) => (isRecord(data) ? [...describe(text(data['text/plain']), data)] : []));
    return [[metadata.sluice.index, { stdout: printed.map(output => text(output.text)).join(''), shown, metrics: {} }]];
  });
}

function describe(text: string, data: Record<string, unknown>): string[] {
  const image = data['image/png'];
  if (typeof image !== 'string') return [text];
  return [text, `[picture ${createHash('sha256').update(image).digest('hex').slice(0, 8)}]`];
}
