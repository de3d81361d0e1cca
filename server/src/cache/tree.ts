// The workspace as a step finds it: the user's files as they were when the run began, and what the steps before it have written. Nothing is
// read until somebody asks what a file holds.
import { readdir, stat } from 'node:fs/promises';
import { posix, resolve } from 'node:path';
import type { WorkspaceScan } from '../scan.js';
import type { Tree as Snapshot } from '../snapshots/tree.js';
import { hashText, type FileHashes } from './hashes.js';

/** What is at a path: the hash of a file, `folder`, `link` and where to, or null where there is nothing. */
export type Content = string | null;

/** What kind of thing is at a path, whatever it holds. */
export type Kind = 'file' | 'folder' | null;

export class Tree {
  private constructor(
    private readonly scan: WorkspaceScan,
    private readonly entries: ReadonlyMap<string, WorkspaceScan['entries'][number]>,
    private readonly hashes: FileHashes,
    private readonly start: Snapshot,
    private readonly changes: Map<string, Content>
  ) {}

  /** `start` is the snapshot at the start of the run, if there is a run. */
  static of(scan: WorkspaceScan, hashes: FileHashes, start: Snapshot = new Map()): Tree {
    return new Tree(scan, new Map(scan.entries.map(entry => [entry.path, entry])), hashes, start, new Map());
  }

  /** As it is now; what is written later does not show in it. */
  copy(): Tree {
    return new Tree(this.scan, this.entries, this.hashes, this.start, new Map(this.changes));
  }

  /** All paths are relative to the notebook's folder, with slashes; or absolute, for what is outside of the workspace. */
  write(path: string, content: Content): void {
    if (!path.startsWith('/')) this.changes.set(this.inScan(path), content);
  }

  /** Undefined where it can't be said any more: the user has changed the file since the run began. */
  async read(path: string): Promise<Content | undefined> {
    if (path.startsWith('/')) return readOutside(path);
    const key = this.inScan(path);
    const changed = this.changes.get(key);
    if (changed !== undefined) return changed;
    const entry = this.entries.get(key);
    const place = resolve(this.scan.base, key);
    if (entry === undefined) return this.isFolder(key) ? 'folder' : this.readBeyondLink(key);
    if (entry.kind === 'folder') return 'folder';
    const taken = this.start.get(key);
    if (taken?.kind === 'file' && !taken.isChunked) return taken.id;
    if (entry.kind === 'file') return this.hashes.hash(place, entry.stats);
    return (await this.hashes.hash(place)) ?? readOutside(place);
  }

  async kind(path: string): Promise<Kind> {
    const content = await this.read(path);
    return content === null || content === 'folder' ? content : 'file';
  }

  /** A hash of the names in a folder. */
  async list(folder: string): Promise<Content> {
    if (folder.startsWith('/')) return listOutside(folder);
    return hashText(this.names(folder).sort().join('\n'));
  }

  /** The names in a folder of the workspace. */
  names(folder: string): string[] {
    const key = this.inScan(folder);
    const names = new Set<string>();
    for (const path of this.paths())
      if (key === '' || path.startsWith(`${key}/`))
        names.add(path.slice(key === '' ? 0 : key.length + 1).split('/')[0]!);
    return [...names];
  }

  /** Of all files but the given one. */
  async readAll(except: string | undefined): Promise<Content | undefined> {
    const lines: string[] = [];
    for (const key of this.paths().sort()) {
      const path = posix.relative(this.scan.folder, key);
      if (path === except) continue;
      const content = await this.read(path);
      if (content === undefined) return undefined;
      lines.push(`${path}\n${content}`);
    }
    return hashText(lines.join('\n'));
  }

  /** All that is there, relative to the scan's base. */
  private paths(): string[] {
    const paths = [...this.entries.keys()].filter(path => !this.changes.has(path));
    return [...paths, ...[...this.changes].filter(([, content]) => content !== null).map(([path]) => path)];
  }

  private inScan(path: string): string {
    const joined = posix.join(this.scan.folder, path);
    return joined === '.' ? '' : joined.replace(/\/$/, '');
  }

  private isFolder(key: string): boolean {
    return key === '' || this.paths().some(path => path.startsWith(`${key}/`));
  }

  private async readBeyondLink(key: string): Promise<Content> {
    const parts = key.split('/');
    const isBeyond = parts.some((_, i) => this.entries.get(parts.slice(0, i).join('/'))?.kind === 'link');
    return isBeyond ? readOutside(resolve(this.scan.base, key)) : null;
  }
}

/** Files outside of the workspace may be of any size: their size and time stand for what they hold. */
async function readOutside(path: string): Promise<Content> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return null;
  return stats.isDirectory() ? 'folder' : `${stats.size} ${stats.mtimeMs}`;
}

async function listOutside(folder: string): Promise<Content> {
  const names = await readdir(folder).catch(() => undefined);
  return names === undefined ? null : hashText(names.sort().join('\n'));
}
