// Which snapshots there are: of which run and step, which notebook, which folder. What they hold is in the object store.
import { randomBytes } from 'node:crypto';
import type { SnapshotRecord } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { Sql } from '../database.js';
import type { Row } from '../rows.js';
import type { Store } from '../store.js';
import type { ObjectStore } from './objects.js';
import type { Taken } from './take.js';
import { measure } from './tree.js';
import { markSnapshot } from './walk.js';

export interface StoredSnapshot {
  readonly record: SnapshotRecord;
  /** id of the object */
  readonly tree: string;
  /** the folder of the user's that it shows, or of which it shows the copy */
  readonly base: string;
  /** as runs have it */
  readonly notebook?: string;
}

export interface NewSnapshot extends Pick<SnapshotRecord, 'run' | 'step' | 'moment'> {
  readonly base: string;
  readonly notebook?: string;
}

/**
 * Write down that there is this snapshot, whose objects are in the store; of a run's, an event tells.
 * @throws PipelineError `damaged` when objects were collected in between and it is not whole any more
 */
export async function addSnapshot(
  store: Store,
  objects: ObjectStore,
  taken: Taken,
  { base, notebook, run, step, moment }: NewSnapshot
): Promise<SnapshotRecord> {
  const { sql } = store;
  for (let collection = taken.collection; ;) {
    if (collection !== collections(sql)) {
      collection = collections(sql);
      await touchTree(objects, taken.id);
    }
    const record = sql.transaction(() => {
      if (collection !== collections(sql)) return undefined;
      const record: SnapshotRecord = {
        ...{ id: newId(sql), moment, at: Date.now(), ...measure(taken.tree) },
        ...(run === undefined ? {} : { run }),
        ...(step === undefined ? {} : { step })
      };
      sql.run(
        'INSERT INTO snapshots (id, run, notebook, moment, step, at, files, bytes, tree, base) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[record.id, run ?? null, notebook ?? null, moment, step ?? null, record.at, record.files, record.bytes],
        ...[taken.id, base]
      );
      if (run !== undefined) store.append(run, { type: 'snapshot', snapshot: record });
      return record;
    });
    if (record !== undefined) return record;
  }
}

/** How often objects were collected so far: what nothing referred to may be gone since. */
export function collections(sql: Sql): number {
  return sql.get('SELECT number FROM collections')!.number as number;
}

/** Oldest first. */
export function snapshotsOfRun(sql: Sql, run: string): SnapshotRecord[] {
  return sql.all('SELECT * FROM snapshots WHERE run = ? ORDER BY rowid', run).map(row => toStored(row).record);
}

/** Newest first; all, or one notebook's. */
export function listSnapshots(sql: Sql, notebook?: string, limit = -1): StoredSnapshot[] {
  return sql
    .all(
      'SELECT * FROM snapshots WHERE ?1 IS NULL OR notebook = ?1 ORDER BY rowid DESC LIMIT ?2',
      notebook ?? null,
      limit
    )
    .map(toStored);
}

/**
 * The snapshot that a person means by an id or the unique beginning of one.
 * @throws PipelineError `not-found`
 */
export function findSnapshot(sql: Sql, name: string): StoredSnapshot {
  const rows = sql.all('SELECT * FROM snapshots WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2', name);
  const [first, second] = name === '' ? [] : rows;
  if (second !== undefined)
    throw new PipelineError(
      `‘${name}’ may be snapshot ${first!.id} or ${second.id}. Write more of its id.`,
      'not-found'
    );
  if (first === undefined)
    throw new PipelineError(`There is no snapshot ‘${name}’. \`sluice snapshots\` lists them.`, 'not-found');
  return toStored(first);
}

/** @throws PipelineError `damaged` */
async function touchTree(objects: ObjectStore, id: string): Promise<void> {
  const needed = new Set<string>();
  await markSnapshot(objects, id, needed);
  for (const id of needed)
    if (!objects.touch(id))
      throw new PipelineError(`The object ${id.slice(0, 12)} of a snapshot is missing.`, 'damaged');
}

function newId(sql: Sql): string {
  for (;;) {
    const id = randomBytes(5).toString('hex');
    if (sql.get('SELECT 1 FROM snapshots WHERE id = ?', id) === undefined) return id;
  }
}

function toStored(row: Row): StoredSnapshot {
  const record = {
    id: row.id as string,
    moment: row.moment as SnapshotRecord['moment'],
    ...(row.run === null ? {} : { run: row.run as string }),
    ...(row.step === null ? {} : { step: row.step as string }),
    at: row.at as number,
    files: row.files as number,
    bytes: row.bytes as number
  };
  const notebook = row.notebook === null ? {} : { notebook: row.notebook as string };
  return { record, tree: row.tree as string, base: row.base as string, ...notebook };
}
