// The sidecar's routes. Jupyter's extension has authenticated the caller before a request comes here, and proves itself by the secret.
import { timingSafeEqual } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type {
  CodeChange,
  ErrorBody,
  Finding,
  RestoredVolume,
  RunEvent,
  RunnerInfo,
  RunSummary,
  SnapshotDiff,
  SnapshotRecord,
  ModulesAnswer,
  ModulesRequest,
  StepFreshness,
  SubmitRequest,
  Surroundings,
  Verification,
  VerifyEvent,
  VerifyStage,
  VolumeEvent,
  VolumeSnapshotInfo
} from '@sluice/core';
import { readJson, toClaim, toModulesRequest, toRenaming, toRestoring, toSubmitRequest } from './bodies.js';
import { errorBody, httpStatus, PipelineError } from './errors.js';
import type { Restored, Restoring, SnapshotLibrary } from './snapshots/library.js';
import type { LoadSource } from './load.js';
import type { StepArtifact } from './store.js';
import type { VolumeWork } from './volume-snapshots.js';

/** What the routes need; service.ts has it. */
export interface Api {
  readonly version: string;
  list(notebook: string | undefined): RunSummary[];
  read(run: string): RunSummary;
  submit(request: SubmitRequest, signal: AbortSignal): Promise<string>;
  cancel(run: string): Promise<void>;
  /** where pipelines can run, and what stands in the way; `target`: where a notebook says that the runner `chosen` is */
  runners(chosen?: string, target?: Readonly<Record<string, string>>): Promise<RunnerInfo[]>;
  /** whether the cluster has what runs there need */
  checkRunner(runner: string, target: Readonly<Record<string, string>>): Promise<Finding[]>;
  /** a notebook, or a folder, has another path: what is kept of it is its own still */
  rename(from: string, to: string): void;
  /** of volumes, that a run on a cluster has left there */
  volumeSnapshots(run: string): Promise<VolumeSnapshotInfo[]>;
  /** which files differ between two of them; this takes a pod there */
  diffVolumes(run: string, names: readonly [before: string, after: string], work: VolumeWork): Promise<SnapshotDiff>;
  /** one of them as a new volume, whose claim is `to` */
  restoreVolume(run: string, snapshot: string, to: string, work: VolumeWork): Promise<RestoredVolume>;
  /** what steps can be given of what this server has */
  surroundings(): Promise<Surroundings>;
  /** Run notebook and pipeline and compare them. Undefined when `signal` ended it. */
  verify(
    request: SubmitRequest,
    signal: AbortSignal,
    onStage: (stage: VerifyStage) => void
  ): Promise<Verification | undefined>;
  /** The pipeline as KFP IR YAML. */
  compile(request: SubmitRequest): Promise<string>;
  /** Which steps would come from cache if the notebook ran now. */
  freshness(request: SubmitRequest): Promise<StepFreshness[]>;
  /** What `import *` binds, by module (those that nobody can look into are missing), and what modules beside the notebook keep. */
  modules(request: ModulesRequest): Promise<ModulesAnswer>;
  /** Python source that binds in a live kernel what the notebook has after the step. */
  load(run: string, step: string, signal: AbortSignal): Promise<LoadSource>;
  watch(run: string, signal: AbortSignal, after: number): AsyncIterable<RunEvent>;
  artifacts(run: string): StepArtifact[];
  /** which steps' source differs; undefined where a run has not kept its own */
  diffCode(before: string, after: string): Promise<readonly CodeChange[] | undefined>;
  readonly snapshots: Pick<SnapshotLibrary, 'listRun' | 'files' | 'open' | 'diff'>;
  /** newest first */
  snapshotsOf(notebook: string | undefined): SnapshotRecord[];
  /** `to` and `paths` as in the request; the result's `to` is relative to the root */
  restore(id: string, what: Restoring): Promise<Restored>;
  /** path of the log's file, which is missing while the step has not printed */
  logFile(run: string, step: string): string;
}

export interface AppOptions {
  /** what a request must carry in its header `X-Sluice-Secret` */
  readonly secret: string;
  readonly bodyBytes?: number;
  readonly heartbeatMs?: number;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** aborted when the client goes away */
  readonly signal: AbortSignal;
  readonly options: Required<AppOptions>;
}

