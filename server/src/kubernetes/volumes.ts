// Volumes by their claims (PersistentVolumeClaim): making one empty, from a snapshot or as another's clone; waiting until it can be used;
// and which one the notebook's own pod works on.
import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import type { WorkspaceVolume } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { ask, maybeAsk, remove, type Cluster } from './access.js';
import { findOwnNamespace } from './own-pod.js';
import { checkObjectName, toMetadata, toSelector, type Belonging } from './labels.js';
import { patiently } from './patience.js';

const resource = 'persistentvolumeclaims';

export interface ClaimSpec {
  readonly name: string;
  /** a Kubernetes quantity: `10Gi` */
  readonly size: string;
  /** undefined: the cluster's default class */
  readonly storageClass?: string;
  readonly accessModes: readonly string[];
  readonly belonging?: Belonging;
  /** what it is filled with; empty where undefined */
  readonly from?: { readonly kind: 'snapshot' | 'claim'; readonly name: string };
}

export async function readClaim({ core, namespace }: Cluster, name: string): Promise<V1PersistentVolumeClaim> {
  const claim = await maybeReadClaim({ core, namespace }, name);
  if (claim !== undefined) return claim;
  throw new PipelineError(
    `There is no volume claim ‘${name}’ in namespace ‘${namespace}’. \`kubectl get pvc -n ${namespace}\` lists them.`,
    'not-found'
  );
}

export function maybeReadClaim({ core, namespace }: Pick<Cluster, 'core' | 'namespace'>, name: string) {
  return maybeAsk({ verb: 'get', resource, name, namespace }, () =>
    core.readNamespacedPersistentVolumeClaim({ name, namespace })
  );
}

/**
 * Make a claim; its volume comes when it is bound.
 * @throws PipelineError `usage` for a name that Kubernetes does not take, `bad-request` when there is one of this name, `remote` when the
 * quota is used up
 */
export async function createClaim({ core, namespace }: Cluster, spec: ClaimSpec): Promise<V1PersistentVolumeClaim> {
  const { name, size, storageClass, accessModes, belonging = {}, from } = spec;
  checkObjectName(name, 'volume claim');
  const body: V1PersistentVolumeClaim = {
    metadata: { name, ...toMetadata(belonging) },
    spec: {
      accessModes: [...accessModes],
      resources: { requests: { storage: size } },
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
      ...(from === undefined ? {} : { dataSource: toDataSource(from) })
    }
  };
  return ask({ verb: 'create', resource, name, namespace }, () =>
    core.createNamespacedPersistentVolumeClaim({ namespace, body })
  );
}

/** Ours in the namespace: all, or those of a run or notebook. Clones that stand for snapshots are among them. */
export async function listClaims({ core, namespace }: Cluster, belonging: Belonging) {
  const labelSelector = toSelector(belonging);
  const { items } = await ask({ verb: 'list', resource, namespace }, () =>
    core.listNamespacedPersistentVolumeClaim({ namespace, labelSelector })
  );
  return items;
}

/** After its removal a claim is there until no pod names it any more. @throws PipelineError `remote` after half a minute */
export async function waitUntilGone(cluster: Cluster, name: string, signal: AbortSignal): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(300, undefined, { signal }))
    if ((await maybeReadClaim(cluster, name)) === undefined) return;
  throw new PipelineError(`The volume claim ‘${name}’ does not go: a pod still names it.`, 'remote');
}

/** What is there under the name goes; nothing happens where there is nothing. With `uid`, only the very object that was seen. */
export async function removeClaim({ core, namespace }: Cluster, name: string, uid?: string): Promise<void> {
  const body = uid === undefined ? {} : { preconditions: { uid } };
  await remove({ verb: 'delete', resource, name, namespace }, () =>
    core.deleteNamespacedPersistentVolumeClaim({ name, namespace, body })
  );
}

export interface Waiting {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Wait until a pod can use the claim: it is bound, or its class binds it only when a pod comes. Polls each half second; a server that is away
 * for a while is waited for.
 * @throws PipelineError `remote` with the driver's reason; or after `timeoutMs` (a minute by default)
 */
export async function waitForClaim(cluster: Cluster, name: string, { timeoutMs = 60_000, signal }: Waiting = {}) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const claim = await patiently(() => readClaim(cluster, name), end);
    if (claim.status?.phase === 'Bound' || (await waitsForPod(cluster, claim))) return claim;
    if (claim.status?.phase === 'Lost')
      throw new PipelineError(`The volume of claim ‘${name}’ is gone: what it held is lost.`, 'remote');
    const trouble = await findTrouble(cluster, claim);
    if (trouble !== undefined || Date.now() > end)
      throw new PipelineError(
        `The claim ‘${name}’ got no volume${trouble === undefined ? ` within ${timeoutMs / 1000} seconds` : `: ${trouble}`}. \`kubectl describe pvc ${name} -n ${cluster.namespace}\` tells more.`,
        'remote'
      );
    await sleep(500, undefined, { signal });
  }
}

