// Snapshots of volumes, as Kubernetes has them: objects of snapshot.storage.k8s.io/v1, which any storage driver with snapshots serves. Ours
// are labelled with run, step, moment and notebook; the labels alone say what is ours. Where a driver has none, clones with the same labels
// stand for them.
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import { toObjectName } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { ask, maybeAsk, remove, statusOf, type Cluster } from './access.js';
import { checkObjectName, label, toBelonging, toMetadata, toSelector, type Belonging } from './labels.js';
import { patiently } from './patience.js';
import { createClaim, maybeReadClaim, readClaim, removeClaim, waitForClaim, type Waiting } from './volumes.js';
import { toWords } from './words.js';

const api = { group: 'snapshot.storage.k8s.io', version: 'v1', plural: 'volumesnapshots' } as const;
const resource = `${api.plural}.${api.group}`;

export interface VolumeSnapshot extends Belonging {
  /** a clone is a claim of its own name */
  readonly kind: 'snapshot' | 'clone';
  readonly name: string;
  readonly uid: string;
  /** the claim it was taken of, which may be gone; undefined for one that was brought in from outside */
  readonly claim?: string;
  readonly class?: string;
  /** the one whose step left what it has, where that took it */
  readonly pod?: string;
  /** milliseconds since 1970 */
  readonly at: number;
  readonly isReady: boolean;
  /** in the driver's words */
  readonly error?: string;
  /** what a volume restored from it needs, as a Kubernetes quantity; known when it is ready */
  readonly size?: string;
  /** how its claim was made, so that a restored one can be the same */
  readonly storageClass?: string;
  readonly accessModes?: readonly string[];
}

export interface SnapshotRequest extends Belonging {
  readonly claim: string;
  /** of VolumeSnapshotClass; undefined: the default one of the claim's driver */
  readonly class?: string;
  /** undefined: from run, moment and step */
  readonly name?: string;
  /** the one whose step left what it is going to have */
  readonly pod?: string;
}

/**
 * Take a snapshot of a claim's volume. Asking twice for the same one gives the first; it is not ready yet, see `waitForSnapshot`.
 * @throws PipelineError `not-found` without the claim, `bad-request` where another snapshot has the name
 */
export async function takeSnapshot(cluster: Cluster, request: SnapshotRequest): Promise<VolumeSnapshot> {
  const { custom, namespace } = cluster;
  const { claim, class: snapshotClass, run, moment, step, pod } = request;
  const name = checkObjectName(
    request.name ?? toObjectName('sluice', run ?? claim, moment, step ?? (run ? undefined : stamp())),
    'snapshot'
  );
  const source = await readClaim(cluster, claim);
  const { labels, annotations: said } = toMetadata(request);
  const annotations = { ...said, ...(pod === undefined ? {} : { [podAnnotation]: pod }), ...describeClaim(source) };
  const body = {
    apiVersion: `${api.group}/${api.version}`,
    kind: 'VolumeSnapshot',
    metadata: { name, labels, annotations },
    spec: {
      source: { persistentVolumeClaimName: claim },
      ...(snapshotClass === undefined ? {} : { volumeSnapshotClassName: snapshotClass })
    }
  };
  try {
    const made = await ask({ verb: 'create', resource, name, namespace }, () =>
      custom.createNamespacedCustomObject({ ...api, namespace, body })
    );
    return toSnapshot(made);
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    const there = await readSnapshot(cluster, name);
    if (there.claim === claim && toSelector(there) === toSelector(request)) return there;
    throw error;
  }
}

/**
 * Wait until a snapshot can be restored from. Polls each half second; a server that is away for a while is waited for.
 * @throws PipelineError `remote` when the driver has failed for three seconds, or after `timeoutMs` (ten minutes by default)
 */
export async function waitForSnapshot(
  cluster: Cluster,
  name: string,
  { timeoutMs = 600_000, signal }: Waiting = {}
): Promise<VolumeSnapshot> {
  const end = Date.now() + timeoutMs;
  let failing: number | undefined;
  for (;;) {
    const snapshot = await patiently(() => readSnapshot(cluster, name), end);
    if (snapshot.isReady) return snapshot;
    if (snapshot.kind === 'clone') {
      await waitForClaim(cluster, name, { timeoutMs, ...(signal && { signal }) });
      return { ...snapshot, isReady: true };
    }
    // a driver tries again by itself, and leaves the error until it succeeds
    failing = snapshot.error === undefined ? undefined : (failing ?? Date.now());
    if (failing !== undefined && Date.now() - failing > 3000) throw failed(snapshot);
    if (Date.now() > end)
      throw new PipelineError(
        `The snapshot ‘${name}’ of claim ‘${snapshot.claim}’ was not ready after ${timeoutMs / 1000} seconds. The driver may still finish it; \`kubectl describe volumesnapshot ${name} -n ${cluster.namespace}\` tells more.`,
        'remote'
      );
    await sleep(500, undefined, { signal });
  }
}

