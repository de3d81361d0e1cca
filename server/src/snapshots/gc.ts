// Collecting what nobody needs any more: runs that the user gives up, objects that no snapshot refers to, what killed processes left behind.
// A snapshot may be taken meanwhile by another process: what it needs, it has touched after we began (objects.ts, records.ts), and nothing
// that young is removed.
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endedStates, type RunSummary } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { runFolder } from '../home.js';
import type { Store } from '../store.js';
import { ObjectStore } from './objects.js';
import { inParallel } from './parallel.js';
import { listObjects, markSnapshot } from './walk.js';

export interface Collecting {
  /** keep so many of each notebook's runs, the newest; and so many of its snapshots before restorations */
  readonly keep?: number;
  /** give up runs that ended, and snapshots before restorations that were taken, before this time */
  readonly before?: number;
  /** only say what would go */
  readonly isDry?: boolean;
}

export interface Collected {
  readonly runs: readonly RunSummary[];
  /** snapshots before restorations */
  readonly snapshots: number;
  readonly objects: Freed;
  /** spare copies of folders, and what killed processes left */
  readonly leftovers: Freed;
  readonly freedBytes: number;
  /** why runs that should go are kept */
  readonly kept?: string;
}

interface Freed {
  readonly count: number;
  readonly bytes: number;
}

/** between touching an object and referring to it */
const graceMs = 3_600_000;
/** where no run goes on, only a restoration could be at work */
const shortGraceMs = 60_000;
const spareMs = 7 * 86_400_000;

/** @throws PipelineError `damaged` when a snapshot can't be read to its end: what it needs is not known then */
export async function collect(store: Store, { keep, before, isDry = false }: Collecting): Promise<Collected> {
  const objects = new ObjectStore(store.home);
  store.endOrphans();
  const { runs, snapshots, hasOpen } = giveUp(store, { keep, before, isDry });
  const kept = runs.length > 0 && hasOpen ? 'Runs are removed when no run goes on.' : undefined;
  const gone = kept === undefined ? runs : [];
  const limit = Date.now() - (hasOpen ? graceMs : shortGraceMs);
  const needed = await mark(store, objects, { runs: new Set(gone.map(run => run.id)), snapshots: new Set(snapshots) });
  const folders = await findFolders(store, gone, limit);
  const swept = await sweep(objects, needed, limit, isDry);
  const leftovers = await findLeftovers(store.home, objects, limit);
  const leftoverBytes = sum(leftovers.map(sizeOf));
  const folderBytes = sum(folders.map(sizeOf));
  if (!isDry) for (const path of [...folders, ...leftovers]) await rm(path, { recursive: true, force: true });
  return {
    ...{ runs: gone, snapshots: snapshots.length, objects: swept },
    leftovers: { count: leftovers.length, bytes: leftoverBytes },
    freedBytes: swept.bytes + leftoverBytes + folderBytes,
    ...(kept === undefined ? {} : { kept })
  };
}

/** Remove the records, in one step with telling the others that objects are about to go; unless it is a rehearsal. */
function giveUp(store: Store, { keep, before, isDry }: Collecting) {
  return store.sql.transaction(() => {
    const all = store.list();
    const hasOpen = all.some(run => !endedStates.has(run.state));
    const runs =
      keep === undefined && before === undefined ? [] : all.filter(isOld({ keep, before }, run => run.endedAt));
    const safeties = store.sql.all(`SELECT id, notebook, at FROM snapshots WHERE run IS NULL ORDER BY rowid DESC`) as {
      readonly id: string;
      readonly notebook: string | null;
      readonly at: number;
    }[];
    const snapshots = (
      keep === undefined && before === undefined ? [] : safeties.filter(isOld({ keep, before }, s => s.at))
    ).map(snapshot => snapshot.id);
    if (!isDry) {
      if (!hasOpen) for (const { id } of runs) store.sql.run('DELETE FROM runs WHERE id = ?', id);
      for (const id of snapshots) store.sql.run('DELETE FROM snapshots WHERE id = ?', id);
      store.sql.run('UPDATE collections SET number = number + 1');
    }
    return { runs, snapshots, hasOpen };
  });
}

/** Of things newest first: those beyond the number to keep of their notebook, and those from before the time. Where both are given, both must hold. */
function isOld<T extends { readonly notebook?: string | null }>(
  { keep = 0, before = Infinity }: Collecting,
  timeOf: (thing: T) => number | undefined
): (thing: T) => boolean {
  const seen = new Map<string, number>();
  return thing => {
    const name = thing.notebook ?? '';
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const at = timeOf(thing);
    return at !== undefined && at < before && count > keep;
  };
}

async function mark(
  store: Store,
  objects: ObjectStore,
  without: { readonly runs: ReadonlySet<string>; readonly snapshots: ReadonlySet<string> }
): Promise<Set<string>> {
  const needed = new Set<string>();
  for (const { id, run, tree } of store.sql.all('SELECT id, run, tree FROM snapshots')) {
    if (without.runs.has(run as string) || without.snapshots.has(id as string)) continue;
    try {
      await markSnapshot(objects, tree as string, needed);
    } catch (cause) {
      throw new PipelineError(
        `Snapshot ${id} is damaged, so what it needs is not known, and no object was removed. \`sluice fsck\` names the damage.`,
        'damaged',
        { cause }
      );
    }
  }
  return needed;
}

async function sweep(objects: ObjectStore, needed: ReadonlySet<string>, limit: number, isDry: boolean): Promise<Freed> {
  let [count, bytes] = [0, 0];
  await inParallel(listObjects(objects), 8, async ({ id, path }) => {
    if (needed.has(id)) return;
    const stats = statOf(path);
    if (stats === undefined || stats.mtimeMs >= limit) return;
    if (!isDry && !(await removeOld(path, join(objects.unfinished, `gone-${id}`), limit))) return;
    count++;
    bytes += stats.size;
  });
  return { count, bytes };
}

/** Who touches the object before it is moved makes it young again, and it is put back; who does so afterwards finds none, and writes it. */
async function removeOld(path: string, aside: string, limit: number): Promise<boolean> {
  await rename(path, aside);
  if (statOf(aside)!.mtimeMs >= limit) {
    await rename(aside, path);
    return false;
  }
  await rm(aside, { force: true });
  return true;
}

/** Folders of the runs that go, and of those that went without their folder. */
async function findFolders(store: Store, gone: readonly RunSummary[], limit: number): Promise<string[]> {
  const known = new Set(store.sql.all('SELECT id FROM runs').map(row => row.id as string));
  for (const { id } of gone) known.delete(id);
  const folders = await readdir(join(store.home, 'runs')).catch(() => []);
  const isGone = new Set(gone.map(run => run.id));
  return folders
    .filter(id => !known.has(id) && (isGone.has(id) || isOlder(runFolder(store.home, id), limit)))
    .map(id => runFolder(store.home, id));
}

async function findLeftovers(home: string, objects: ObjectStore, limit: number): Promise<string[]> {
  const list = async (folder: string, limit: number) =>
    (await readdir(folder).catch(() => [])).map(name => join(folder, name)).filter(path => isOlder(path, limit));
  return [...(await list(objects.unfinished, limit)), ...(await list(join(home, 'spare'), Date.now() - spareMs))];
}

const isOlder = (path: string, limit: number) => (statOf(path)?.mtimeMs ?? Infinity) < limit;

const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/** What removing it frees: a file that has another name stays. */
function sizeOf(path: string): number {
  const stats = statOf(path);
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.nlink > 1 ? 0 : stats.size;
  return sum(readdirSync(path).map(name => sizeOf(join(path, name))));
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
