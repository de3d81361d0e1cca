// What the cluster's storage can do for a claim, asked before a run begins: snapshots, at least clones, or neither; and why.
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import { PipelineError, toPipelineError } from '../errors.js';
import { ask, isPassing, maybeAsk, statusOf, type Cluster } from './access.js';
import { readClaim } from './volumes.js';

const api = { group: 'snapshot.storage.k8s.io', version: 'v1', plural: 'volumesnapshotclasses' } as const;
const defaultSnapshotClass = 'snapshot.storage.kubernetes.io/is-default-class';
const defaultStorageClass = 'storageclass.kubernetes.io/is-default-class';

export interface SnapshotWay {
  /** how the volume is kept: a snapshot, or a copy that is a volume itself */
  readonly how: 'snapshot' | 'clone';
  /** of VolumeSnapshotClass */
  readonly class?: string;
  /** for the user, where it is not what was asked for */
  readonly message?: string;
  /** there are no snapshots */
  readonly why?: string;
}

/**
 * How the volume of a claim can be kept.
 * @throws PipelineError `not-found` without the claim or the class that was named; `remote` where there is no way
 */
export async function findSnapshotWay(cluster: Cluster, claim: string, wanted?: string): Promise<SnapshotWay> {
  const found = await readClaim(cluster, claim);
  return unlessHidden(wanted, async () =>
    findWay(cluster, await driverOf(cluster, claim, found), `The volume of claim ‘${claim}’`, wanted)
  );
}

/**
 * How a volume can be kept that a run is going to have; asked before it begins.
 * @throws PipelineError `remote` or `usage` with what to do
 */
export async function findWayOfClass(cluster: Cluster, storageClass?: string, wanted?: string): Promise<SnapshotWay> {
  return unlessHidden(wanted, async () => {
    const name = storageClass ?? (await findDefaultStorageClass(cluster));
    return findWay(cluster, await readDriver(cluster, name), `A volume of StorageClass ‘${name}’`, wanted);
  });
}

/** Who may not see the classes, which are the whole cluster's, may have snapshots all the same. */
async function unlessHidden(wanted: string | undefined, find: () => Promise<SnapshotWay>): Promise<SnapshotWay> {
  try {
    return await find();
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
    const message = `Whether the storage driver has snapshots can’t be told before they are taken: ${toPipelineError(error).message}`;
    return { how: 'snapshot', message, ...(wanted === undefined ? {} : { class: wanted }) };
  }
}

/**
 * See that a clone is made at once, and not when a pod comes to use it: by then the volume would not be what it was.
 * @throws PipelineError `remote`
 */
export async function checkClones({ storage }: Cluster, storageClass: string): Promise<void> {
  const found = await storage.readStorageClass({ name: storageClass }).catch(() => undefined); // it is tried as well
  if (found?.volumeBindingMode !== 'WaitForFirstConsumer') return;
  throw new PipelineError(
    `The StorageClass ‘${storageClass}’ makes a volume only when a pod needs it, so that no clone of it can stand for a snapshot. Set the notebook’s \`sluice.snapshots\` to ‘off’, or choose another class with SLUICE_STORAGE_CLASS.`,
    'remote'
  );
}

async function findWay(cluster: Cluster, driver: string, volume: string, wanted?: string): Promise<SnapshotWay> {
  const classes = await listSnapshotClasses(cluster);
  const chosen = classes && chooseClass(classes, driver, wanted);
  if (chosen !== undefined) return chosen;
  const why =
    classes === undefined
      ? 'The cluster has no VolumeSnapshots: their definitions (snapshot.storage.k8s.io/v1) are not installed'
      : `The driver ‘${driver}’ has no VolumeSnapshotClass`;
  return clone(cluster, volume, driver, why);
}

export interface SnapshotClass {
  readonly name: string;
  readonly driver: string;
  readonly isDefault: boolean;
}

/**
 * The class for volumes of this driver; undefined where it has none.
 * @throws PipelineError `usage` where one has to be named, or what was named does not fit
 */
