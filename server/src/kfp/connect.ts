// From how Kubeflow can be reached to a client that has spoken with it: the API's path is found, its version and our namespace are checked.
import { PipelineError } from '../errors.js';
import type { KfpAccess } from './access.js';
import { KfpClient } from './client.js';
import { openForward } from './forward.js';
import { makeTransport, type Transport } from './transport.js';

export interface Connection {
  readonly client: KfpClient;
  readonly transport: Transport;
  /** undefined where Kubeflow does not tell users apart */
  readonly namespace: string | undefined;
  /** for people */
  readonly where: string;
  close(): Promise<void>;
}

/** @throws PipelineError `unreachable`, `unauthorized` or `usage`, within seconds */
export async function connect(access: KfpAccess, env: NodeJS.ProcessEnv): Promise<Connection> {
  const [transport, close] = access.way === 'forward' ? await forwarded(access, env) : await direct(access, env);
  try {
    const client = new KfpClient(transport);
    const { isMultiUser } = await client.health();
    if (isMultiUser && access.namespace === undefined)
      throw new PipelineError(
        `Kubeflow Pipelines at ‘${transport.asked.where}’ has several users: name your profile’s namespace with --namespace.`,
        'usage'
      );
    const namespace = isMultiUser ? access.namespace : undefined;
    return { client, transport, namespace, where: transport.asked.where, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function forwarded(access: KfpAccess, env: NodeJS.ProcessEnv): Promise<[Transport, () => Promise<void>]> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  if (access.context !== undefined) config.setCurrentContext(access.context);
  const own = config.getContextObject(config.getCurrentContext())?.namespace;
  const forward = await openForward(config, [...new Set(['kubeflow', ...(own === undefined ? [] : [own])])]);
  const { socketPath, where } = forward;
  const transport = makeTransport({ access, base: 'http://ml-pipeline-ui', socketPath, where, env });
  return [
    transport,
    async () => {
      await transport.close();
      await forward.close();
    }
  ];
}

/** People name the dashboard, the UI or the API itself. */
async function direct(access: KfpAccess, env: NodeJS.ProcessEnv): Promise<[Transport, () => Promise<void>]> {
  const bases = [access.url!, ...(access.url!.endsWith('/pipeline') ? [] : [`${access.url}/pipeline`])];
  const transports = bases.map(base => makeTransport({ access, base, env }));
  const closeAll = () => Promise.all(transports.map(transport => transport.close()));
  try {
    for (const transport of transports)
      if (await answers(transport, '/apis/v2beta1/healthz')) return [transport, async () => void (await closeAll())];
    if (await answers(transports[0]!, '/apis/v1beta1/healthz'))
      throw new PipelineError(
        `‘${access.url}’ is Kubeflow Pipelines 1. Sluice needs version 2, whose API is v2beta1.`,
        'unreachable'
      );
    return [transports[0]!, async () => void (await closeAll())]; // what it answers is said by whoever asks next
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function answers(transport: Transport, path: string): Promise<boolean> {
  const response = await transport.send(path);
  const text = await response.text();
  return response.ok && text.trimStart().startsWith('{');
}