/** What the driver said, without the wrappings that each part in between put around it. */
export function plainError(message: string): string {
  const [, description] = /.*desc = (.*?)"?$/s.exec(message) ?? [];
  return (description ?? message).trim().replace(/\.$/, '');
}

/** Ours in the namespace, oldest first: all, or those of a run, step, moment or notebook. */
export async function listSnapshots(cluster: Cluster, belonging: Belonging = {}): Promise<VolumeSnapshot[]> {
  const clones = await listClones(cluster, belonging);
  const snapshots = await listObjects(cluster, belonging).catch((error: unknown) => {
    if (statusOf(error) === 404 && clones.length > 0) return []; // a cluster that has clones only
    throw error;
  });
  return [...snapshots, ...clones].sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}

async function listClones({ core, namespace }: Cluster, belonging: Belonging): Promise<VolumeSnapshot[]> {
  const labelSelector = `${toSelector(belonging)},${label.moment}`;
  try {
    const { items } = await core.listNamespacedPersistentVolumeClaim({ namespace, labelSelector });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined).map(toClone);
  } catch (error) {
    if (statusOf(error) === 403) return []; // who may not list claims may have snapshots all the same
    throw toWords(error, { verb: 'list', resource: 'persistentvolumeclaims', namespace });
  }
}

async function listObjects(cluster: Cluster, belonging: Belonging): Promise<VolumeSnapshot[]> {
  const { custom, namespace } = cluster;
  const found: VolumeSnapshot[] = [];
  let next: string | undefined;
  do {
    const page = await ask({ verb: 'list', resource, namespace }, () =>
      custom.listNamespacedCustomObject({
        ...{ ...api, namespace, limit: 100, labelSelector: toSelector(belonging) },
        ...(next === undefined ? {} : { _continue: next })
      })
    );
    // what is on its way out is nobody's any more
    const items = page.items as readonly SnapshotObject[];
    found.push(...items.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(toSnapshot));
    next = page.metadata?.continue || undefined;
  } while (next !== undefined);
  return found;
}

/** A run's snapshot of its own volume before the step, or the last one of all; undefined where it has none that can be restored from. */
export async function findRunSnapshot(
  cluster: Cluster,
  { run, claim, step }: { readonly run: string; readonly claim: string; readonly step?: string }
): Promise<VolumeSnapshot | undefined> {
  const all = await listSnapshots(cluster, { run });
  const ready = all.filter(snapshot => snapshot.isReady && snapshot.claim === claim);
  const before = ready.filter(snapshot => snapshot.moment === 'before' && snapshot.step === step);
  return step === undefined ? ready.at(-1) : before.at(-1);
}

/** @throws PipelineError `not-found` */
export async function readSnapshot(cluster: Cluster, name: string): Promise<VolumeSnapshot> {
  const { custom, namespace } = cluster;
  const read = () => custom.getNamespacedCustomObject({ ...api, namespace, name });
  const found = await maybeAsk({ verb: 'get', resource, name, namespace }, read);
  if (found !== undefined) return toSnapshot(found);
  const claim = await maybeReadClaim(cluster, name).catch(() => undefined);
  if (claim?.metadata?.labels?.[label.moment] !== undefined) return toClone(claim);
  throw new PipelineError(
    `There is no volume snapshot ‘${name}’ in namespace ‘${namespace}’. \`sluice cluster snapshots\` lists them.`,
    'not-found'
  );
}

/** The very snapshot that was seen goes: not another that has taken its name since. */
export async function removeSnapshot(cluster: Cluster, { kind, name, uid }: VolumeSnapshot): Promise<void> {
  if (kind === 'clone') return removeClaim(cluster, name, uid);
  const { custom, namespace } = cluster;
  const body = { preconditions: { uid } };
  await remove({ verb: 'delete', resource, name, namespace }, () =>
    custom.deleteNamespacedCustomObject({ ...api, namespace, name, body })
  );
}

export interface Restoration {
  /** the new claim */
  readonly name: string;
  /** undefined: as the volume was that the snapshot was taken of */
  readonly storageClass?: string;
  readonly size?: string;
  readonly accessModes?: readonly string[];
  readonly belonging?: Belonging;
}

