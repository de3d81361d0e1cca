// Looking whether all is as it was written: the records, the objects, what snapshots need, what runs left. What is found is named by
// what it means to the user: this file of that snapshot of that run, this step's artifact. Nothing is changed.
import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readContent } from '../cache/bundles.js';
import { toPipelineError } from '../errors.js';
import { layoutOf } from '../runners/layout.js';
import type { Store } from '../store.js';
import { readChunkIds } from './blob.js';
import { ObjectStore } from './objects.js';
import { inParallel } from './parallel.js';
import { listSnapshots, type StoredSnapshot } from './records.js';
import { StatIndex } from './stat-index.js';
import { walkTree, type TreeEntry } from './tree.js';
import { listObjects } from './walk.js';

export interface Damage {
  readonly what: 'records' | 'object' | 'snapshot' | 'artifact' | 'log' | 'index';
  readonly message: string;
  readonly run?: string;
  readonly step?: string;
  readonly snapshot?: string;
  /** in the snapshot, or of the file that is damaged */
  readonly path?: string;
  readonly object?: string;
}

export interface Verdict {
  readonly damages: readonly Damage[];
  readonly checked: {
    readonly runs: number;
    readonly snapshots: number;
    readonly objects: number;
    readonly bytes: number;
  };
  /** objects that nothing refers to, and unfinished files: no damage, `sluice gc` removes them; objects count only where nothing that lists others is damaged */
  readonly unneeded: number;
}

export async function check(store: Store): Promise<Verdict> {
  const objects = new ObjectStore(store.home);
  const { broken, stored, bytes } = await checkObjects(objects);
  const snapshots = listSnapshots(store.sql);
  const { damages: inSnapshots, needed, areAllKnown } = await checkSnapshots(store, objects, snapshots, broken);
  const unneededBroken = [...broken].filter(([id]) => !needed.has(id));
  const runs = store.list();
  const unfinished = await readdir(objects.unfinished).catch(() => []);
  return {
    damages: [
      ...checkRecords(store),
      ...inSnapshots,
      ...unneededBroken.map(([object, path]): Damage => {
        const whose = areAllKnown ? `; no snapshot needs it. Delete ‘${path}’` : `, wherever it belongs: ‘${path}’`;
        const message = `The object ${short(object)} is damaged${whose}.`;
        return { what: 'object', message, object, path };
      }),
      ...(await checkRuns(store)),
      ...(await checkIndexes(store.home))
    ],
    checked: { runs: runs.length, snapshots: snapshots.length, objects: stored.size, bytes },
    unneeded: (areAllKnown ? [...stored].filter(id => !needed.has(id)).length : 0) + unfinished.length
  };
}

function checkRecords({ sql, home }: Store): Damage[] {
  const lines = [
    ...sql.all('PRAGMA integrity_check').map(row => String(row.integrity_check)),
    ...sql.all('PRAGMA foreign_key_check').map(row => `a row of ${row.table} belongs to nothing in ${row.parent}`)
  ];
  return lines
    .filter(line => line !== 'ok')
    .map(line => ({ what: 'records', message: `The records in ‘${join(home, 'sluice.db')}’ are damaged: ${line}.` }));
}

/** Ids of the objects that are not what their names say, with their files. */
async function checkObjects(objects: ObjectStore) {
  const broken = new Map<string, string>();
  const stored = new Set<string>();
  let bytes = 0;
  await inParallel(listObjects(objects), 4, async ({ id, path }) => {
    stored.add(id);
    bytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (!(await objects.isWhole(id, path))) broken.set(id, path);
  });
  return { broken, stored, bytes };
}

interface Place {
  readonly snapshot: StoredSnapshot;
  readonly path: string;
}

async function checkSnapshots(
  store: Store,
  objects: ObjectStore,
  snapshots: readonly StoredSnapshot[],
  broken: ReadonlyMap<string, string>
): Promise<{
  readonly damages: readonly Damage[];
  readonly needed: ReadonlySet<string>;
  readonly areAllKnown: boolean;
}> {
  const needed = new Set<string>();
  let areAllKnown = true;
  /** by object: why, and the places that need it */
  const found = new Map<string, { readonly why: string; readonly places: Place[] }>();
  const blame = (object: string, why: string, place: Place) => {
    const known = found.get(object);
    if (known === undefined) found.set(object, { why, places: [place] });
    else known.places.push(place);
  };
  const problemOf = (id: string): string | undefined =>
    broken.has(id) ? 'is damaged' : objects.has(id) ? undefined : 'is missing';
  const whole = new Set<string>();
  for (const snapshot of snapshots) {
    const seen = new Set<string>();
    let isWhole = true;
    const need = (id: string, path: string): boolean => {
      needed.add(id);
      if (whole.has(id)) return true;
      const problem = problemOf(id);
      if (problem === undefined) return true;
      blame(id, problem, { snapshot, path });
      isWhole = false;
      return false;
    };
    await walkTree(objects, snapshot.tree, {
      folder(path, id) {
        const isThere = need(id, path);
        areAllKnown &&= isThere;
        if (!isThere || whole.has(id)) return false;
        seen.add(id);
        return true;
      },
      async entry(path, entry: TreeEntry) {
        if (entry.kind !== 'file') return;
        const isThere = need(entry.id, path);
        if (!entry.isChunked) return;
        areAllKnown &&= isThere;
        let isNamed = !isThere; // one damage of a file is enough
        for (const chunk of isThere ? await readChunkIds(objects, entry.id) : [])
          if (isNamed) needed.add(chunk);
          else isNamed = !need(chunk, path);
      },
      damaged(path, id, error) {
        isWhole = areAllKnown = false;
        blame(id, `can’t be read (${toPipelineError(error).message})`, { snapshot, path });
      }
    });
    if (isWhole) for (const id of seen) whole.add(id); // the next one shares most of it
  }
  const damages = [...found].map(([object, { why, places }]) => describe(store, object, why, places));
  return { damages, needed, areAllKnown };
}

