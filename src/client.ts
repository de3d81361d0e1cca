// The one door to Sluice's server: requests under /sluice/api/v1, with Jupyter's own token and XSRF check, and the stream of a run's events.
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type {
  ArtifactRecord,
  CodeChange,
  ErrorBody,
  ModulesAnswer,
  ModulesRequest,
  Finding,
  RestoredVolume,
  RunEvent,
  RunnerInfo,
  RunSummary,
  SnapshotDiff,
  SnapshotFile,
  SnapshotRecord,
  StepFreshness,
  SubmitRequest,
  Surroundings,
  VerifyEvent,
  VolumeEvent,
  VolumeSnapshotInfo
} from '@sluice/core';
import { readEvents } from './events';
import type { Place } from './placeSettings';

/** What the server, or the way to it, answered instead of what was asked for. */
class RequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number
  ) {
    super(message);
  }
}

/** Python source that binds the values that the notebook would have after a step, and the names that it binds. */
export interface StepSource {
  readonly source: string;
  readonly names: readonly string[];
  /** what the notebook has there besides, and the run did not keep */
  readonly missing: readonly string[];
}

export interface Restored {
  readonly files: number;
  /** the folder, relative to the server's root */
  readonly to: string;
  /** id of the snapshot of what was there before */
  readonly safety?: string;
  /** paths that were written, made or deleted */
  readonly written?: readonly string[];
}

const shownLogBytes = 100_000;

export class Client {
  constructor(
    private readonly trans: TranslationBundle,
    private readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()
  ) {}

  /** Each place where pipelines can run, the runner `chosen` at `place`, and whether it answers; this may take some seconds. */
  async listRunners(chosen: string, place: Place): Promise<readonly RunnerInfo[]> {
    const query = new URLSearchParams({ ...place, runner: chosen });
    return (await this.json<{ runners: readonly RunnerInfo[] }>(`runners?${query}`)).runners;
  }

  /** Whether a cluster has what runs there need. */
  async checkRunner(runner: string, place: Place): Promise<readonly Finding[]> {
    const path = `runners/${encodeURIComponent(runner)}/check?${new URLSearchParams(place)}`;
    return (await this.json<{ findings: readonly Finding[] }>(path)).findings;
  }

  /** Newest first. */
  async listRuns(notebook: string): Promise<readonly RunSummary[]> {
    const { runs } = await this.json<{ runs: readonly RunSummary[] }>(`runs?notebook=${encodeURIComponent(notebook)}`);
    return runs;
  }

  /** A notebook, or a folder, has another path. */
  async rename(from: string, to: string): Promise<void> {
    await this.request('rename', { method: 'POST', body: JSON.stringify({ from, to }) });
  }

  getRun(run: string): Promise<RunSummary> {
    return this.json(`runs/${encodeURIComponent(run)}`);
  }

  async submit(request: SubmitRequest): Promise<string> {
    const { run } = await this.json<{ run: string }>('runs', { method: 'POST', body: JSON.stringify(request) });
    return run;
  }

  async cancel(run: string): Promise<void> {
    await this.request(`runs/${encodeURIComponent(run)}/cancel`, { method: 'POST', body: '{}' });
  }

  /** The end of what a step printed, which as a whole may be large. */
  async getLogEnd(run: string, step: string): Promise<string> {
    return (await this.request(`${stepPath(run, step)}/log?last=${shownLogBytes}`)).text();
  }

  /** The notebook that the step left, in nbformat 4. */
  getExecutedNotebook(run: string, step: string): Promise<unknown> {
    return this.json(`${stepPath(run, step)}/notebook`);
  }

  async getArtifacts(run: string): Promise<readonly (ArtifactRecord & { readonly step: string })[]> {
    const { artifacts } = await this.json<{ artifacts: readonly (ArtifactRecord & { readonly step: string })[] }>(
      `runs/${encodeURIComponent(run)}/artifacts`
    );
    return artifacts;
  }

  /** In which steps two runs ran other source; undefined where one of them has not kept its own. */
  async compareCode(before: string, after: string): Promise<readonly CodeChange[] | undefined> {
    const path = `runs/${encodeURIComponent(before)}/code-diff/${encodeURIComponent(after)}`;
    return (await this.json<{ steps?: readonly CodeChange[] }>(path)).steps;
  }

  /**
   * Events of a run after `after`, to the last one. A stream that breaks is taken up again behind the last event seen.
   * @throws RequestError when the server says that there is no such run, or cannot be reached five times in a row.
   */
  async *watch(run: string, after: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
    let seen = after;
    for (let failures = 0; !signal.aborted;) {
      try {
        const response = await this.request(`runs/${encodeURIComponent(run)}/events?after=${seen}`, { signal });
        for await (const event of readEvents<RunEvent>(response.body!)) {
          failures = 0;
          seen = event.seq;
          yield event;
          if (event.type === 'run-ended') return;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof RequestError && error.status === 404) throw error;
        if (++failures >= 5) throw error;
      }
      await pause(Math.min(250 * 2 ** failures, 4000), signal);
    }
  }

  /** The pipeline as KFP IR YAML. */
  async compile(request: SubmitRequest): Promise<string> {
    return (await this.json<{ ir: string }>('compile', { method: 'POST', body: JSON.stringify(request) })).ir;
  }

  /** Which steps would come from cache if the notebook ran now. */
  async getFreshness(request: SubmitRequest, signal: AbortSignal): Promise<readonly StepFreshness[]> {
    const init = { method: 'POST', body: JSON.stringify(request), signal };
    return (await this.json<{ steps: readonly StepFreshness[] }>('freshness', init)).steps;
  }

