// The snapshots of volumes that a run left on its cluster, as the panel asks for them: listed, compared, and made a volume again. The record says
// where that cluster is; what is done there is what `sluice cluster snapshots` does.
import { existsSync, readFileSync } from 'node:fs';
import type { RestoredVolume, RunSummary, SnapshotDiff, VolumeSnapshotInfo } from '@sluice/core';
import { PipelineError } from './errors.js';
import type { Cluster } from './kubernetes/access.js';
import { defaultImage } from './pipelines.js';
import { layoutOf } from './runners/layout.js';
import { readPlan } from './runners/plans.js';
import type { Store } from './store.js';

export interface VolumeSnapshotOptions {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
}

/** Oldest first. Where the record does not say in which cluster, there are none to be told of. */
export async function listOfRun(run: string, { store, env }: VolumeSnapshotOptions): Promise<VolumeSnapshotInfo[]> {
  const record = store.read(run);
  if (record.remote?.place.context === undefined) return [];
  const { listSnapshots } = await import('./kubernetes/snapshots.js');
  return listSnapshots(await openClusterOf(record, env), { run: record.id });
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

async function openClusterOf({ number, remote }: RunSummary, env: NodeJS.ProcessEnv): Promise<Cluster> {
  if (remote?.place.context === undefined)
    throw new PipelineError(`Run ${number} has no snapshots of volumes: its record names no cluster.`, 'not-found');
  const { openCluster } = await import('./kubernetes/access.js');
  return openCluster(remote.place, env);
}

/** One that the cluster could pull when the run's steps ran. */
async function imageOf({ id }: RunSummary, { home }: Store): Promise<string | undefined> {
  const { ir } = layoutOf(home, id);
  if (!existsSync(ir)) return undefined;
  const { tasks } = await readPlan(readFileSync(ir, 'utf8'));
  return tasks[0]?.image || undefined;
}