type Route = readonly [
  method: string,
  path: RegExp,
  handle: (api: Api, exchange: Exchange, ...parts: string[]) => Promise<void>
];

const routes: readonly Route[] = [
  ['GET', /^\/health$/, async (api, exchange) => send(exchange, 200, { version: api.version })],
  ['GET', /^\/runners$/, listRunners],
  ['GET', /^\/runners\/([^/]+)\/check$/, checkRunner],
  ['POST', /^\/rename$/, rename],
  ['GET', /^\/surroundings$/, async (api, exchange) => send(exchange, 200, await api.surroundings())],
  ['GET', /^\/runs$/, listRuns],
  ['POST', /^\/runs$/, submitRun],
  ['GET', /^\/runs\/([^/]+)$/, async (api, exchange, run) => send(exchange, 200, api.read(run!))],
  ['POST', /^\/runs\/([^/]+)\/cancel$/, cancelRun],
  ['GET', /^\/runs\/([^/]+)\/events$/, streamEvents],
  [
    'GET',
    /^\/runs\/([^/]+)\/volume-snapshots$/,
    async (api, exchange, run) => send(exchange, 200, { snapshots: await api.volumeSnapshots(run!) })
  ],
  ['GET', /^\/runs\/([^/]+)\/volume-snapshots\/([^/]+)\/diff\/([^/]+)$/, streamVolumeDiff],
  ['POST', /^\/runs\/([^/]+)\/volume-snapshots\/([^/]+)\/restore$/, streamRestoredVolume],
  [
    'GET',
    /^\/runs\/([^/]+)\/artifacts$/,
    async (api, exchange, run) => send(exchange, 200, { artifacts: api.artifacts(run!) })
  ],
  [
    'GET',
    /^\/runs\/([^/]+)\/code-diff\/([^/]+)$/,
    async (api, exchange, before, after) => send(exchange, 200, { steps: await api.diffCode(before!, after!) })
  ],
  ['GET', /^\/runs\/([^/]+)\/steps\/([^/]+)\/log$/, sendLog],
  ['GET', /^\/runs\/([^/]+)\/steps\/([^/]+)\/notebook$/, sendNotebook],
  [
    'GET',
    /^\/runs\/([^/]+)\/snapshots$/,
    async (api, exchange, run) => send(exchange, 200, { snapshots: api.snapshots.listRun(run!) })
  ],
  ['GET', /^\/snapshots$/, listSnapshots],
  ['GET', /^\/snapshots\/([^/]+)\/files$/, listSnapshotFiles],
  ['GET', /^\/snapshots\/([^/]+)\/file$/, sendSnapshotFile],
  [
    'GET',
    /^\/snapshots\/([^/]+)\/diff\/([^/]+)$/,
    async (api, exchange, before, after) => send(exchange, 200, await api.snapshots.diff(before!, after!))
  ],
  ['POST', /^\/snapshots\/([^/]+)\/restore$/, restoreSnapshot],
  [
    'GET',
    /^\/runs\/([^/]+)\/steps\/([^/]+)\/load$/,
    async (api, exchange, run, step) => send(exchange, 200, await api.load(run!, step!, exchange.signal))
  ],
  ['POST', /^\/verify$/, streamVerification],
  ['POST', /^\/compile$/, sendCompiled],
  ['POST', /^\/freshness$/, sendFreshness],
  ['POST', /^\/modules$/, sendModules]
];

const prefix = '/sluice/api/v1';

export function makeApp(api: Api, options: AppOptions): Server {
  const complete = { bodyBytes: 50 << 20, heartbeatMs: 10_000, ...options };
  return createServer((request, response) => void answer(api, request, response, complete));
}

async function answer(
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
  options: Required<AppOptions>
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const url = new URL(request.url ?? '/', 'http://sluice');
  const exchange: Exchange = { request, response, url, signal: gone.signal, options };
  try {
    if (!isSecret(request.headers['x-sluice-secret'], options.secret))
      throw new PipelineError('Only Jupyter’s own extension may ask the sidecar.', 'forbidden');
    await dispatch(api, exchange);
  } catch (error) {
    if (gone.signal.aborted) return;
    if (response.headersSent) response.destroy();
    else send(exchange, httpStatus(error), errorBody(error));
  }
}

