// Building in the cluster, where nothing on this machine can: a Job runs kaniko on a context that a ConfigMap holds. Both are gone afterwards.
import type { V1ConfigMap, V1Job, V1Pod } from '@kubernetes/client-node';
import { managedBy, toObjectName } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { openCluster } from '../kubernetes/access.js';
import { describePodEnd, describeWaiting, isEnded } from '../kubernetes/pods.js';
import { toWords } from '../kubernetes/words.js';
import type { BuildContext } from './dockerfile.js';

export interface KanikoOptions {
  readonly context?: string;
  readonly namespace?: string;
  /** of the type kubernetes.io/dockerconfigjson, that lets the pod push */
  readonly secret?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  onNotice?(text: string): void;
}

const image = 'gcr.io/kaniko-project/executor:v1.23.2';

/** @throws PipelineError why it could not be built, with the pod's last words */
export async function buildWithKaniko(build: BuildContext, tag: string, options: KanikoOptions): Promise<string> {
  const { BatchV1Api } = await import('@kubernetes/client-node');
  const { context, namespace } = options;
  const place = { ...(context === undefined ? {} : { context }), ...(namespace === undefined ? {} : { namespace }) };
  const cluster = await openCluster(place, options.env);
  const batch = cluster.config.makeApiClient(BatchV1Api);
  const { core } = cluster;
  const { job, configMap } = toManifests(build, tag, options);
  const name = job.metadata!.name!;
  const asking = { verb: 'create', resource: 'jobs', name, namespace: cluster.namespace } as const;
  try {
    await core.createNamespacedConfigMap({ namespace: cluster.namespace, body: configMap });
    await batch.createNamespacedJob({ namespace: cluster.namespace, body: job });
    for (let told = ''; ; await new Promise(resolve => setTimeout(resolve, 1000))) {
      options.signal?.throwIfAborted();
      const { items } = await core.listNamespacedPod({
        namespace: cluster.namespace,
        labelSelector: `job-name=${name}`
      });
      const [pod] = items;
      const notice = pod && describeWaiting(pod);
      if (notice !== undefined && notice !== told) options.onNotice?.((told = notice));
      if (pod !== undefined && isEnded(pod, 'kaniko')) return readEnd(pod, tag);
    }
  } catch (error) {
    throw error instanceof PipelineError ? error : toWords(error, { ...asking, server: cluster.server });
  } finally {
    const gone = { namespace: cluster.namespace, name };
    await batch.deleteNamespacedJob({ ...gone, propagationPolicy: 'Background' }).catch(() => undefined);
    await core.deleteNamespacedConfigMap(gone).catch(() => undefined);
  }
}

function readEnd(pod: V1Pod, tag: string): string {
  const state = pod.status?.containerStatuses?.find(({ name }) => name === 'kaniko')?.state?.terminated;
  const digest = /sha256:[0-9a-f]{64}/.exec(state?.message ?? '')?.[0];
  if (state?.exitCode === 0 && digest !== undefined) return digest;
  const why = describePodEnd(pod, 'kaniko')?.message ?? 'its pod ended.';
  throw new PipelineError(`The image ‘${tag}’ could not be built in the cluster: ${why}`, 'remote');
}

/** Exported for its test: what the API server is given. */
export function toManifests(
  { files, hash }: BuildContext,
  tag: string,
  { secret }: Pick<KanikoOptions, 'secret'>
): { readonly job: V1Job; readonly configMap: V1ConfigMap } {
  const name = toObjectName('sluice-image', hash);
  const metadata = { name, labels: { ...managedBy, 'sluice.dev/image': hash } };
  return {
    configMap: { metadata, data: { ...files } },
    job: {
      metadata,
      spec: {
        backoffLimit: 0,
        ttlSecondsAfterFinished: 3600,
        template: {
          metadata: { labels: metadata.labels },
          spec: {
            restartPolicy: 'Never',
            containers: [
              {
                name: 'kaniko',
                image,
                args: [
                  '--context=dir:///context',
                  '--dockerfile=/context/Dockerfile',
                  `--destination=${tag}`,
                  '--digest-file=/dev/termination-log'
                ],
                volumeMounts: [
                  { name: 'context', mountPath: '/context' },
                  ...(secret === undefined ? [] : [{ name: 'registry', mountPath: '/kaniko/.docker' }])
                ]
              }
            ],
            volumes: [
              { name: 'context', configMap: { name } },
              ...(secret === undefined
                ? []
                : [
                    {
                      name: 'registry',
                      secret: { secretName: secret, items: [{ key: '.dockerconfigjson', path: 'config.json' }] }
                    }
                  ])
            ]
          }
        }
      }
    }
  };
}
