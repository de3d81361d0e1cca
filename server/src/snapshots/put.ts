// Bringing a folder to what a snapshot says: only what differs is touched, contents are checked before they are used, files come by temporary
// file and rename, and nothing is ever written through a link.
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readContentOf } from './blob.js';
import { at, encodeName } from './names.js';
import type { ObjectStore } from './objects.js';
import { inParallel } from './parallel.js';
import { folderOf, isSame, type FileEntry, type Tree, type TreeEntry } from './tree.js';

export interface Putting {
  readonly store: ObjectStore;
  /** remove what the tree does not have */
  readonly isExact: boolean;
  /** nobody else looks into the folder: a file that is not there yet may be written in place */
  readonly isOwn?: boolean;
  /** a quicker way to a file's content than from the store; false where there is none after all */
  copy?(path: string, entry: FileEntry, to: string | Buffer): Promise<boolean>;
  /** where a link is to lead in this folder */
  target?(path: string, target: string): string;
  /** called for each path that was written */
  onPut?(path: string, entry: TreeEntry): void;
}

/**
 * Bring `folder`, which is now as `current` says, to `wanted`. Returns the number of files and links that were written or removed.
 * @throws PipelineError `damaged`
 */
export async function putTree(folder: string, current: Tree, wanted: Tree, how: Putting): Promise<number> {
  let changes = 0;
  const gone = how.isExact ? [...current.keys()].filter(path => !wanted.has(path)) : [];
  // the deepest first
  for (const path of gone.sort((a, b) => depth(b) - depth(a)))
    if (removeOne(folder, path, how.isOwn === true)) changes++;
  const folders = [...wanted].filter(([, entry]) => entry.kind === 'folder').sort(([a], [b]) => depth(a) - depth(b));
  for (const [path] of folders) if (current.get(path)?.kind !== 'folder') makeFolder(folder, path);
  const different = [...wanted].filter(
    ([path, entry]) => entry.kind !== 'folder' && entry.kind !== 'unreadable' && !isSame(current.get(path), entry)
  );
  await inParallel(different, 16, async ([path, entry]) => {
    if (current.get(path)?.kind === 'folder') rmSync(at(folder, path), { recursive: true, force: true });
    if (entry.kind === 'link') putLink(folder, path, how.target?.(path, entry.target) ?? entry.target);
    else if (entry.kind === 'file') await putFile(folder, path, entry, how, how.isOwn === true && !current.has(path));
    how.onPut?.(path, entry);
    changes++;
  });
  // the deepest first: a folder may forbid writing
  for (const [path, entry] of folders.reverse())
    if (entry.kind === 'folder' && !isSame(current.get(path), entry)) {
      chmodSync(at(folder, path), entry.mode);
      how.onPut?.(path, entry);
    }
  return changes;
}

async function putFile(folder: string, path: string, entry: FileEntry, how: Putting, inPlace: boolean): Promise<void> {
  const to = at(folder, path);
  const beside = inPlace ? to : at(folder, join(folderOf(path), `.sluice-${randomBytes(6).toString('hex')}`));
  try {
    const isCopied = (await how.copy?.(path, entry, beside)) === true;
    if (!isCopied) await writeContent(how.store, entry, beside);
    chmodSync(beside, entry.mode);
    utimesSync(beside, entry.modifiedUs / 1e6, entry.modifiedUs / 1e6);
    if (!inPlace) await rename(beside, to);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function writeContent(store: ObjectStore, entry: FileEntry, to: string | Buffer): Promise<void> {
  const file = await open(to, 'wx', 0o600);
  try {
    for await (const piece of readContentOf(store, entry)) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

function putLink(folder: string, path: string, target: string): void {
  rmSync(at(folder, path), { force: true });
  symlinkSync(encodeName(target), at(folder, path));
}

/** A folder of our own in this place, writable until its mode is set: a link or a file gives way. */
function makeFolder(folder: string, path: string): void {
  const stats = lstatSync(at(folder, path), { throwIfNoEntry: false });
  if (stats?.isDirectory()) return;
  if (stats !== undefined) rmSync(at(folder, path), { force: true });
  mkdirSync(at(folder, path), 0o700);
}

/** A folder of somebody's may hold what no snapshot has: it goes only when it is empty. */
function removeOne(folder: string, path: string, isOwn: boolean): boolean {
  const stats = lstatSync(at(folder, path), { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (!stats.isDirectory() || isOwn) rmSync(at(folder, path), { recursive: true, force: true });
  else if (readdirSync(at(folder, path)).length === 0) rmdirSync(at(folder, path));
  return !stats.isDirectory();
}

const depth = (path: string) => path.split('/').length;
