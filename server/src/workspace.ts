// Steps work in a copy of the notebook's folder, so that a run never touches the user's files. The copy is exactly what the run's first
// snapshot says. What the run did not change stays behind as the spare copy for the next run, which then copies only what differs.
import { constants, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, statfs, unlink } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { WorkspaceRecord } from '@sluice/core';
import { scanCopy, type WorkspaceScan } from './scan.js';
import { at } from './snapshots/names.js';
import type { ObjectStore } from './snapshots/objects.js';
import { putTree } from './snapshots/put.js';
import { StatIndex } from './snapshots/stat-index.js';
import { identify, takeSnapshot, type Taken } from './snapshots/take.js';
import { folderOf, isSame, measure, withFolders, type FileEntry, type Tree, type TreeEntry } from './snapshots/tree.js';

export interface WorkspaceOptions {
  readonly home: string;
  readonly objects: ObjectStore;
  readonly scan: WorkspaceScan;
  /** where the copy is to be */
  readonly to: string;
  /** how often objects were collected so far */
  collections(): number;
  /** called when the folder that steps will work in is there, though not yet with what belongs in it */
  onFolder?(folder: string): void;
}

export class Workspace {
  private constructor(
    private readonly options: WorkspaceOptions,
    /** the user's folder as the run found it */
    readonly start: Taken,
    readonly record: WorkspaceRecord,
    private readonly index: StatIndex
  ) {}

  static async make(options: WorkspaceOptions): Promise<Workspace> {
    const { home, objects, scan, to } = options;
    const { base, entries } = scan;
    const indexPath = join(home, 'index', keyOf(scan));
    const source = StatIndex.read(indexPath);
    const folder = join(to, scan.folder);
    const { index, tree: current } = await claimSpare(join(home, 'spare', keyOf(scan)), to, () => {
      if (existsSync(folder)) options.onFolder?.(folder);
    });
    const start = await takeSnapshot(objects, base, entries, source, options.collections());
    await source.write(indexPath);
    const startedAt = performance.now();
    const copier = new Copier(base, source);
    const put = new Map<string, TreeEntry>();
    await putTree(to, current, start.tree, {
      ...{ store: objects, isExact: true, isOwn: true },
      copy: (path, entry, to) => copier.copy(path, entry, to),
      target: (path, target) => redirect(scan.base, start.tree, path, target),
      onPut: (path, entry) => put.set(path, entry)
    });
    remember(index, to, put);
    index.keep(start.tree);
    index.tree = start.id;
    index.collection = source.collection;
    const record = { how: copier.how, ...measure(start.tree), durationMs: Math.round(performance.now() - startedAt) };
    return new Workspace(options, start, record, index);
  }

  /** the copy of the notebook's folder */
  get folder(): string {
    return join(this.options.to, this.options.scan.folder);
  }

  /** the notebook's folder within the workspace; empty where it is the same */
  get inside(): string {
    return this.options.scan.folder;
  }

  /** The workspace as it stands now, safe in the store. */
  async take(): Promise<Taken> {
    const { objects, to, collections } = this.options;
    return takeSnapshot(objects, to, await scanCopy(to), this.index, collections());
  }

  /** Make it what a snapshot says; only what differs is touched. Returns the number of files. */
  async restore(wanted: Tree): Promise<number> {
    const { tree } = await identify(this.options.to, await scanCopy(this.options.to), this.index);
    return this.put(tree, wanted, true);
  }

  /** Do to it what was done between two snapshots. */
  async apply(before: Tree, after: Tree): Promise<number> {
    const { to } = this.options;
    for (const path of [...before.keys()].reverse())
      if (!after.has(path)) rmSync(at(to, path), { recursive: true, force: true });
    const { tree } = await identify(to, await scanCopy(to), this.index);
    const changed = [...after.keys()].filter(path => !isSame(before.get(path), after.get(path)));
    return this.put(tree, withFolders(changed, after), false);
  }

  /** The run is over: what it wrote stays here, the rest becomes the spare copy. */
  async close(): Promise<void> {
    const { home, scan, to } = this.options;
    const { tree } = await identify(to, await scanCopy(to), this.index);
    const written = [...tree.keys()].filter(path => !isSame(this.start.tree.get(path), tree.get(path)));
    const rest = `${to}-rest`;
    await rename(to, rest);
    await mkdir(to);
    for (const path of written) {
      if (tree.get(path)!.kind === 'folder') mkdirSync(at(to, path), { recursive: true });
      else {
        mkdirSync(at(to, folderOf(path)), { recursive: true });
        await rename(at(rest, path), at(to, path));
      }
    }
    await leaveSpare(join(home, 'spare', keyOf(scan)), rest, this.index, this.record.bytes);
  }

