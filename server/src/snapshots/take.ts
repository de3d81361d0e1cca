// Taking a snapshot: what the stat index knows is not read again; the rest is hashed and stored.
import type { BigIntStats } from 'node:fs';
import type { Entry } from '../scan.js';
import { readBlob, readChunkIds } from './blob.js';
import { at, readLink } from './names.js';
import type { ObjectBatch, ObjectStore } from './objects.js';
import { inParallel } from './parallel.js';
import type { StatIndex } from './stat-index.js';
import { writeTree, type FileEntry, type Tree, type TreeEntry } from './tree.js';

export interface Taken {
  /** id of the topmost object */
  readonly id: string;
  readonly tree: Tree;
  /** how often objects had been collected when its objects were there for sure */
  readonly collection: number;
}

/** contents that are read at a time: many small ones, or few large ones, for their memory */
const smallBytes = 1 << 20;

/**
 * Store what is in `base`, as far as a scan found it, and write down in the index what was found. It is safe on the disk when this resolves.
 * `collection` counts the times that objects were collected; see gc.ts.
 */
export async function takeSnapshot(
  store: ObjectStore,
  base: string,
  entries: readonly Entry[],
  index: StatIndex,
  collection: number
): Promise<Taken> {
  const batch = store.batch();
  try {
    const isBacked = index.collection === collection;
    const before = isBacked ? index.tree : undefined;
    const { tree, isNew } = await identify(base, entries, index, batch, isBacked ? undefined : store);
    const id = before !== undefined && !isNew ? before : await writeTree(tree, batch);
    await batch.commit();
    index.collection = collection;
    index.tree = id;
    return { id, tree, collection };
  } catch (error) {
    await batch.abandon();
    throw error;
  }
}

/**
 * What is in `base`, by content. Contents go to the batch, and what they are to the index; without a batch the index learns nothing, as it
 * knows only what is stored. Contents that it knows are looked for in `verify`.
 */
export async function identify(
  base: string,
  entries: readonly Entry[],
  index: StatIndex,
  batch?: ObjectBatch,
  verify?: ObjectStore
): Promise<{ readonly tree: Tree; readonly isNew: boolean }> {
  const tree = new Map<string, TreeEntry>();
  const unknown: Entry[] = [];
  let isNew = false;
  for (const entry of entries) {
    const known = index.find(entry.path, entry.stats);
    const isThere =
      known !== undefined && (verify === undefined || known.kind !== 'file' || (await touch(verify, known)));
    tree.set(entry.path, known ?? { kind: 'unreadable' }); // in the scan's order; what is unknown follows
    if (!isThere) unknown.push(entry);
  }
  const read = async (entry: Entry) => {
    const readMs = Date.now();
    const found = await identifyOne(at(base, entry.path), entry, batch);
    if (found === undefined) {
      tree.delete(entry.path); // it went away meanwhile
      isNew = true;
      return;
    }
    isNew ||= JSON.stringify(found.entry) !== JSON.stringify(index.entry(entry.path));
    tree.set(entry.path, found.entry);
    if (batch !== undefined) index.set(entry.path, found.stats, found.entry, readMs);
  };
  const isSmall = (entry: Entry) => entry.stats.size <= smallBytes;
  await inParallel(unknown.filter(isSmall), 16, read);
  await inParallel(
    unknown.filter(entry => !isSmall(entry)),
    2,
    read
  );
  if (index.size !== tree.size) {
    index.keep(tree);
    isNew = true;
  }
  if (isNew) index.tree = undefined;
  return { tree, isNew };
}

/** Undefined where it is gone. */
async function identifyOne(
  path: string | Buffer,
  { kind, stats }: Entry,
  batch: ObjectBatch | undefined
): Promise<{ readonly entry: TreeEntry; readonly stats: BigIntStats } | undefined> {
  if (kind === 'folder') return { entry: { kind, mode: modeOf(stats) }, stats };
  try {
    if (kind === 'link') return { entry: { kind, target: readLink(path) }, stats };
    const { id, isChunked, stats: read } = await readBlob(path, batch);
    const { size, mtimeNs } = read;
    const entry = {
      kind,
      mode: modeOf(read),
      sizeBytes: Number(size),
      modifiedUs: toMicroseconds(mtimeNs),
      id,
      isChunked
    };
    return { entry, stats: read };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // what was replaced by something else while we looked is gone as well
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EINVAL') return undefined;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EIO' || code === 'ENXIO')
      return { entry: { kind: 'unreadable' }, stats };
    throw error;
  }
}

async function touch(store: ObjectStore, { id, isChunked }: FileEntry): Promise<boolean> {
  if (!store.touch(id)) return false;
  return !isChunked || (await readChunkIds(store, id)).every(chunk => store.touch(chunk));
}

const modeOf = (stats: BigIntStats) => Number(stats.mode & 0o7777n);

const toMicroseconds = (ns: bigint) => Number((ns + 500n) / 1000n);
