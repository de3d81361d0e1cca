// From how Kubeflow can be reached to a client that has spoken with it: the API's path is found, its version and our namespace are checked.
import { PipelineError } from '../errors.js';
import type { KfpAccess, KfpPlace } from './access.js';
import { KfpClient } from './client.js';
import { openForward } from './forward.js';
import { makeTransport, type Transport } from './transport.js';

export interface Connection {
  readonly client: KfpClient;
  /** what the UI has besides the API; may be another server */
  readonly ui: Transport;
  /** where the metadata service is, beside the UI */
  readonly root: Transport;
  /** undefined where Kubeflow does not tell users apart */
  readonly namespace: string | undefined;
  /** for people */
  readonly where: string;
  /** how it is found again */
  readonly place: KfpPlace;
  close(): Promise<void>;
}

/** @throws PipelineError `unreachable`, `unauthorized` or `usage`, within seconds */
export async function connect(access: KfpAccess, env: NodeJS.ProcessEnv): Promise<Connection> {
  const { api, ui, root, place, close } =
    access.way === 'forward' ? await forwarded(access, env) : await direct(access, env);
  try {
    const client = new KfpClient(api);
    const { where } = api.asked;
    const { isMultiUser } = await client.health();
    if (isMultiUser && access.namespace === undefined)
      throw new PipelineError(
        `Kubeflow Pipelines at ‘${where}’ has several users: name your profile’s namespace with --namespace.`,
        'usage'
      );
    const namespace = isMultiUser ? access.namespace : undefined;
    return { client, ui, root, namespace, where, place, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Transports {
  readonly api: Transport;
  readonly ui: Transport;
  readonly root: Transport;
  readonly place: KfpPlace;
  close(): Promise<void>;
}

async function forwarded(access: KfpAccess, env: NodeJS.ProcessEnv): Promise<Transports> {
  const { openCluster } = await import('../kubernetes/access.js');
  const cluster = await openCluster(access.context === undefined ? {} : { context: access.context }, env);
  const { context, namespace } = cluster;
  const forward = await openForward(cluster, [...new Set(['kubeflow', namespace])]);
  const { socketPath, where } = forward;
  const api = makeTransport({ access, base: 'http://ml-pipeline-ui', socketPath, where, env });
  return {
    ...{ api, ui: api, root: api, place: { context } },
    async close() {
      await api.close();
      await forward.close();
    }
  };
}

/** People name the dashboard, the UI or the API itself. */
async function direct(access: KfpAccess, env: NodeJS.ProcessEnv): Promise<Transports> {
  const given = makeTransport({ access, base: access.url!, env });
  const opened = [given];
  const open = (base: string): Transport => {
    const transport = makeTransport({ access, base, env });
    opened.push(transport);
    return transport;
  };
  const close = async () => void (await Promise.all(opened.map(transport => transport.close())));
  try {
    const api = await findApi(given, access, open);
    const ui = access.way === 'cluster' ? open(uiService) : api;
    const { origin } = new URL(access.url!);
    const root = access.way === 'cluster' ? ui : open(origin);
    return { api, ui, root, place: access.way === 'cluster' ? {} : { url: access.url! }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const uiService = 'http://ml-pipeline-ui.kubeflow.svc.cluster.local';

async function findApi(given: Transport, { url }: KfpAccess, open: (base: string) => Transport): Promise<Transport> {
  if (await answers(given, '/apis/v2beta1/healthz')) return given;
  if (!url!.endsWith('/pipeline')) {
    const behindDashboard = open(`${url}/pipeline`);
    if (await answers(behindDashboard, '/apis/v2beta1/healthz')) return behindDashboard;
  }
  if (await answers(given, '/apis/v1beta1/healthz'))
    throw new PipelineError(
      `‘${url}’ is Kubeflow Pipelines 1. Sluice needs version 2, whose API is v2beta1.`,
      'unreachable'
    );
  return given; // what it answers is said by whoever asks next
}

async function answers(transport: Transport, path: string): Promise<boolean> {
  const response = await transport.send(path);
  const text = await response.text();
  return response.ok && text.trimStart().startsWith('{');
}