function isSecret(given: string | string[] | undefined, secret: string): boolean {
  const [a, b] = [Buffer.from(typeof given === 'string' ? given : ''), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function dispatch(api: Api, exchange: Exchange): Promise<void> {
  const { request, response, url } = exchange;
  const path = url.pathname.startsWith(prefix) ? url.pathname.slice(prefix.length) : url.pathname;
  const matching = routes.filter(([, pattern]) => pattern.test(path));
  const route = matching.find(([method]) => method === request.method);
  if (route !== undefined) return route[2](api, exchange, ...route[1].exec(path)!.slice(1).map(decode));
  if (matching.length === 0) throw new PipelineError(`There is nothing at ‘${url.pathname}’.`, 'not-found');
  response.setHeader('Allow', matching.map(([method]) => method).join(', '));
  send(exchange, 405, { code: 'bad-request', message: `‘${url.pathname}’ does not take ${request.method}.` });
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new PipelineError(`‘${part}’ is not a well-formed part of an address.`, 'bad-request');
  }
}

async function listRunners(api: Api, exchange: Exchange): Promise<void> {
  const { runner, ...target } = Object.fromEntries(exchange.url.searchParams);
  send(exchange, 200, { runners: await api.runners(runner, target) });
}

async function checkRunner(api: Api, exchange: Exchange, runner?: string): Promise<void> {
  const target = Object.fromEntries(exchange.url.searchParams);
  send(exchange, 200, { findings: await api.checkRunner(runner!, target) });
}

async function rename(api: Api, exchange: Exchange): Promise<void> {
  const { from, to } = toRenaming(await readBody(exchange));
  api.rename(from, to);
  send(exchange, 200, {});
}

async function listRuns(api: Api, exchange: Exchange): Promise<void> {
  send(exchange, 200, { runs: api.list(exchange.url.searchParams.get('notebook') ?? undefined) });
}

async function submitRun(api: Api, exchange: Exchange): Promise<void> {
  const request = toSubmitRequest(await readBody(exchange));
  send(exchange, 201, { run: await api.submit(request, exchange.signal) });
}

async function cancelRun(api: Api, exchange: Exchange, run?: string): Promise<void> {
  await api.cancel(run!);
  send(exchange, 202, {});
}

async function sendCompiled(api: Api, exchange: Exchange): Promise<void> {
  send(exchange, 200, { ir: await api.compile(toSubmitRequest(await readBody(exchange))) });
}

async function sendFreshness(api: Api, exchange: Exchange): Promise<void> {
  send(exchange, 200, { steps: await api.freshness(toSubmitRequest(await readBody(exchange))) });
}

async function streamEvents(api: Api, { response, url, signal, options }: Exchange, run?: string): Promise<void> {
  const after = Number(url.searchParams.get('after') ?? 0);
  if (!Number.isInteger(after) || after < 0)
    throw new PipelineError('‘after’ is the number of the last event seen, 0 or more.', 'bad-request');
  api.read(run!);
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(': still here\n\n'), options.heartbeatMs);
  try {
    for await (const event of api.watch(run!, signal, after)) {
      const hasRoom = response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (!hasRoom && !signal.aborted) await drained(response);
    }
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}

/** VerifyEvents. */
async function streamVerification(api: Api, exchange: Exchange): Promise<void> {
  const request = toSubmitRequest(await readBody(exchange));
  await streamWork<VerifyEvent>(exchange, async tell => {
    const verification = await api.verify(request, exchange.signal, stage => tell({ type: 'stage', stage }));
    return verification && { type: 'verified', verification };
  });
}

type Parts = readonly (string | undefined)[];

/** VolumeEvents of a comparison. */
async function streamVolumeDiff(api: Api, exchange: Exchange, ...[run, before, after]: Parts): Promise<void> {
  await streamWork<VolumeEvent<SnapshotDiff>>(exchange, async tell => {
    const notice = (text: string) => tell({ type: 'notice', text });
    return {
      type: 'done',
      result: await api.diffVolumes(run!, [before!, after!], { signal: exchange.signal, notice })
    };
  });
}

/** VolumeEvents of a restoration. */
async function streamRestoredVolume(api: Api, exchange: Exchange, ...[run, snapshot]: Parts): Promise<void> {
  const to = toClaim(await readBody(exchange));
  await streamWork<VolumeEvent<RestoredVolume>>(exchange, async tell => {
    const notice = (text: string) => tell({ type: 'notice', text });
    return { type: 'done', result: await api.restoreVolume(run!, snapshot!, to, { notice }) };
  });
}

/**
 * What takes longer than some proxy on the way waits for an answer: what `work` tells on the way, and at last what it gives. What is wrong
 * before anything was told is an ordinary error.
 */
async function streamWork<E>(
  { response, options }: Exchange,
  work: (tell: (event: E) => void) => Promise<E | undefined>
): Promise<void> {
  let heartbeat: NodeJS.Timeout | undefined;
  const tell = (event: E | ({ readonly type: 'error' } & ErrorBody)) => {
    if (heartbeat === undefined) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
      heartbeat = setInterval(() => response.write(': still here\n\n'), options.heartbeatMs);
    }
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  try {
    const last = await work(tell);
    if (last !== undefined) tell(last);
  } catch (error) {
    if (heartbeat === undefined) throw error;
    tell({ type: 'error', ...errorBody(error) });
  } finally {
    clearInterval(heartbeat);
  }
  response.end();
}

/** With `?last=BYTES` its end only: a log may be large. */
async function sendLog(api: Api, { response, url }: Exchange, run?: string, step?: string): Promise<void> {
  api.read(run!);
  const path = api.logFile(run!, step!);
  const last = Number(url.searchParams.get('last') ?? Infinity);
  if (!(last >= 1)) throw new PipelineError('‘last’ is a number of bytes, 1 or more.', 'bad-request');
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
  const sizeBytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (sizeBytes === undefined) response.end();
  else await pipeline(createReadStream(path, { start: Math.max(0, sizeBytes - Math.floor(last)) }), response);
}

async function sendNotebook(api: Api, { response }: Exchange, run?: string, step?: string): Promise<void> {
  api.read(run!);
  const artifact = api.artifacts(run!).find(a => a.step === step && a.kind === 'notebook');
  if (artifact === undefined || !existsSync(artifact.path))
    throw new PipelineError(`Step ‘${step}’ of run ‘${run}’ has no executed notebook.`, 'not-found');
  response.writeHead(200, { 'Content-Type': 'application/json' });
  await pipeline(createReadStream(artifact.path), response);
}

async function listSnapshots(api: Api, exchange: Exchange): Promise<void> {
  send(exchange, 200, { snapshots: api.snapshotsOf(exchange.url.searchParams.get('notebook') ?? undefined) });
}

async function listSnapshotFiles(api: Api, exchange: Exchange, id?: string): Promise<void> {
  send(exchange, 200, { files: await api.snapshots.files(id!, exchange.url.searchParams.get('folder') ?? '') });
}

async function sendSnapshotFile(api: Api, { response, url }: Exchange, id?: string): Promise<void> {
  const path = url.searchParams.get('path');
  if (path === null) throw new PipelineError('‘path’ must be the path of a file in the snapshot.', 'bad-request');
  const { sizeBytes, content } = await api.snapshots.open(id!, path);
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': sizeBytes,
    'X-Content-Type-Options': 'nosniff'
  });
  await pipeline(content, response);
}

async function restoreSnapshot(api: Api, exchange: Exchange, id?: string): Promise<void> {
  send(exchange, 200, await api.restore(id!, toRestoring(await readBody(exchange))));
}

async function sendModules(api: Api, exchange: Exchange): Promise<void> {
  send(exchange, 200, await api.modules(toModulesRequest(await readBody(exchange))));
}

const readBody = ({ request, options }: Exchange): Promise<unknown> => readJson(request, options.bodyBytes);

function send({ response }: Exchange, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