/** The class's binding mode is not told to everyone; the claim's own events say it as well. */
async function waitsForPod(cluster: Cluster, claim: V1PersistentVolumeClaim): Promise<boolean> {
  if (claim.status?.phase !== 'Pending') return false;
  return (await eventsOf(cluster, claim)).some(({ reason }) => reason === 'WaitForFirstConsumer');
}

/** Why the claim has no volume, in the words of what provisions it; undefined where it does not say. */
export async function findTrouble(cluster: Cluster, claim: V1PersistentVolumeClaim): Promise<string | undefined> {
  const failed = (await eventsOf(cluster, claim)).filter(({ reason }) => reason === 'ProvisioningFailed');
  return failed.at(-1)?.message?.replace(/^failed to provision volume with StorageClass "[^"]*": /, '');
}

// Events may be hidden from the user; then waiting alone has to tell.
async function eventsOf({ core, namespace }: Cluster, { metadata }: V1PersistentVolumeClaim) {
  const fieldSelector = `involvedObject.kind=PersistentVolumeClaim,involvedObject.uid=${metadata!.uid}`;
  try {
    return (await core.listNamespacedEvent({ namespace, fieldSelector })).items;
  } catch {
    return [];
  }
}

function toDataSource({ kind, name }: NonNullable<ClaimSpec['from']>) {
  return kind === 'claim'
    ? { kind: 'PersistentVolumeClaim', name }
    : { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name };
}

/** What the pods of steps may do with a volume at the same time. */
export interface Sharing {
  readonly together: 'anywhere' | 'on one node' | 'one at a time';
  /** for the user, where steps that could run in parallel cannot do so freely */
  readonly message?: string;
}

/** `volume` goes on ‘the volume …’; `parallel` are those steps that may want it at the same time. */
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
export function toSharing(volume: string, accessModes: readonly string[], parallel: readonly string[]): Sharing {
  if (accessModes.includes('ReadWriteMany')) return { together: 'anywhere' };
  const isAlone = accessModes.includes('ReadWriteOncePod');
  const together = isAlone ? 'one at a time' : 'on one node';
  if (parallel.length === 0) return { together };
  const steps = parallel.map(step => `‘${step}’`).join(', ');
  const why = isAlone
    ? 'allows one pod at a time (ReadWriteOncePod): the steps run one after the other.'
    : 'can be mounted on one node only (ReadWriteOnce): the steps’ pods are placed on one node.';
  return { together, message: `Steps ${steps} could run at the same time, but the volume ${volume} ${why}` };
}

export interface WorkspaceClaim {
  readonly claim: string;
  /** where the pod has it */
  readonly mountPath: string;
  /** the folder of the volume that is mounted, relative to its root */
  readonly subPath: string;
  readonly node?: string;
}

/**
 * The claim on which `folder` of this very pod is: how a notebook in Kubeflow finds its own volume.
 * @throws PipelineError `not-found` when the folder is on no claim
 */
export async function findWorkspaceClaim(
  { core, namespace }: Cluster,
  folder: string,
  name = hostname()
): Promise<WorkspaceClaim> {
  const pod = await ask({ verb: 'get', resource: 'pods', name, namespace }, () =>
    core.readNamespacedPod({ name, namespace })
  );
  const found = mountedClaims(pod)
    .filter(({ mountPath }) => `${posix.normalize(folder)}/`.startsWith(mountPath === '/' ? '/' : `${mountPath}/`))
    .sort((a, b) => b.mountPath.length - a.mountPath.length)[0];
  if (found !== undefined) return found;
  throw new PipelineError(
    `The folder ‘${folder}’ of pod ‘${name}’ is on no volume claim, so that no snapshot of it can be taken. Work in a folder of a mounted volume.`,
    'not-found'
  );
}

/** Where we are a pod of the cluster's namespace ourselves, and the notebook's folder is on a volume of it: that volume. */
export async function findOwnWorkspace(
  cluster: Cluster,
  folder: string,
  env: NodeJS.ProcessEnv
): Promise<WorkspaceVolume | undefined> {
  if (findOwnNamespace(env) !== cluster.namespace) return undefined;
  try {
    const whole = realpathSync(folder);
    const { claim, mountPath: path, subPath } = await findWorkspaceClaim(cluster, whole, env.POD_NAME ?? hostname());
    return { ...{ claim, path, folder: posix.relative(path, whole) }, ...(subPath === '' ? {} : { subPath }) };
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'not-found') return undefined; // it is sent, as from anywhere else
    throw error;
  }
}

function mountedClaims({ spec }: V1Pod): WorkspaceClaim[] {
  const claims = new Map((spec?.volumes ?? []).map(volume => [volume.name, volume.persistentVolumeClaim?.claimName]));
  return (spec?.containers ?? []).flatMap(({ volumeMounts = [] }) =>
    volumeMounts.flatMap(({ name, mountPath, subPath = '' }) => {
      const claim = claims.get(name);
      if (claim === undefined) return [];
      const node = spec?.nodeName === undefined ? {} : { node: spec.nodeName };
      return [{ claim, mountPath: mountPath.replace(/(.)\/+$/, '$1'), subPath, ...node }];
    })
  );
}
