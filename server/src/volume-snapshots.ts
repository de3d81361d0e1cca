// The snapshots of volumes that a run left on its cluster, as the panel asks for them: listed, compared, and made a volume again. The record says
// where that cluster is; what is done there is what `sluice cluster snapshots` does.
import { existsSync, readFileSync } from 'node:fs';
import {
  findKept,
  type Plan,
  type RestoredVolume,
  type RunSummary,
  type SnapshotDiff,
  type VolumeSnapshotInfo
} from '@sluice/core';
import { PipelineError } from './errors.js';
import { readOwnCluster, unknownCluster } from './kfp/own-cluster.js';
import type { Cluster, openCluster as OpenCluster } from './kubernetes/access.js';
import { defaultImage } from './pipelines.js';
import { labelOf } from './runners/found.js';
import { layoutOf } from './runners/layout.js';
import { readPlan } from './runners/plans.js';
import type { Store } from './store.js';

export interface VolumeSnapshotOptions {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Oldest first.
 * @throws PipelineError where there should be some, and nobody has said in which cluster
 */
export async function listOfRun(run: string, { store, env }: VolumeSnapshotOptions): Promise<VolumeSnapshotInfo[]> {
  const record = store.read(run);
  const isKnown = placeOf(record, env) !== undefined;
  if (!isKnown && (record.remote === undefined || !(await keepsVolumes(record, store)))) return [];
  const { listSnapshots } = await import('./kubernetes/snapshots.js');
  return listSnapshots(await openClusterOf(record, env), { run: labelOf(record) });
}

async function keepsVolumes(record: RunSummary, store: Store): Promise<boolean> {
  const workspace = (await planOf(record, store))?.workspace;
  return workspace !== undefined && findKept(workspace).length > 0;
}

/** What takes some time on a cluster. */
export interface VolumeWork {
  /** what it is at */
  readonly notice: (text: string) => void;
  /** ends it, and nothing stays behind */
  readonly signal?: AbortSignal;
}

/** Which files differ; this takes a pod, and the time that one needs. */
export async function compareOfRun(
  run: string,
  [before, after]: readonly [string, string],
  work: VolumeWork,
  { store, env }: VolumeSnapshotOptions
): Promise<SnapshotDiff> {
  const record = store.read(run);
  const { compareSnapshots } = await import('./kubernetes/contents.js');
  const image = env.SLUICE_IMAGE ?? (await imageOf(record, store)) ?? defaultImage;
  return compareSnapshots(await openClusterOf(record, env), before, after, { image, ...work });
}

/** A new claim `to` whose volume holds what the snapshot holds. */
export async function restoreOfRun(
  run: string,
  { snapshot, to }: { readonly snapshot: string; readonly to: string },
  { notice }: VolumeWork,
  { store, env }: VolumeSnapshotOptions
): Promise<RestoredVolume> {
  const cluster = await openClusterOf(store.read(run), env);
  const { restoreSnapshot } = await import('./kubernetes/snapshots.js');
  notice(`Making the volume ‘${to}’ in namespace ‘${cluster.namespace}’.`);
  await restoreSnapshot(cluster, snapshot, { name: to });
  return { claim: to, snapshot, namespace: cluster.namespace };
}

async function openClusterOf(record: RunSummary, env: NodeJS.ProcessEnv): Promise<Cluster> {
  const place = placeOf(record, env);
  const { number, remote } = record;
  if (place === undefined)
    throw new PipelineError(
      remote === undefined
        ? `Run ${number} has no snapshots of volumes: its record names no cluster.`
        : `The snapshots of run ${number} can’t be listed: ${unknownCluster}`,
      'not-found'
    );
  const { openCluster } = await import('./kubernetes/access.js');
  return openCluster(place, env);
}

/** Of its cluster, as the record has it; of a Kubeflow that has a URL, as the user has named it since. */
function placeOf({ remote }: RunSummary, env: NodeJS.ProcessEnv): ClusterPlace | undefined {
  if (remote === undefined) return undefined;
  const { place } = remote;
  const own = readOwnCluster(place);
  if (own !== undefined) return own;
  if (place.url === undefined) return place.context === undefined ? undefined : place;
  const { SLUICE_CONTEXT: context, SLUICE_NAMESPACE: named } = env;
  const namespace = place.namespace ?? named;
  return context || named ? { ...(context && { context }), ...(namespace && { namespace }) } : undefined;
}

type ClusterPlace = Parameters<typeof OpenCluster>[0];

/** An image that the cluster could pull when the run's steps ran. */
async function imageOf(record: RunSummary, store: Store): Promise<string | undefined> {
  return (await planOf(record, store))?.tasks[0]?.image || undefined;
}

async function planOf({ id }: RunSummary, { home }: Store): Promise<Plan | undefined> {
  const { ir } = layoutOf(home, id);
  return existsSync(ir) ? readPlan(readFileSync(ir, 'utf8')) : undefined;
}