/**
 * A new claim whose volume holds what the snapshot holds; the volume it was taken of is left alone.
 * @throws PipelineError `remote` with the driver's reason, `bad-request` where there is a claim of this name
 */
export async function restoreSnapshot(
  cluster: Cluster,
  snapshot: string,
  { name, ...wanted }: Restoration,
  waiting: Waiting = {}
): Promise<V1PersistentVolumeClaim> {
  const ready = await waitForSnapshot(cluster, snapshot, waiting);
  const source = ready.claim === undefined ? undefined : await maybeReadClaim(cluster, ready.claim);
  const storageClass = wanted.storageClass ?? ready.storageClass ?? source?.spec?.storageClassName;
  await createClaim(cluster, {
    ...{ name, from: { kind: ready.kind === 'clone' ? 'claim' : 'snapshot', name: snapshot } },
    size: wanted.size ?? ready.size ?? source?.spec?.resources?.requests?.storage ?? '1Gi',
    accessModes: wanted.accessModes ?? ready.accessModes ?? source?.spec?.accessModes ?? ['ReadWriteOnce'],
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(wanted.belonging === undefined ? {} : { belonging: wanted.belonging })
  });
  return waitForClaim(cluster, name, waiting);
}

const podAnnotation = 'sluice.dev/pod';

const volumeAnnotations = { storageClass: 'sluice.dev/storage-class', accessModes: 'sluice.dev/access-modes' } as const;

function describeClaim({ spec }: V1PersistentVolumeClaim): Record<string, string> {
  return {
    ...(spec?.storageClassName === undefined ? {} : { [volumeAnnotations.storageClass]: spec.storageClassName }),
    [volumeAnnotations.accessModes]: (spec?.accessModes ?? []).join(',')
  };
}

/** The object as the API server has it. https://kubernetes.io/docs/concepts/storage/volume-snapshots/ */
interface SnapshotObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly volumeSnapshotClassName?: string; readonly source: { persistentVolumeClaimName?: string } };
  readonly status?: {
    readonly readyToUse?: boolean;
    readonly creationTime?: string;
    readonly restoreSize?: string;
    readonly error?: { readonly message?: string };
  };
}

function toClone({ metadata, spec, status }: V1PersistentVolumeClaim): VolumeSnapshot {
  const { name, uid, creationTimestamp, labels, annotations } = metadata!;
  const size = status?.capacity?.storage ?? spec?.resources?.requests?.storage;
  return {
    ...toBelonging({ ...(labels && { labels }), ...(annotations && { annotations }) }),
    ...{ kind: 'clone', name: name!, uid: uid!, at: +new Date(creationTimestamp!) },
    ...(spec?.dataSource?.name === undefined ? {} : { claim: spec.dataSource.name }),
    ...(annotations?.[podAnnotation] === undefined ? {} : { pod: annotations[podAnnotation] }),
    ...(size === undefined ? {} : { size }),
    ...(spec?.storageClassName === undefined ? {} : { storageClass: spec.storageClassName }),
    ...(spec?.accessModes === undefined ? {} : { accessModes: spec.accessModes }),
    isReady: status?.phase === 'Bound'
  };
}

function toSnapshot(json: unknown): VolumeSnapshot {
  const { metadata, spec, status } = json as SnapshotObject;
  const { [volumeAnnotations.storageClass]: storageClass, [volumeAnnotations.accessModes]: modes } =
    metadata.annotations ?? {};
  const entries = {
    claim: spec.source.persistentVolumeClaimName,
    pod: metadata.annotations?.[podAnnotation],
    class: spec.volumeSnapshotClassName,
    error: status?.error && plainError(status.error.message ?? 'an error without words'),
    size: status?.restoreSize,
    storageClass,
    accessModes: modes?.split(',').filter(Boolean)
  };
  return {
    ...toBelonging(metadata),
    ...(Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Partial<
      typeof entries
    >),
    kind: 'snapshot',
    name: metadata.name,
    uid: metadata.uid,
    at: Date.parse(status?.creationTime ?? metadata.creationTimestamp),
    isReady: status?.readyToUse === true
  } as VolumeSnapshot;
}

function failed({ name, claim, error }: VolumeSnapshot): PipelineError {
  return new PipelineError(
    `The storage driver could not take the snapshot ‘${name}’ of claim ‘${claim}’: ${error}. Ask whoever runs the cluster, or switch snapshots off.`,
    'remote'
  );
}

function stamp(): string {
  return new Date().toISOString().replace(/\D/g, '').slice(0, 17);
}
