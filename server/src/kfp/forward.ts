// A port-forward to Kubeflow's own service, without kubectl. What listens on this machine is a socket in a folder that only its user can
// enter, so that nobody else here speaks to Kubeflow in the user's name.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { PortForward, V1Pod } from '@kubernetes/client-node';
import { PipelineError } from '../errors.js';
import { ask, maybeAsk, type Cluster } from '../kubernetes/access.js';

export interface Forward {
  readonly socketPath: string;
  /** for people: ‘service ‘ml-pipeline-ui’ in namespace ‘kubeflow’ of context ‘prod’’ */
  readonly where: string;
  close(): Promise<void>;
}

interface Target {
  readonly namespace: string;
  readonly service: string;
  readonly pod: string;
  readonly port: number;
}

/** The UI's service passes on what is for the API, and has artifacts besides. */
const services = ['ml-pipeline-ui', 'ml-pipeline'];

/** @throws PipelineError `unreachable` where there is no Kubeflow, or none that runs, in the namespaces */
export async function openForward(cluster: Cluster, namespaces: readonly string[]): Promise<Forward> {
  const { PortForward: Channels } = await import('@kubernetes/client-node');
  const target = await findTarget(cluster, namespaces);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-forward-'));
  await chmod(folder, 0o700);
  const socketPath = join(folder, 'kubeflow');
  const sockets = new Set<Socket>();
  const forward = new Channels(cluster.config, true);
  const server = createServer(socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void connect(forward, target, socket);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve));
  server.unref();
  return {
    socketPath,
    where: `service ${target.service} in namespace ${target.namespace} of context ${cluster.context}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** One connection is one stream through the API server; either end ends the other. */
async function connect(forward: PortForward, { namespace, pod, port }: Target, socket: Socket): Promise<void> {
  const errors = new PassThrough().on('data', () => socket.destroy());
  try {
    const channel = await forward.portForward(namespace, pod, [port], socket, errors, socket);
    if (typeof channel === 'function') return;
    channel.on('close', () => socket.end());
    channel.on('error', () => socket.destroy());
    socket.once('close', () => channel.close());
  } catch {
    socket.destroy(); // whoever waits for an answer says that there was none
  }
}

async function findTarget({ core, context }: Cluster, namespaces: readonly string[]): Promise<Target> {
  for (const namespace of namespaces)
    for (const service of services) {
      const found = await maybeAsk({ verb: 'get', resource: 'services', name: service, namespace }, () =>
        core.readNamespacedService({ namespace, name: service })
      );
      const { selector = {}, ports = [] } = found?.spec ?? {};
      if (found === undefined || Object.keys(selector).length === 0) continue;
      const labelSelector = Object.entries(selector)
        .map(([name, value]) => `${name}=${value}`)
        .join(',');
      const { items } = await ask({ verb: 'list', resource: 'pods', namespace }, () =>
        core.listNamespacedPod({ namespace, labelSelector })
      );
      const pod = items.find(isReady);
      if (pod === undefined)
        throw new PipelineError(
          `Kubeflow’s service ‘${service}’ in namespace ‘${namespace}’ of context ‘${context}’ has no pod that is ready. See \`kubectl get pods -n ${namespace}\`.`,
          'unreachable'
        );
      const { targetPort = 3000, port } = ports.find(({ name }) => name === 'http') ?? ports[0] ?? { port: 80 };
      return { namespace, service, pod: pod.metadata!.name!, port: toPort(targetPort, pod) ?? port };
    }
  throw new PipelineError(
    `The cluster of context ‘${context}’ has no service ${services.map(name => `‘${name}’`).join(' or ')} in ${namespaces.map(name => `‘${name}’`).join(' or ')}, so no Kubeflow Pipelines. Name the URL of Kubeflow, or run on Argo.`,
    'unreachable'
  );
}

function toPort(target: number | string, pod: V1Pod): number | undefined {
  if (Number.isInteger(Number(target))) return Number(target);
  const ports = pod.spec?.containers.flatMap(container => container.ports ?? []) ?? [];
  return ports.find(({ name }) => name === target)?.containerPort;
}

const isReady = ({ status }: V1Pod) =>
  status?.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'True') === true;
