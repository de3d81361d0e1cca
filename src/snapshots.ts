// The snapshots of a run as people think of them: the folder at the start, and what each step made of it.
import { runFolder, type RemoteRecord, type SnapshotDiff, type SnapshotRecord } from '@sluice/core';

export interface Moment {
  readonly snapshot: SnapshotRecord;
  readonly when: 'start' | 'before' | 'after';
  /** the step before or after which it was */
  readonly step?: string;
  /** what to compare it with: the folder before the step */
  readonly earlier?: SnapshotRecord;
}

/** In time's order. A snapshot before a step is there to compare with; it stands for itself where the step did not come to its end. */
export function toMoments(oldestFirst: readonly SnapshotRecord[]): readonly Moment[] {
  const moments: Moment[] = [];
  oldestFirst.forEach((snapshot, index) => {
    const { moment, step } = snapshot;
    const isStep = (other: SnapshotRecord): boolean => other.step === step;
    if (moment === 'start') moments.push({ snapshot, when: 'start' });
    if (step === undefined) return;
    if (moment === 'before' && !oldestFirst.slice(index + 1).some(isStep))
      moments.push({ snapshot, when: 'before', step });
    if (moment !== 'after') return;
    const newestFirst = oldestFirst.slice(0, index).reverse();
    const earlier =
      newestFirst.find(other => other.moment === 'before' && isStep(other)) ??
      newestFirst.find(other => other.moment !== 'safety');
    moments.push({ snapshot, when: 'after', step, ...(earlier === undefined ? {} : { earlier }) });
  });
  return moments;
}

export type ChangeKind = keyof SnapshotDiff;

export interface Change {
  readonly path: string;
  readonly kind: ChangeKind;
}

/** By path, so that what a folder holds stands together. */
export function listChanges({ added, changed, removed }: SnapshotDiff): readonly Change[] {
  const changes: Change[] = [
    ...added.map(path => ({ path, kind: 'added' as const })),
    ...changed.map(path => ({ path, kind: 'changed' as const })),
    ...removed.map(path => ({ path, kind: 'removed' as const }))
  ];
  return changes.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

export interface VolumeDiff {
  readonly files: SnapshotDiff;
  /** files of the run's own that differ as well: values, executed notebooks, packages */
  readonly runFiles: number;
}

/**
 * What differs on a run's own volume, seen from the notebook: what Sluice keeps there for the run is counted alone. `remote` is the run's;
 * undefined for another volume, which has nothing of Sluice.
 */
export function divideDiff(diff: SnapshotDiff, remote: RemoteRecord | undefined): VolumeDiff {
  const isCopy = remote?.place['workspace'] !== undefined; // of the volume that the notebook's folder is on
  const isFile = (path: string): boolean =>
    remote === undefined || (isCopy ? !path.startsWith(`${runFolder}/`) : /^(workspace|files)\//.test(path));
  const toFiles = (paths: readonly string[]): readonly string[] =>
    paths.filter(isFile).map(path => (remote && !isCopy ? path.replace(/^workspace\//, '') : path));
  const files = { added: toFiles(diff.added), changed: toFiles(diff.changed), removed: toFiles(diff.removed) };
  return { files, runFiles: listChanges(diff).length - listChanges(files).length };
}
