// What one can ask of the snapshots there are: list them, look into one, compare two, take files out, put files back. Putting back into the
// user's folder is preceded by a snapshot of what is there.
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, posix, resolve } from 'node:path';
import type { SnapshotDiff, SnapshotFile, SnapshotRecord } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { isWithin } from '../paths.js';
import { lookAt, scanWorkspace, type Entry } from '../scan.js';
import type { Store } from '../store.js';
import { readContentOf } from './blob.js';
import { ObjectStore } from './objects.js';
import { putTree } from './put.js';
import {
  addSnapshot,
  collections,
  findSnapshot,
  listSnapshots,
  snapshotsOfRun,
  type StoredSnapshot
} from './records.js';
import { StatIndex } from './stat-index.js';
import { takeSnapshot } from './take.js';
import { diffTrees, folderOf, nameOf, readFolderOf, readTree, withFolders, type Tree } from './tree.js';

export interface Restoring {
  /** a new or empty folder; without it the files go back to where they came from */
  readonly to?: string;
  /** files and folders; all where there is none */
  readonly paths?: readonly string[];
  /** going back, delete what the snapshot does not have */
  readonly isExact?: boolean;
  /** going back, `paths` alone and what is in none of them: what the snapshot does not have of them was not there, and goes */
  readonly isUndo?: boolean;
}

export interface Restored {
  /** written or deleted */
  readonly files: number;
  /** absolute */
  readonly to: string;
  /** id of the snapshot of what was there before */
  readonly safety?: string;
  /** paths that were written, made or deleted; given to the safety snapshot with `isUndo` they undo that */
  readonly written?: readonly string[];
}

export class SnapshotLibrary {
  private readonly objects: ObjectStore;

  constructor(private readonly store: Store) {
    this.objects = new ObjectStore(store.home);
  }

  /** Newest first. */
  list(notebook?: string, limit?: number): StoredSnapshot[] {
    return listSnapshots(this.store.sql, notebook, limit);
  }

  /** Oldest first. */
  listRun(run: string): SnapshotRecord[] {
    return snapshotsOfRun(this.store.sql, this.store.read(run).id);
  }

  /** By its id or the unique beginning of one. */
  find(id: string): StoredSnapshot {
    return findSnapshot(this.store.sql, id);
  }

  async diff(before: string, after: string): Promise<SnapshotDiff> {
    const [a, b] = [this.find(before), this.find(after)];
    return diffTrees(await readTree(this.objects, a.tree), await readTree(this.objects, b.tree));
  }

  /** What is directly in the folder, folders first. */
  async files(id: string, folder = ''): Promise<SnapshotFile[]> {
    const path = toInner(folder);
    const children = await readFolderOf(this.objects, this.find(id).tree, path);
    if (children === undefined) throw new PipelineError(`Snapshot ‘${id}’ has no folder ‘${folder}’.`, 'not-found');
    const files = [...children].map(([name, entry]): SnapshotFile => {
      const kind = entry.kind === 'unreadable' ? 'file' : entry.kind;
      return { path: path === '' ? name : `${path}/${name}`, kind, bytes: entry.kind === 'file' ? entry.sizeBytes : 0 };
    });
    const rank = (file: SnapshotFile) => (file.kind === 'folder' ? 0 : 1);
    return files.sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  }

  /** A file's size, and its content in pieces. */
  async open(
    id: string,
    path: string
  ): Promise<{ readonly sizeBytes: number; readonly content: AsyncIterable<Buffer> }> {
    const inner = toInner(path);
    const entry = (await readFolderOf(this.objects, this.find(id).tree, folderOf(inner)))?.get(nameOf(inner));
    if (entry?.kind !== 'file') throw new PipelineError(`Snapshot ‘${id}’ has no file ‘${path}’.`, 'not-found');
    return { sizeBytes: entry.sizeBytes, content: readContentOf(this.objects, entry) };
  }

  /**
   * Write files of the snapshot. `check` is asked whether the folder that they go to may be written to.
   * @throws PipelineError `damaged` before anything is written, when the snapshot is not whole
   */
  async restore(
    id: string,
    { to, paths, isExact = false, isUndo = false }: Restoring,
    check: (to: string) => void = () => undefined
  ): Promise<Restored> {
    const snapshot = this.find(id);
    const tree = await readTree(this.objects, snapshot.tree);
    const wanted = isUndo ? new Map([...tree].filter(([path]) => paths?.includes(path))) : choose(tree, paths, id);
    check(to ?? snapshot.base);
    await this.verify(wanted);
    if (to !== undefined) return this.restoreTo(to, wanted);
    const isMeant = isUndo ? (path: string) => paths?.includes(path) === true : (path: string) => isChosen(path, paths);
    return this.restoreBack(snapshot, wanted, isMeant, isExact || isUndo);
  }

  private async restoreTo(to: string, wanted: Tree): Promise<Restored> {
    if (isWithin(this.store.home, to))
      throw new PipelineError(`‘${to}’ is Sluice’s own. Choose another folder.`, 'usage');
    if (!isEmpty(to))
      throw new PipelineError(`There is something in ‘${to}’ already. Choose a new or an empty folder.`, 'usage');
    await mkdir(to, { recursive: true });
    return { files: await putTree(to, new Map(), wanted, { store: this.objects, isExact: false }), to };
  }