function describe(store: Store, object: string, why: string, places: readonly Place[]): Damage {
  const oldest = places.at(-1)!;
  const { record } = oldest.snapshot;
  const others = new Set(places.map(place => place.snapshot.record.id)).size - 1;
  const what = oldest.path === '' ? 'All files' : `‘${oldest.path}’`;
  const more = others === 0 ? '' : `, and in ${others} later ${others === 1 ? 'snapshot' : 'snapshots'}`;
  return {
    what: 'snapshot',
    message: `${what} in snapshot ${record.id} (${ofRun(store, oldest.snapshot)})${more}: object ${short(object)} ${why}.`,
    ...{ snapshot: record.id, path: oldest.path, object },
    ...(record.run === undefined ? {} : { run: record.run }),
    ...(record.step === undefined ? {} : { step: record.step })
  };
}

function ofRun(store: Store, { record, notebook }: StoredSnapshot): string {
  const of = notebook === undefined ? '' : ` of ${notebook}`;
  if (record.run === undefined) return `before a restoration${of}`;
  const moment = record.step === undefined ? 'start' : `${record.moment} step ‘${record.step}’`;
  return `run ${store.read(record.run).number}${of}, ${moment}`;
}

/** What ended runs say that they have. */
async function checkRuns(store: Store): Promise<Damage[]> {
  const damages: Damage[] = [];
  for (const run of store.list()) {
    if (run.endedAt === undefined) continue;
    const place = (step: string) => `step ‘${step}’ of run ${run.number}`;
    for (const { step, name, path, sizeBytes, kind } of store.artifacts(run.id)) {
      const about = { what: 'artifact', run: run.id, step, path } as const;
      const stats = lstatSync(path, { throwIfNoEntry: false });
      const problem =
        stats === undefined
          ? 'is missing'
          : !stats.isDirectory() && stats.size !== sizeBytes
            ? `has ${stats.size} bytes instead of ${sizeBytes}`
            : kind === 'values' && (await readContent(path).catch(() => undefined)) === undefined
              ? 'is not what was written'
              : undefined;
      if (problem !== undefined)
        damages.push({
          ...about,
          message: `The artifact ‘${name}’ of ${place(step)} ${problem}: ‘${path}’. Run the step again.`
        });
    }
    const layout = layoutOf(store.home, run.id);
    for (const { name: step, state } of run.steps) {
      const path = layout.outputFile(step);
      if ((state === 'succeeded' || state === 'cached') && lstatSync(path, { throwIfNoEntry: false }) === undefined)
        damages.push({
          what: 'artifact',
          run: run.id,
          step,
          path,
          message: `What ${place(step)} gave is missing: ‘${path}’.`
        });
    }
    for (const row of store.sql.all('SELECT step, path, size_bytes FROM logs WHERE run = ?', run.id)) {
      const { step, path, size_bytes: sizeBytes } = row as { step: string; path: string; size_bytes: number };
      const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? (sizeBytes === 0 ? 0 : undefined);
      if (size === undefined || size < sizeBytes)
        damages.push({
          ...{ what: 'log', run: run.id, step, path },
          message: `The log of ${place(step)} ${size === undefined ? 'is missing' : `has lost ${sizeBytes - size} bytes`}: ‘${path}’.`
        });
    }
  }
  return damages;
}

async function checkIndexes(home: string): Promise<Damage[]> {
  const folder = join(home, 'index');
  const names = (await readdir(folder).catch(() => [])).filter(name => /^[0-9a-f]{24}$/.test(name));
  return names
    .map(name => join(folder, name))
    .filter(path => !StatIndex.isWhole(path))
    .map(path => ({
      ...{ what: 'index', path },
      message: `‘${path}’, which tells what has not changed since the last run, is damaged. Delete it; the next run writes it anew.`
    }));
}

const short = (id: string) => id.slice(0, 12);
