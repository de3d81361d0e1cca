// How a run keeps its volumes as they were around its steps, found out before it begins: by snapshots, by clones where the driver has none,
// or not at all, which is said then and not in the middle of the run.
import type { AccessMode, CloneSpec, Plan, SnapshotOptions, WorkspaceVolume } from '@sluice/core';
import { claimsOf, parallelSteps } from '@sluice/core';
import type { readIr } from '@sluice/core/ir/read';
import { statusOf, type Cluster } from '../kubernetes/access.js';
import { checkClone } from '../kubernetes/clones.js';
import type { ClusterSettings } from '../kubernetes/settings.js';
import {
  checkClones,
  findDefaultStorageClass,
  findSnapshotWay,
  findWayOfClass,
  type SnapshotWay
} from '../kubernetes/storage.js';
import { readClaim, toSharing } from '../kubernetes/volumes.js';

type Ir = ReturnType<typeof readIr>;

/** What the run's own volume is made like. */
export interface VolumeSpec {
  readonly size: string;
  /** undefined: the cluster's default */
  readonly storageClass?: string;
  readonly accessModes: readonly AccessMode[];
}

export interface Keeping {
  readonly volume: VolumeSpec;
  /** of the run's own volume */
  readonly own: Omit<SnapshotOptions, 'claim'>;
  /** of those that steps mount */
  readonly others: readonly SnapshotOptions[];
  /** how the volume is copied that the notebook's folder is on */
  readonly copy?: SnapshotWay;
  /** how the steps' pods may have all of these volumes at once */
  readonly accessMode: AccessMode;
  /** for the user: where it is not what was asked for, or where it has a price */
  readonly messages: readonly string[];
}

export interface KeepingOf {
  readonly ir: Ir;
  readonly plan: Plan;
  /** names of the steps to execute */
  readonly execute: ReadonlySet<string>;
  readonly settings: ClusterSettings;
  readonly workspace?: WorkspaceVolume;
}

/** @throws PipelineError with what stands in the way: a claim that is not there, a driver that can't, a class that has to be named */
export async function findKeeping(
  cluster: Cluster,
  { ir, plan, execute, settings, workspace }: KeepingOf
): Promise<Keeping> {
  const volume = await findVolume(cluster, settings, workspace);
  const { policy = 'off', class: wanted, clone = false } = plan.workspace.snapshots ?? {};
  const messages: string[] = [];
  const find = async (work: () => Promise<SnapshotWay>): Promise<SnapshotWay> => {
    const way: SnapshotWay = clone ? { how: 'clone' } : await work();
    if (way.message !== undefined) messages.push(way.message);
    return way;
  };
  const copy = workspace && (await find(() => findSnapshotWay(cluster, workspace.claim, wanted)));
  const way =
    policy === 'off' ? undefined : (copy ?? (await find(() => findWayOfClass(cluster, volume.storageClass, wanted))));
  const others = await Promise.all(
    Object.entries(plan.workspace.kept ?? {}).map(async ([claim, policy]): Promise<SnapshotOptions> => {
      const of = toSpec(await readClaim(cluster, claim));
      const kept = await toKept(cluster, await find(() => findSnapshotWay(cluster, claim)), of);
      if (kept.clone !== undefined) await checkClone(cluster, { ...kept.clone, claim, cure: withoutKeeping(claim) });
      return { claim, policy, ...kept };
    })
  );
  const sharing = await findSharing(cluster, { ir, plan, execute }, volume);
  return {
    volume,
    own: { policy, ...(way && (await toKept(cluster, way, volume))) },
    others,
    ...(copy && { copy }),
    accessMode: sharing.accessMode,
    messages: [...messages, ...sharing.messages]
  };
}

/** For the user: what to do where a volume that steps mount can't be kept. */
export const withoutKeeping = (claim: string): string =>
  `Take ‘snapshot’ from the volume ‘${claim}’ in the notebook’s settings, or use a volume whose StorageClass has snapshots.`;

/** As what is asked of Argo, and of a clone whether it can be made. */
export async function toKept(
  cluster: Cluster,
  way: SnapshotWay,
  volume: VolumeSpec
): Promise<{ readonly class?: string; readonly clone?: CloneSpec }> {
  if (way.how === 'snapshot') return way.class === undefined ? {} : { class: way.class };
  const storageClass = volume.storageClass ?? (await findDefaultStorageClass(cluster).catch(() => undefined));
  if (storageClass !== undefined) await checkClones(cluster, storageClass);
  return { clone: { ...volume, ...(storageClass === undefined ? {} : { storageClass }) } };
}

/** A copy is made like what it is a copy of, whatever the settings say: drivers copy within a class only. */
export async function findVolume(
  cluster: Cluster,
  settings: ClusterSettings,
  workspace?: WorkspaceVolume
): Promise<VolumeSpec> {
  const { storageClass, accessMode } = settings;
  if (workspace === undefined) {
    if (storageClass === undefined) await checkDefaultClass(cluster);
    return ofSettings(settings);
  }
  const spec = toSpec(await readClaim(cluster, workspace.claim));
  return accessMode === undefined ? spec : { ...spec, accessModes: [accessMode] };
}

/** A claim without a class would wait for ever where there is no default; who may not see the classes finds out then. */
async function checkDefaultClass(cluster: Cluster): Promise<void> {
  try {
    await findDefaultStorageClass(cluster);
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
  }
}

/** What the settings say of a volume, and what is usual where they say nothing. */
export function ofSettings({ size = '10Gi', storageClass, accessMode = 'ReadWriteOnce' }: ClusterSettings): VolumeSpec {
  return { size, accessModes: [accessMode], ...(storageClass === undefined ? {} : { storageClass }) };
}

type Claim = Awaited<ReturnType<typeof readClaim>>;

export function toSpec({ spec, status }: Claim): VolumeSpec {
  const size = status?.capacity?.storage ?? spec?.resources?.requests?.storage ?? '10Gi';
  const accessModes = (spec?.accessModes ?? ['ReadWriteOnce']) as AccessMode[];
  return { size, accessModes, ...(spec?.storageClassName ? { storageClass: spec.storageClassName } : {}) };
}

/** The strictest of all volumes' access modes counts for all steps. */
async function findSharing(
  cluster: Cluster,
  { ir, plan, execute }: Pick<KeepingOf, 'ir' | 'plan' | 'execute'>,
  { accessModes }: VolumeSpec
): Promise<{ readonly accessMode: AccessMode; readonly messages: readonly string[] }> {
  const claims = await Promise.all(
    [...claimsOf(ir, plan)].map(async ([claim, steps]) => {
      const { accessModes } = toSpec(await readClaim(cluster, claim));
      const parallel = parallelSteps(
        plan,
        steps.filter(step => execute.has(step))
      );
      return { claim, accessModes, parallel };
    })
  );
  const sharings = [
    toSharing('of the run', accessModes, parallelSteps(plan, [...execute])),
    // whose steps wait for each other anyway
    ...claims
      .filter(({ parallel }) => parallel.length > 0)
      .map(({ claim, accessModes, parallel }) => toSharing(`of claim ‘${claim}’`, accessModes, parallel))
  ];
  const found = new Set(sharings.map(({ together }) => together));
  return {
    accessMode: found.has('one at a time')
      ? 'ReadWriteOncePod'
      : found.has('on one node')
        ? 'ReadWriteOnce'
        : 'ReadWriteMany',
    messages: sharings.flatMap(({ message }) => message ?? [])
  };
}
