// The calls of KFP's REST API (v2beta1) that Sluice makes, with the types of its description. An answer is what the call promises, or it is
// thrown in plain words.
import { isRecord } from '@sluice/core';
import type { components, paths } from './gen/api.js';
import { patienceMs, type Response, type Transport } from './transport.js';
import { describeAnswer, describeUnreachable } from './words.js';

type Schemas = components['schemas'];
export type KfpRun = Schemas['V2beta1Run'];
export type KfpTask = Schemas['V2beta1PipelineTaskDetail'];
export type KfpState = Schemas['V2beta1RuntimeState'];
export type KfpExperiment = Schemas['V2beta1Experiment'];
export type KfpPipelineVersion = Schemas['V2beta1PipelineVersion'];
export type KfpRecurringRun = Schemas['V2beta1RecurringRun'];

type Verb = 'get' | 'post' | 'delete';
type Operation<P extends keyof paths, V extends Verb> = NonNullable<paths[P][V]>;
type Part<O, K extends string> = O extends { parameters: infer A } ? (K extends keyof A ? A[K] : never) : never;
type Body<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : never;
type Answer<O> = O extends { responses: { 200: { content: { 'application/json': infer A } } } } ? A : never;

interface Request<O> {
  /** `:id` and its like in the path */
  readonly path?: Part<O, 'path'>;
  readonly query?: Part<O, 'query'>;
  readonly body?: Body<O>;
  /** for people: ‘could not WHAT’ */
  readonly what: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** what goes up with a run is a pipeline with its sources */
const uploadMs = 60_000;
/** of a list, so many a page */
const pageSize = 100;

export class KfpClient {
  constructor(private readonly transport: Transport) {}

  get asked() {
    return this.transport.asked;
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  /** Whether Kubeflow tells its users apart by namespaces. */
  async health(): Promise<{ readonly isMultiUser: boolean }> {
    const { multi_user: isMultiUser = false } = await this.call('get', '/apis/v2beta1/healthz', {
      what: 'say how it is'
    });
    return { isMultiUser };
  }

  /** The experiment of that name, made where there is none. */
  async ensureExperiment(name: string, namespace: string | undefined): Promise<string> {
    const found = await this.findExperiment(name, namespace);
    if (found?.experiment_id !== undefined) return found.experiment_id;
    const body = { display_name: name, ...(namespace === undefined ? {} : { namespace }) };
    const made = await this.call('post', '/apis/v2beta1/experiments', { body, what: `make the experiment ‘${name}’` });
    return made.experiment_id!;
  }

  async findExperiment(name: string, namespace: string | undefined): Promise<KfpExperiment | undefined> {
    const filter = JSON.stringify({
      predicates: [{ operation: 'EQUALS', key: 'name', string_value: name }]
    });
    const { experiments = [] } = await this.call('get', '/apis/v2beta1/experiments', {
      query: { filter, page_size: pageSize, ...(namespace === undefined ? {} : { namespace }) },
      what: 'list experiments'
    });
    return experiments.find(({ display_name, storage_state }) => display_name === name && storage_state !== 'ARCHIVED');
  }

  createRun(run: KfpRun, signal?: AbortSignal): Promise<KfpRun> {
    const { experiment_id } = run;
    return this.call('post', '/apis/v2beta1/runs', {
      body: run,
      ...(experiment_id === undefined ? {} : { query: { experiment_id } }),
      what: 'start the run',
      timeoutMs: uploadMs,
      ...(signal === undefined ? {} : { signal })
    });
  }

  getRun(run_id: string, signal?: AbortSignal): Promise<KfpRun> {
    return this.call('get', '/apis/v2beta1/runs/{run_id}', {
      path: { run_id },
      what: `find its run ‘${run_id}’`,
      ...(signal === undefined ? {} : { signal })
    });
  }

  async terminateRun(run_id: string): Promise<void> {
    await this.call('post', '/apis/v2beta1/runs/{run_id}:terminate', { path: { run_id }, what: 'end the run' });
  }

  async retryRun(run_id: string): Promise<void> {
    await this.call('post', '/apis/v2beta1/runs/{run_id}:retry', { path: { run_id }, what: 'retry the run' });
  }

  /** Newest first, at most `limit`. */
  async listRuns(namespace: string | undefined, limit: number, filter?: object): Promise<KfpRun[]> {
    const found: KfpRun[] = [];
    let token: string | undefined;
    do {
      const page = await this.call('get', '/apis/v2beta1/runs', {
        query: {
          page_size: Math.min(pageSize, limit - found.length),
          sort_by: 'created_at desc',
          ...(namespace === undefined ? {} : { namespace }),
          ...(filter === undefined ? {} : { filter: JSON.stringify(filter) }),
          ...(token === undefined ? {} : { page_token: token })
        },
        what: 'list runs'
      });
      found.push(...(page.runs ?? []));
      token = page.next_page_token || undefined;
    } while (token !== undefined && found.length < limit);
    return found;
  }

  async listRecurringRuns(namespace: string | undefined): Promise<KfpRecurringRun[]> {
    const { recurringRuns = [] } = await this.call('get', '/apis/v2beta1/recurringruns', {
      query: { page_size: pageSize, ...(namespace === undefined ? {} : { namespace }) },
      what: 'list recurring runs'
    });
    return recurringRuns;
  }

  private async call<P extends keyof paths, V extends Verb>(
    verb: V,
    path: P,
    { path: parts, query, body, what, signal, timeoutMs = patienceMs }: Request<Operation<P, V>>
  ): Promise<Answer<Operation<P, V>>> {
    const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) =>
      encodeURIComponent(String((parts as Record<string, unknown> | undefined)?.[name]))
    );
    const search = new URLSearchParams(
      Object.entries((query ?? {}) as Record<string, unknown>).map(([name, value]): [string, string] => [
        name,
        String(value)
      ])
    ).toString();
    const response = await this.transport.send(search === '' ? filled : `${filled}?${search}`, {
      method: verb.toUpperCase(),
      timeoutMs,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      ...(signal === undefined ? {} : { signal })
    });
    return (await this.readAnswer(response, what)) as Answer<Operation<P, V>>;
  }

  private async readAnswer(response: Response, what: string): Promise<unknown> {
    const { asked } = this.transport;
    const body = await response.text().catch((cause: unknown) => {
      throw describeUnreachable(asked, cause);
    });
    const contentType = response.headers.get('content-type') ?? '';
    const location = response.headers.get('location') ?? undefined;
    const bad = { status: response.status, contentType, body, ...(location === undefined ? {} : { location }) };
    if (!response.ok) throw describeAnswer(asked, bad, what);
    try {
      const answer: unknown = body === '' ? {} : JSON.parse(body);
      if (isRecord(answer)) return answer;
    } catch {
      // not JSON: below
    }
    throw describeAnswer(asked, { ...bad, contentType: contentType || 'text/html' }, what);
  }
}
