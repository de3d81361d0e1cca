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