  /** What only a notebook's modules can tell of themselves. */
  getModules(request: ModulesRequest): Promise<ModulesAnswer> {
    return this.json('modules', { method: 'POST', body: JSON.stringify(request) });
  }

  /** What the notebook server has at hand that steps may need as well. */
  getSurroundings(): Promise<Surroundings> {
    return this.json('surroundings');
  }

  getStepSource(run: string, step: string): Promise<StepSource> {
    return this.json(`${stepPath(run, step)}/load`);
  }

  /** Oldest first. */
  async listSnapshots(run: string): Promise<readonly SnapshotRecord[]> {
    const path = `runs/${encodeURIComponent(run)}/snapshots`;
    return (await this.json<{ snapshots: readonly SnapshotRecord[] }>(path)).snapshots;
  }

  /** Of volumes, that a run on a cluster has left there. */
  async listVolumeSnapshots(run: string): Promise<readonly VolumeSnapshotInfo[]> {
    const path = `runs/${encodeURIComponent(run)}/volume-snapshots`;
    return (await this.json<{ snapshots: readonly VolumeSnapshotInfo[] }>(path)).snapshots;
  }

  /** Which files differ between two snapshots of volumes. It takes a pod there; `notice` is told what it is at. */
  compareVolumes(
    run: string,
    [before, after]: readonly [string, string],
    notice: (text: string) => void,
    signal: AbortSignal
  ): Promise<SnapshotDiff> {
    return this.work(`${volumePath(run, before)}/diff/${encodeURIComponent(after)}`, { signal }, notice);
  }

  /** A new volume, whose claim is `to`, that holds what the snapshot holds. */
  restoreVolume(run: string, snapshot: string, to: string, notice: (text: string) => void): Promise<RestoredVolume> {
    const init = { method: 'POST', body: JSON.stringify({ to }) };
    return this.work(`${volumePath(run, snapshot)}/restore`, init, notice);
  }

  /** What lies in a folder of a snapshot, one level deep; `''` is the workspace itself. */
  async listFiles(snapshot: string, folder: string): Promise<readonly SnapshotFile[]> {
    const path = `${snapshotPath(snapshot)}/files?folder=${encodeURIComponent(folder)}`;
    return (await this.json<{ files: readonly SnapshotFile[] }>(path)).files;
  }

  async getFile(snapshot: string, path: string): Promise<Blob> {
    return (await this.request(`${snapshotPath(snapshot)}/file?path=${encodeURIComponent(path)}`)).blob();
  }

  compareSnapshots(before: string, after: string): Promise<SnapshotDiff> {
    return this.json(`${snapshotPath(before)}/diff/${encodeURIComponent(after)}`);
  }

  /** Put files of a snapshot, or all of them, into the folder `to`; without it back into the notebook's own. */
  restore(snapshot: string, what: { readonly to?: string; readonly paths?: readonly string[] }): Promise<Restored> {
    return this.json(`${snapshotPath(snapshot)}/restore`, { method: 'POST', body: JSON.stringify(what) });
  }

  /** Bring what a restoration has written, and nothing else, to where its safety snapshot has it: what was not there goes. */
  undoRestore({ safety = '', written = [] }: Restored): Promise<Restored> {
    const body = JSON.stringify({ paths: written, isUndo: true });
    return this.json(`${snapshotPath(safety)}/restore`, { method: 'POST', body });
  }

  /** Run the notebook and its pipeline and compare them. It ends on the server when `signal` ends it here. */
  async *verify(request: SubmitRequest, signal: AbortSignal): AsyncGenerator<VerifyEvent> {
    const response = await this.request('verify', { method: 'POST', body: JSON.stringify(request), signal });
    yield* readEvents<VerifyEvent>(response.body!);
  }

  private async work<T>(path: string, init: RequestInit, notice: (text: string) => void): Promise<T> {
    const response = await this.request(path, init);
    for await (const event of readEvents<VolumeEvent<T>>(response.body!)) {
      if (event.type === 'done') return event.result;
      if (event.type === 'error') throw new RequestError(event.code, event.message, response.status);
      notice(event.text);
    }
    throw new RequestError('unreachable', this.trans.__('The Jupyter server ended before it was done.'), 0);
  }

  private async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await (await this.request(path, init)).json()) as T;
  }

  private async request(path: string, init: RequestInit = {}): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, 'sluice/api/v1') + '/' + path;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
    } catch {
      const message = this.trans.__('The Jupyter server cannot be reached. Check that it still runs.');
      throw new RequestError('unreachable', message, 0);
    }
    if (!response.ok) throw await toRequestError(response, this.trans);
    return response;
  }
}

function stepPath(run: string, step: string): string {
  return `runs/${encodeURIComponent(run)}/steps/${encodeURIComponent(step)}`;
}

function volumePath(run: string, snapshot: string): string {
  return `runs/${encodeURIComponent(run)}/volume-snapshots/${encodeURIComponent(snapshot)}`;
}

function snapshotPath(snapshot: string): string {
  return `snapshots/${encodeURIComponent(snapshot)}`;
}

async function toRequestError(response: Response, trans: TranslationBundle): Promise<RequestError> {
  const body: Partial<ErrorBody> = await response.json().catch(() => ({}));
  const message =
    body.message ??
    (response.status === 404
      ? trans.__(
          'The Jupyter server does not know Sluice. Install jupyterlab_sluice where the server runs, and restart it.'
        )
      : trans.__(
          'Sluice’s server answered %1 %2. Look at the Jupyter server’s log.',
          response.status,
          response.statusText
        ));
  return new RequestError(body.code ?? 'http', message, response.status);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
