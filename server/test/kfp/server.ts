// A server that speaks KFP's REST API (v2beta1), and what KFP's UI has besides it: artifacts, pods' logs, the metadata service. Requests and
// answers are held to the API's own description; behind them pipelines really run.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { Backend, type BackendOptions, type Run } from './backend';
import { findCall, type Call } from './description';
import { answerMetadata } from './metadata';

export interface KfpServerOptions extends BackendOptions {
  readonly folder: string;
  /** with profiles: each request names its namespace */
  readonly isMultiUser?: boolean;
  /** what a request must have in its headers, and a name there */
  readonly token?: string;
  readonly cookie?: string;
  /** before /apis, as behind Kubeflow's dashboard */
  readonly prefix?: string;
}

export class KfpServer {
  readonly backend: Backend;
  /** every call, in order */
  readonly calls: string[] = [];
  /** called for each request; true where it has answered itself */
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  private readonly server = createServer((request, response) => void this.answer(request, response));

  constructor(private readonly options: KfpServerOptions) {
    this.backend = new Backend(options.folder, options);
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Away, as when it is deployed anew; its runs go on. */
  async hang(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }

  async close(): Promise<void> {
    await this.backend.close();
    await this.hang();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (this.interfere(request, response)) return;
    const url = new URL(request.url!, 'http://kubeflow');
    const { prefix = '', token, cookie } = this.options;
    if (cookie !== undefined && request.headers.cookie !== cookie) {
      response.writeHead(302, { location: `/dex/auth?client_id=kubeflow&redirect_uri=${url.pathname}` }).end();
      return;
    }
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return refuse(response, 401, 16, 'Failed to authenticate the user: token review failed');
    if (!url.pathname.startsWith(`${prefix}/`)) return page(response);
    url.pathname = url.pathname.slice(prefix.length);
    try {
      if (url.pathname.startsWith('/ml_metadata.')) this.tellMetadata(url, body, response);
      else if (url.pathname.startsWith('/artifacts/')) this.tellArtifact(url, response);
      else if (url.pathname === '/k8s/pod/logs') this.tellLogs(url, response);
      else this.tellApi(request.method!, url, body, response);
    } catch (error) {
      refuse(response, 500, 13, String(error));
    }
  }

  private tellApi(verb: string, url: URL, body: Buffer, response: ServerResponse): void {
    if (!url.pathname.startsWith('/apis/')) return page(response);
    let call;
    try {
      call = findCall(verb, url, body.toString('utf8'));
    } catch (error) {
      return refuse(response, 400, 3, `Invalid input error: ${(error as Error).message}`);
    }
    if (call === undefined) return refuse(response, 404, 5, 'Not Found');
    this.calls.push(call.operation);
    const handle = this.handlers[call.operation];
    if (handle === undefined) return refuse(response, 501, 12, `${call.operation} is not in the test server`);
    let answer;
    try {
      answer = handle(call);
    } catch (error) {
      const { status = 400, message } = error as { status?: number; message: string };
      return refuse(response, status, status === 404 ? 5 : 3, message);
    }
    call.check(answer);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private readonly handlers: Record<string, (call: Call) => unknown> = {
    healthz_service_get_healthz: () => ({ multi_user: this.options.isMultiUser === true }),
    experiment_service_list_experiments: ({ query }) => {
      this.checkNamespace(query.namespace);
      const experiments = [...this.backend.experiments.values()].filter(
        experiment => (experiment.namespace ?? '') === (query.namespace ?? '') && matches(query.filter, experiment)
      );
      return { experiments, total_size: experiments.length };
    },
    experiment_service_create_experiment: ({ body }) => {
      this.checkNamespace(body.namespace as string | undefined);
      const experiment = {
        ...body,
        experiment_id: randomUUID(),
        created_at: new Date().toISOString(),
        storage_state: 'AVAILABLE'
      };
      this.backend.experiments.set(experiment.experiment_id, experiment);
      return experiment;
    },
    run_service_create_run: ({ body, query }) => {
      const experiment = (body.experiment_id as string) ?? query.experiment_id ?? 'default';
      return toRun(this.backend.create(body, experiment));
    },
    run_service_get_run: ({ path }) => toRun(this.find(path.run_id!)),
    run_service_list_runs: ({ query }) => {
      this.checkNamespace(query.namespace);
      const size = Number(query.page_size || 20);
      const from = Number(query.page_token || 0);
      const all = [...this.backend.runs.values()]
        .reverse()
        .map(toRun)
        .filter(run => matches(query.filter, run));
      const next = from + size < all.length ? { next_page_token: String(from + size) } : {};
      return { runs: all.slice(from, from + size), total_size: all.length, ...next };
    },
    run_service_terminate_run: ({ path }) => {
      const run = this.find(path.run_id!);
      if (run.finishedAt !== undefined)
        throw new Error(`Failed to terminate run ${run.run_id}: cannot terminate a run in a terminal state`);
      this.backend.terminate(run);
      return {};
    },
    run_service_retry_run: ({ path }) => {
      const run = this.find(path.run_id!);
      if (run.state !== 'FAILED') throw new Error('Only FAILED or CANCELED runs can be retried');
      this.backend.retry(run);
      return {};
    },
    recurring_run_service_create_recurring_run: ({ body }) => {
      const recurring = {
        ...body,
        recurring_run_id: randomUUID(),
        created_at: new Date().toISOString(),
        status: 'ENABLED'
      };
      this.backend.recurring.set(recurring.recurring_run_id, recurring);
      return recurring;
    },
    recurring_run_service_list_recurring_runs: () => ({ recurringRuns: [...this.backend.recurring.values()] })
  };

  private checkNamespace(namespace: string | undefined): void {
    if (this.options.isMultiUser && !namespace)
      throw new Error('Invalid input error: In multi-user mode, namespace must be given');
  }

  private find(id: string): Run {
    const run = this.backend.runs.get(id);
    if (run === undefined) throw Object.assign(new Error(`Run ${id} not found`), { status: 404 });
    return run;
  }

  private tellMetadata(url: URL, body: Buffer, response: ServerResponse): void {
    const runs = [...this.backend.runs.values()];
    const answer = answerMetadata(url.pathname.split('/').at(-1)!, body, {
      find: id => runs.findIndex(run => run.run_id === id) + 1 || undefined,
      at: context => runs[context - 1]!
    });
    if (answer === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'application/grpc-web+proto' }).end(answer);
  }

  private tellArtifact(url: URL, response: ServerResponse): void {
    const [, , source, bucket, ...key] = url.pathname.split('/').map(decodeURIComponent);
    const file = this.backend.fileOf(`${source}://${bucket}/${key.join('/')}`);
    if (!existsSync(file) || !statSync(file).isFile()) response.writeHead(500).end('Failed to get object in bucket.');
    else createReadStream(file).pipe(response.writeHead(200, { 'content-type': 'application/octet-stream' }));
  }

  private tellLogs({ searchParams }: URL, response: ServerResponse): void {
    const pod = searchParams.get('podname') ?? '';
    const logs = [...this.backend.runs.values()].map(run => run.logs.get(pod)).find(text => text !== undefined);
    if (logs === undefined) response.writeHead(500).end(`Could not get main container logs: pods "${pod}" not found`);
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(logs);
  }
}

function toRun(run: Run): Record<string, unknown> {
  const time = (date: Date | undefined) => (date ?? new Date(0)).toISOString();
  return {
    run_id: run.run_id,
    experiment_id: run.experiment_id,
    display_name: run.display_name,
    description: run.asked.description,
    storage_state: 'AVAILABLE',
    pipeline_spec: run.asked.pipeline_spec,
    runtime_config: run.asked.runtime_config,
    service_account: 'pipeline-runner',
    created_at: time(run.createdAt),
    scheduled_at: time(run.createdAt),
    finished_at: time(run.finishedAt),
    state: run.state,
    recurring_run_id: run.asked.recurring_run_id,
    state_history: run.history,
    run_details: {
      task_details: [...run.nodes.values()].map(node => ({
        run_id: run.run_id,
        task_id: node.id.replace(/^.*-/, '00000000-0000-4000-8000-00000000'),
        display_name: node.name,
        create_time: time(run.createdAt),
        start_time: time(node.startedAt),
        end_time: time(node.endedAt),
        state: node.state,
        state_history: [{ update_time: time(node.startedAt), state: 'PENDING' }],
        child_tasks: node.children.map(pod_name => ({ pod_name }))
      }))
    }
  };
}

/** Equality is all that is asked for. */
function matches(filter: string | undefined, item: object): boolean {
  if (filter === undefined || filter === '') return true;
  const { predicates = [] } = JSON.parse(filter) as { predicates?: Record<string, unknown>[] };
  const fields: Record<string, unknown> = { ...item, name: (item as Record<string, unknown>).display_name };
  return predicates.every(
    ({ key, operation, string_value }) => operation === 'EQUALS' && fields[key as string] === string_value
  );
}

/** As grpc-gateway words an error. */
function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: message, code, message, details: [] }));
}

/** The UI answers whatever it does not know with itself. */
function page(response: ServerResponse): void {
  response
    .writeHead(200, { 'content-type': 'text/html' })
    .end('<!doctype html><title>Kubeflow Pipelines</title><div id="root">');
}
