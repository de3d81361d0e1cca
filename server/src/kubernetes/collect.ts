// Which of our snapshots in a cluster are not needed any more, and their removal. What is not labelled as ours is never looked at.
import { type Cluster } from './access.js';
import type { Belonging } from './labels.js';
import { listSnapshots, removeSnapshot, type VolumeSnapshot } from './snapshots.js';

export interface Retention {
  /** how many of a notebook's last runs keep theirs */
  readonly keepRuns?: number;
  /** only what is older goes */
  readonly olderThanMs?: number;
  /** runs that go on */
  readonly active?: ReadonlySet<string>;
}

/** Nothing is chosen by a retention that says nothing. */
export function chooseExpired(
  snapshots: readonly VolumeSnapshot[],
  { keepRuns, olderThanMs, active = new Set() }: Retention,
  now: number
): VolumeSnapshot[] {
  if (keepRuns === undefined && olderThanMs === undefined) return [];
  const kept = keepRuns === undefined ? new Set<string>() : lastRuns(snapshots, keepRuns);
  return snapshots.filter(
    ({ run, at }) =>
      !(run !== undefined && (kept.has(run) || active.has(run))) &&
      // what belongs to no run was taken by hand, and goes by its age alone
      (run !== undefined || olderThanMs !== undefined) &&
      (olderThanMs === undefined || now - at > olderThanMs)
  );
}

export interface Collection {
  readonly removed: readonly VolumeSnapshot[];
  readonly kept: number;
}

/** Remove what has expired; with `isDryRun` only say what it would be. */
export async function collectSnapshots(
  cluster: Cluster,
  belonging: Belonging,
  retention: Retention,
  { now, isDryRun }: { readonly now: number; readonly isDryRun: boolean }
): Promise<Collection> {
  const snapshots = await listSnapshots(cluster, belonging);
  const removed = chooseExpired(snapshots, retention, now);
  if (!isDryRun) await inParallel(removed, 8, snapshot => removeSnapshot(cluster, snapshot));
  return { removed, kept: snapshots.length - removed.length };
}

/** For each notebook the runs whose first snapshots are the newest. */
function lastRuns(snapshots: readonly VolumeSnapshot[], count: number): Set<string> {
  const began = new Map<string, { readonly notebook: string; readonly at: number }>();
  for (const { run, notebook = '', at } of snapshots)
    if (run !== undefined && at < (began.get(run)?.at ?? Infinity)) began.set(run, { notebook, at });
  const newest = [...began].sort(([, a], [, b]) => b.at - a.at);
  const counts = new Map<string, number>();
  const isAmongLast = ({ notebook }: { readonly notebook: string }) => {
    const place = counts.get(notebook) ?? 0;
    counts.set(notebook, place + 1);
    return place < count;
  };
  return new Set(newest.filter(([, run]) => isAmongLast(run)).map(([run]) => run));
}

async function inParallel<T>(items: readonly T[], count: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (const item of left) await work(item);
    })
  );
}