  private async put(current: Tree, wanted: Tree, isExact: boolean): Promise<number> {
    const { objects, scan, to } = this.options;
    const put = new Map<string, TreeEntry>();
    const changes = await putTree(to, current, wanted, {
      ...{ store: objects, isExact, isOwn: true },
      target: (path, target) => redirect(scan.base, wanted, path, target),
      onPut: (path, entry) => put.set(path, entry)
    });
    remember(this.index, to, put);
    this.index.tree = undefined;
    return changes;
  }
}

/** Copies files that are still as the snapshot has them, sharing blocks where the file system can. */
class Copier {
  how: WorkspaceRecord['how'] = 'copy';
  private canShare: boolean | undefined;

  constructor(
    private readonly base: string,
    private readonly source: StatIndex
  ) {}

  async copy(path: string, entry: FileEntry, to: string | Buffer): Promise<boolean> {
    const from = at(this.base, path);
    try {
      await this.copyOne(from, to);
      const stats = lstatSync(from, { bigint: true });
      if (this.source.find(path, stats) === entry) return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    }
    await unlink(to).catch(() => undefined);
    return false;
  }

  private async copyOne(from: string | Buffer, to: string | Buffer): Promise<void> {
    if (this.canShare !== false)
      try {
        await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
        this.canShare = true;
        this.how = 'reflink';
        return;
      } catch {
        this.canShare ??= false;
      }
    await copyFile(from, to);
  }
}

/** Spare copies belong to what was scanned. */
function keyOf({ base, folder }: WorkspaceScan): string {
  return createHash('sha256').update(`${base}\0${folder}`).digest('hex').slice(0, 24);
}

/** The last run's copy, if it left one, in its new place; once it is there it is looked through, as nobody watched it since. */
async function claimSpare(spare: string, to: string, onPlace: () => void): Promise<{ index: StatIndex; tree: Tree }> {
  await rm(to, { recursive: true, force: true });
  const claimed = `${to}-claimed`;
  try {
    await rename(spare, claimed); // of two runs one gets it
    await rename(join(claimed, 'workspace'), to);
    onPlace();
    const index = StatIndex.read(join(claimed, 'index'));
    await rm(claimed, { recursive: true, force: true });
    // Python takes bytecode for that of its module by size and whole second, which a module that has just been edited may share
    const drop = (path: string): void => rmSync(at(to, path), { recursive: true, force: true });
    const { tree } = await identify(to, await scanCopy(to, drop), index);
    return { index, tree };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(to, { recursive: true });
    onPlace();
    return { index: StatIndex.empty(), tree: new Map() };
  }
}

/** Unless the disk is better kept free. */
async function leaveSpare(spare: string, rest: string, index: StatIndex, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(rest);
  const made = `${rest}-spare`;
  if (bavail * bsize > 4 * bytes) {
    await mkdir(made);
    await rename(rest, join(made, 'workspace'));
    await index.write(join(made, 'index'));
    await mkdir(dirname(spare), { recursive: true });
    const old = `${made}-old`;
    await rename(spare, old).catch(() => undefined);
    // another run may have left its own meanwhile
    await rename(made, spare).catch(() => rm(made, { recursive: true, force: true }));
    await rm(old, { recursive: true, force: true });
  } else await rm(rest, { recursive: true, force: true });
}

/** Only now, as what was written a moment ago may still be written again unnoticed. */
function remember(index: StatIndex, folder: string, put: Tree): void {
  const now = Date.now();
  for (const [path, entry] of put) {
    const stats = lstatSync(at(folder, path), { bigint: true, throwIfNoEntry: false });
    if (stats !== undefined) index.set(path, stats, entry, now);
  }
}

/** A link to what is copied leads to the copy; any other leads to where it did. */
function redirect(base: string, tree: Tree, path: string, link: string): string {
  const here = dirname(join(base, path));
  const target = resolve(here, link);
  const inside = relative(base, target);
  if (inside !== '' && !tree.has(inside)) return target;
  return isAbsolute(link) ? relative(here, target) || '.' : link;
}