  private async restoreBack(
    { base, notebook }: StoredSnapshot,
    wanted: Tree,
    isMeant: (path: string) => boolean,
    isExact: boolean
  ): Promise<Restored> {
    const { store, objects } = this;
    const absolute = notebook === undefined ? undefined : resolve(dirname(store.home), notebook);
    const entries = await this.look(base, absolute, wanted);
    const taken = await takeSnapshot(objects, base, entries, StatIndex.empty(), collections(store.sql));
    checkReplaceable(base, taken.tree, wanted);
    const safety = await addSnapshot(store, objects, taken, {
      ...{ moment: 'safety', base },
      ...(notebook === undefined ? {} : { notebook })
    });
    const chosen = [...taken.tree].filter(([path]) => wanted.has(path) || isMeant(path));
    const written = isExact ? chosen.flatMap(([path]) => (wanted.has(path) ? [] : [path])) : [];
    const onPut = (path: string): void => void written.push(path);
    const files = await putTree(base, new Map(chosen), wanted, { store: objects, isExact, onPut });
    return { files, to: base, safety: safety.id, written };
  }

  /** The notebook's folder as a run would see it, and all that may be written over. */
  private async look(base: string, notebook: string | undefined, wanted: Tree): Promise<Entry[]> {
    const folder = notebook !== undefined && isWithin(base, dirname(notebook)) ? dirname(notebook) : base;
    const limits = { sizeBytes: Infinity, files: Infinity };
    const scan = await scanWorkspace(folder, [], { limits, home: this.store.home });
    const prefix = scan.base === base ? '' : `${posix.relative(base, scan.base)}/`;
    const entries = new Map(scan.entries.map(entry => [prefix + entry.path, { ...entry, path: prefix + entry.path }]));
    for (const path of [...entries.keys()]) addFolders(base, path, entries);
    // folders come before what is in them; beyond a link is another place
    for (const path of wanted.keys()) {
      const isHere = folderOf(path) === '' || entries.get(folderOf(path))?.kind === 'folder';
      const entry = entries.has(path) || !isHere ? undefined : lookAt(base, path);
      if (entry !== undefined) entries.set(path, entry);
    }
    return [...entries.values()];
  }

  /** Read all that is to be written: half a restoration is worse than none. */
  private async verify(tree: Tree): Promise<void> {
    const seen = new Set<string>();
    for (const entry of tree.values()) {
      if (entry.kind !== 'file' || seen.has(entry.id)) continue;
      seen.add(entry.id);
      for await (const piece of readContentOf(this.objects, entry)) void piece;
    }
  }
}

/** The entries that the paths mean, with the folders they are in. */
function choose(tree: Tree, paths: readonly string[] | undefined, id: string): Tree {
  if (paths === undefined || paths.length === 0) return tree;
  for (const path of paths)
    if (toInner(path) !== '' && !tree.has(toInner(path)))
      throw new PipelineError(`Snapshot ‘${id}’ has no file or folder ‘${path}’.`, 'not-found');
  return withFolders(
    [...tree.keys()].filter(path => isChosen(path, paths)),
    tree
  );
}

function isChosen(path: string, paths: readonly string[] | undefined): boolean {
  if (paths === undefined || paths.length === 0) return true;
  return paths.map(toInner).some(inner => inner === '' || path === inner || path.startsWith(`${inner}/`));
}

/** A path within a snapshot. @throws PipelineError `bad-request` when it leads out of it */
function toInner(path: string): string {
  const inner = posix
    .normalize(path.replaceAll('\\', '/'))
    .replace(/^\.?\/+|^\.$/, '')
    .replace(/\/+$/, '');
  if (path.includes('\0') || inner === '..' || inner.startsWith('../'))
    throw new PipelineError(`‘${path}’ leads out of the snapshot. Write a path within it.`, 'bad-request');
  return inner;
}

/** @throws PipelineError where something would be lost that the snapshot of what is there can't hold */
function checkReplaceable(base: string, current: Tree, wanted: Tree): void {
  for (const [path, entry] of wanted) {
    const there = current.get(path)?.kind;
    if (there === 'unreadable')
      throw new PipelineError(
        `‘${join(base, path)}’ can’t be read, so it could not be got back if it were replaced. Change its permissions, or restore to another folder.`,
        'usage'
      );
    if (there === 'folder' && entry.kind !== 'folder')
      throw new PipelineError(
        `‘${join(base, path)}’ is a folder now, and was a ${entry.kind} then. Move the folder away, or restore to another folder.`,
        'usage'
      );
  }
}

function addFolders(base: string, path: string, entries: Map<string, Entry>): void {
  const folder = folderOf(path);
  if (folder === '' || entries.has(folder)) return;
  addFolders(base, folder, entries);
  const entry = lookAt(base, folder);
  if (entry !== undefined) entries.set(folder, entry);
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}