export function chooseClass(
  classes: readonly SnapshotClass[],
  driver: string,
  wanted?: string
): SnapshotWay | undefined {
  const own = classes.filter(candidate => candidate.driver === driver);
  const names = (list: readonly SnapshotClass[]) => list.map(({ name }) => `‘${name}’`).join(', ');
  if (wanted !== undefined) {
    const named = classes.find(({ name }) => name === wanted);
    const others = own.length === 0 ? '' : ` There is ${names(own)}.`;
    if (named === undefined) throw new PipelineError(`There is no VolumeSnapshotClass ‘${wanted}’.${others}`, 'usage');
    if (named.driver !== driver)
      throw new PipelineError(
        `The VolumeSnapshotClass ‘${wanted}’ is for the driver ‘${named.driver}’, and the volume is of ‘${driver}’.${others}`,
        'usage'
      );
    return { how: 'snapshot', class: wanted };
  }
  const defaults = own.filter(({ isDefault }) => isDefault);
  const choice = defaults.length > 0 ? defaults : own;
  if (choice.length > 1)
    throw new PipelineError(
      `The driver ‘${driver}’ has several VolumeSnapshotClasses${defaults.length > 1 ? ' that are the default' : ', and none is the default'}: ${names(choice)}. Name one as the notebook’s \`sluice.snapshots.class\`.`,
      'usage'
    );
  return choice[0] === undefined ? undefined : { how: 'snapshot', class: choice[0].name };
}

/**
 * The class that a claim without a class gets.
 * @throws PipelineError `remote` where there is none, and such a claim would wait for ever
 */
export async function findDefaultStorageClass({ storage }: Cluster): Promise<string> {
  const { items } = await ask({ verb: 'list', resource: 'storageclasses.storage.k8s.io' }, () =>
    storage.listStorageClass()
  );
  const names = items.map(({ metadata }) => `‘${metadata!.name}’`).join(', ');
  const defaults = items.filter(({ metadata }) => metadata?.annotations?.[defaultStorageClass] === 'true');
  // as Kubernetes does: of several, the newest
  const newest = defaults.sort((a, b) => +b.metadata!.creationTimestamp! - +a.metadata!.creationTimestamp!)[0];
  if (newest !== undefined) return newest.metadata!.name!;
  throw new PipelineError(
    items.length === 0
      ? 'The cluster has no StorageClass, so that no volume can be made. Ask whoever runs it.'
      : `The cluster has no default StorageClass. Name one with SLUICE_STORAGE_CLASS: there is ${names}.`,
    'remote'
  );
}

async function driverOf(cluster: Cluster, claim: string, { spec, metadata }: V1PersistentVolumeClaim): Promise<string> {
  // written by the controller that provisions; needs no right to read classes
  const annotated = metadata?.annotations?.['volume.kubernetes.io/storage-provisioner'];
  if (annotated !== undefined) return annotated;
  const name = spec?.storageClassName ?? (await findDefaultStorageClass(cluster));
  if (name === '')
    throw new PipelineError(
      `The volume of claim ‘${claim}’ was made by hand: it has no StorageClass, and which driver could take its snapshot is unknown.`,
      'remote'
    );
  return readDriver(cluster, name);
}

async function readDriver({ storage }: Cluster, name: string): Promise<string> {
  const found = await maybeAsk({ verb: 'get', resource: 'storageclasses.storage.k8s.io', name }, () =>
    storage.readStorageClass({ name })
  );
  if (found !== undefined) return found.provisioner;
  throw new PipelineError(`There is no StorageClass ‘${name}’. \`kubectl get storageclass\` lists them.`, 'remote');
}

async function listSnapshotClasses({ custom }: Cluster): Promise<SnapshotClass[] | undefined> {
  const list = await maybeAsk({ verb: 'list', resource: `${api.plural}.${api.group}` }, () =>
    custom.listClusterCustomObject(api)
  );
  interface Item {
    readonly driver: string;
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  }
  return (list?.items as readonly Item[] | undefined)?.map(({ driver, metadata }) => ({
    ...{ name: metadata.name, driver },
    isDefault: metadata.annotations?.[defaultSnapshotClass] === 'true'
  }));
}

// That a driver can clone is written nowhere; that it is no CSI driver says that it cannot.
async function clone({ storage }: Cluster, volume: string, driver: string, why: string): Promise<SnapshotWay> {
  let isCsi = true;
  try {
    await storage.readCSIDriver({ name: driver });
  } catch (error) {
    if (isPassing(error)) throw error;
    isCsi = statusOf(error) !== 404;
  }
  if (isCsi) return { how: 'clone', why: `${why}.`, message: `${why}. ${volume} is cloned instead.` };
  throw new PipelineError(
    `${why}, and it is no CSI driver, so that it cannot clone volumes either. Set \`sluice.snapshots\` to ‘off’, or use a StorageClass whose driver has snapshots.`,
    'remote'
  );
}
