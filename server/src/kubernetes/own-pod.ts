// Where we run in a pod ourselves: which one it is, and what the cluster says of it.
import { existsSync, readFileSync } from 'node:fs';
import type { V1Pod } from '@kubernetes/client-node';
import { ask } from './access.js';

const account = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The namespace of the pod that we are in; undefined outside of a cluster. */
export function findOwnNamespace(env: NodeJS.ProcessEnv): string | undefined {
  if (env.KUBERNETES_SERVICE_HOST === undefined || !existsSync(`${account}/namespace`)) return undefined;
  return readFileSync(`${account}/namespace`, 'utf8').trim();
}

/** The service account of the pod that we are in: its token names it. Undefined where there is none. */
export function findOwnAccount(): string | undefined {
  try {
    const [, payload = ''] = readFileSync(`${account}/token`, 'utf8').split('.');
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { sub?: unknown };
    return /^system:serviceaccount:[^:]+:([^:]+)$/.exec(String(sub))?.[1];
  } catch {
    return undefined;
  }
}

/**
 * As the cluster has it, asked by the pod's own service account.
 * @throws PipelineError whatever the cluster answers instead
 */
export async function readOwnPod(namespace: string, name: string): Promise<V1Pod> {
  const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromCluster();
  const core = config.makeApiClient(CoreV1Api);
  return ask({ verb: 'get', resource: 'pods', name, namespace }, () => core.readNamespacedPod({ name, namespace }));
}
