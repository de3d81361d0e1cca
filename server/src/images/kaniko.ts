// Building in the cluster, where nothing on this machine can: a Job runs kaniko on a context that a ConfigMap holds. Both are gone afterwards.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1ConfigMap, V1Job, V1Pod } from '@kubernetes/client-node';
import { managedBy, toObjectName } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { ask, type Cluster } from '../kubernetes/access.js';
import { followLog } from '../kubernetes/pod-log.js';
import { describePodEnd, findWaiting, isEnded, isStarted, readPodEvents } from '../kubernetes/pods.js';
import { requireRights, rightsFor, userRights } from '../kubernetes/rights.js';
import { alone, pullMs } from '../kubernetes/transfer.js';
import { findReason } from './builders.js';
import type { BuildContext } from './dockerfile.js';

export interface KanikoOptions {
  readonly cluster: Cluster;
  /** of the type kubernetes.io/dockerconfigjson, that lets the pod push */
  readonly secret?: string;
  /** kaniko's own image; else the one of its last release */
  readonly executor?: string;
  /** `NAME=VALUE`, for the Dockerfile’s ARGs */
  readonly args?: readonly string[];
  readonly signal?: AbortSignal;
  /** why the pod waits, and what it prints */
  onNotice?(text: string): void;
}

const lastRelease = 'gcr.io/kaniko-project/executor:v1.24.0';
const container = 'kaniko';
/** a pod that starts has nothing to say */
const quietMs = 5000;

/** @throws PipelineError why it could not be built: what is not allowed, or what the pod said; an AbortError where `signal` ended it */
export async function buildWithKaniko(build: BuildContext, tag: string, options: KanikoOptions): Promise<string> {
  const { BatchV1Api } = await import('@kubernetes/client-node');
  const { cluster } = options;
  const { core, namespace, server } = cluster;
  await requireRights(cluster, rightsFor(userRights, ['images']), 'sluice cluster rbac --images');
  const batch = cluster.config.makeApiClient(BatchV1Api);
  const name = toObjectName('sluice-image', build.hash, randomBytes(3).toString('hex'));
  const { job, configMap } = toManifests(build, tag, { ...options, name });
  try {
    await ask({ verb: 'create', resource: 'configmaps', name, namespace, server }, () =>
      core.createNamespacedConfigMap({ namespace, body: configMap })
    );
    await ask({ verb: 'create', resource: 'jobs.batch', name, namespace, server }, () =>
      batch.createNamespacedJob({ namespace, body: job })
    );
    return await followBuild(name, tag, options);
  } finally {
    await batch.deleteNamespacedJob({ namespace, name, propagationPolicy: 'Background' }).catch(() => undefined); // it goes by itself, and its labels say whose it is
    await core.deleteNamespacedConfigMap({ namespace, name }).catch(() => undefined);
  }
}

async function followBuild(job: string, tag: string, { cluster, signal, onNotice }: KanikoOptions): Promise<string> {
  const { core, namespace, server } = cluster;
  const readPod = async () => {
    const { items } = await ask({ verb: 'list', resource: 'pods', namespace, server }, () =>
      core.listNamespacedPod({ namespace, labelSelector: `job-name=${job}` })
    );
    return items[0];
  };
  const begin = Date.now();
  let printed = '';
  for (let told = ''; ; await sleep(1000, undefined, { signal })) {
    const pod = await readPod();
    if (pod === undefined) {
      const [why] = await readPodEvents(cluster, job, 'Job');
      if (why !== undefined)
        throw new PipelineError(`The image ‘${tag}’ can’t be built in the cluster: ${why}.`, 'remote');
      continue;
    }
    if (!isStarted(pod, container)) {
      const elapsed = Date.now() - begin;
      const waiting = findWaiting(pod);
      // a secret that is not there is told in events alone
      const why =
        waiting?.why ?? (elapsed > quietMs ? (await readPodEvents(cluster, pod.metadata!.name!)).at(-1) : undefined);
      if (why !== undefined && why !== told) onNotice?.((told = why));
      const isOver = waiting?.ends === 'never' || (waiting?.ends === 'soon' && elapsed > pullMs);
      if (isOver) throw new PipelineError(`The pod that builds ‘${tag}’ does not start. ${why}`, 'remote');
      continue;
    }
    const given = signal ?? new AbortController().signal;
    for await (const { text } of followLog(cluster, pod.metadata!.name!, { container, signal: given })) {
      onNotice?.(text);
      printed += `${text}\n`;
    }
    const ended = await readPod();
    if (ended === undefined || isEnded(ended, container)) return readEnd(ended ?? pod, tag, findReason(printed));
  }
}

function readEnd(pod: V1Pod, tag: string, reason: string): string {
  const state = pod.status?.containerStatuses?.find(({ name }) => name === container)?.state?.terminated;
  const digest = /sha256:[0-9a-f]{64}/.exec(state?.message ?? '')?.[0];
  if (state?.exitCode === 0 && digest !== undefined) return digest;
  const end = describePodEnd(pod, container);
  const why = end?.name === 'exit-status' && reason !== '' ? reason : (end?.message ?? 'its pod is gone.');
  throw new PipelineError(`The image ‘${tag}’ could not be built in the cluster: ${why}`, 'remote');
}

/** Exported for its test: what the API server is given. */
export function toManifests(
  { files, hash }: BuildContext,
  tag: string,
  {
    name,
    secret,
    executor = lastRelease,
    args = []
  }: Pick<KanikoOptions, 'secret' | 'executor' | 'args'> & { readonly name: string }
): { readonly job: V1Job; readonly configMap: V1ConfigMap } {
  const metadata = { name, labels: { ...managedBy, 'sluice.dev/image': hash } };
  return {
    configMap: { metadata, data: { ...files } },
    job: {
      metadata,
      spec: {
        backoffLimit: 0,
        ttlSecondsAfterFinished: 3600,
        template: {
          metadata: { labels: { ...metadata.labels, ...alone }, annotations: alone },
          spec: {
            restartPolicy: 'Never',
            automountServiceAccountToken: false, // what pip runs has no business there
            containers: [
              {
                name: container,
                image: executor,
                args: [
                  '--context=dir:///context',
                  '--dockerfile=/context/Dockerfile',
                  `--destination=${tag}`,
                  ...args.map(arg => `--build-arg=${arg}`),
                  '--digest-file=/dev/termination-log'
                ],
                volumeMounts: [
                  // one by one: in the folder of a ConfigMap they are links, and kaniko copies a link as a link
                  ...Object.keys(files).map(file => ({
                    name: 'context',
                    mountPath: `/context/${file}`,
                    subPath: file
                  })),
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
