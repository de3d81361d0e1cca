// A snapshot is a tree: one object a folder, with a line for each thing in it, sorted by name. Folders that did not change are the same
// object. In memory it is flat: paths and what is there.
import type { SnapshotDiff } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { ObjectBatch, ObjectStore } from './objects.js';

export interface FileEntry {
  readonly kind: 'file';
  /** permission bits */
  readonly mode: number;
  readonly sizeBytes: number;
  /** microseconds since 1970, which is what Node can set */
  readonly modifiedUs: number;
  /** of the object that is its content, or of the list of its chunks */
  readonly id: string;
  readonly isChunked: boolean;
}

export type TreeEntry =
  | FileEntry
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'folder'; readonly mode: number }
  /** it is there, and its owner did not let us read it */
  | { readonly kind: 'unreadable' };

/** What is at each path. Paths are relative, with slashes; folders are entries, too. */
export type Tree = ReadonlyMap<string, TreeEntry>;

type Line =
  | readonly ['f' | 'c', name: string, mode: number, sizeBytes: number, modifiedUs: number, id: string]
  | readonly ['l', name: string, target: string]
  | readonly ['d', name: string, mode: number, id: string]
  | readonly ['u', name: string];

/** Put the tree's objects into the batch. Resolves with the id of the topmost. */
export async function writeTree(tree: Tree, batch: ObjectBatch): Promise<string> {
  const children = new Map<string, string[]>([['', []]]);
  for (const [path, entry] of tree) if (entry.kind === 'folder') children.set(path, []);
  for (const path of tree.keys()) children.get(folderOf(path))!.push(path);
  const write = async (folder: string): Promise<string> => {
    const lines: Line[] = [];
    for (const path of children.get(folder)!) {
      const entry = tree.get(path)!;
      const name = nameOf(path);
      if (entry.kind === 'file') {
        const { mode, sizeBytes, modifiedUs, id } = entry;
        lines.push([entry.isChunked ? 'c' : 'f', name, mode, sizeBytes, modifiedUs, id]);
      } else if (entry.kind === 'link') lines.push(['l', name, entry.target]);
      else if (entry.kind === 'folder') lines.push(['d', name, entry.mode, await write(path)]);
      else lines.push(['u', name]);
    }
    lines.sort((a, b) => (a[1] < b[1] ? -1 : 1));
    return batch.put(Buffer.from(lines.map(line => `${JSON.stringify(line)}\n`).join('')));
  };
  return write('');
}

/**
 * The tree below the object `id`.
 * @throws PipelineError `damaged`
 */
export async function readTree(store: ObjectStore, id: string): Promise<Tree> {
  const tree = new Map<string, TreeEntry>();
  await walkTree(store, id, { entry: (path, entry) => void tree.set(path, entry) });
  return tree;
}

export interface TreeVisitor {
  /** false: its content is of no interest */
  folder?(path: string, id: string): boolean;
  entry?(path: string, entry: TreeEntry): void | Promise<void>;
  /** a folder that can't be read; without this it is thrown */
  damaged?(path: string, id: string, error: unknown): void;
}

/**
 * Folders before what is in them.
 * @throws PipelineError `damaged`
 */
export async function walkTree(store: ObjectStore, id: string, visitor: TreeVisitor, folder = ''): Promise<void> {
  if (visitor.folder?.(folder, id) === false) return;
  let lines: Line[];
  try {
    lines = decodeFolder(await store.read(id), id);
  } catch (error) {
    if (visitor.damaged === undefined) throw error;
    return visitor.damaged(folder, id, error);
  }
  for (const line of lines) {
    const path = folder === '' ? line[1] : `${folder}/${line[1]}`;
    await visitor.entry?.(path, toEntry(line));
    if (line[0] === 'd') await walkTree(store, line[3], visitor, path);
  }
}

/** One folder of the tree, and what is directly in it by name. Undefined where there is no such folder. */
export async function readFolderOf(store: ObjectStore, id: string, folder: string): Promise<Tree | undefined> {
  let lines = decodeFolder(await store.read(id), id);
  for (const name of folder.split('/').filter(part => part !== '')) {
    const next = lines.find(line => line[0] === 'd' && line[1] === name);
    if (next?.[0] !== 'd') return undefined;
    lines = decodeFolder(await store.read(next[3]), next[3]);
  }
  return new Map(lines.map(line => [line[1], toEntry(line)]));
}

function decodeFolder(content: Buffer, id: string): Line[] {
  const damaged = () =>
    new PipelineError(`The object ${id.slice(0, 12)} should be a folder of a snapshot, and is none.`, 'damaged', {
      detail: { object: id }
    });
  try {
    const lines = content
      .toString('utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as Line);
    // a name leads nowhere but to its folder
    if (lines.some(line => !isName(line[1]))) throw damaged();
    return lines;
  } catch {
    throw damaged();
  }
}

const isName = (name: unknown) =>
  typeof name === 'string' &&
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !name.includes('/') &&
  !name.includes('\0');

function toEntry(line: Line): TreeEntry {
  switch (line[0]) {
    case 'f':
    case 'c': {
      const [kind, , mode, sizeBytes, modifiedUs, id] = line;
      return { kind: 'file', mode, sizeBytes, modifiedUs, id, isChunked: kind === 'c' };
    }
    case 'l':
      return { kind: 'link', target: line[2] };
    case 'd':
      return { kind: 'folder', mode: line[2] };
    case 'u':
      return { kind: 'unreadable' };
  }
}

/** Whether two entries are the same to whoever reads them; when a file was written does not count. */
export function isSame(a: TreeEntry | undefined, b: TreeEntry | undefined): boolean {
  if (a === undefined || b === undefined || a.kind !== b.kind) return a === b;
  if (a.kind === 'file') return b.kind === 'file' && a.id === b.id && a.mode === b.mode;
  if (a.kind === 'link') return b.kind === 'link' && a.target === b.target;
  if (a.kind === 'folder') return b.kind === 'folder' && a.mode === b.mode;
  return true;
}

/** Folders count only where they are empty in both: else what is in them tells. */
export function diffTrees(before: Tree, after: Tree): SnapshotDiff {
  const [added, changed, removed]: string[][] = [[], [], []];
  const isShown = (path: string, entry: TreeEntry, tree: Tree) => entry.kind !== 'folder' || isEmptyFolder(tree, path);
  const [filledBefore, filledAfter] = [before, after].map(foldersWithContent) as [Set<string>, Set<string>];
  function isEmptyFolder(tree: Tree, path: string): boolean {
    return !(tree === before ? filledBefore : filledAfter).has(path);
  }
  for (const [path, entry] of after) {
    const old = before.get(path);
    if (old === undefined) {
      if (isShown(path, entry, after)) added!.push(path);
    } else if (!isSame(old, entry)) changed!.push(path);
  }
  for (const [path, entry] of before) if (!after.has(path) && isShown(path, entry, before)) removed!.push(path);
  return { added: added!.sort(), changed: changed!.sort(), removed: removed!.sort() };
}

function foldersWithContent(tree: Tree): Set<string> {
  return new Set([...tree.keys()].map(folderOf));
}

/** Regular files, and their bytes. */
export function measure(tree: Tree): { readonly files: number; readonly bytes: number } {
  let [files, bytes] = [0, 0];
  for (const entry of tree.values()) {
    if (entry.kind === 'folder') continue;
    files++;
    if (entry.kind === 'file') bytes += entry.sizeBytes;
  }
  return { files, bytes };
}

/** The part of the tree at these paths, with the folders that they are in. */
export function withFolders(paths: readonly string[], tree: Tree): Tree {
  const result = new Map<string, TreeEntry>();
  const add = (path: string) => {
    if (path === '' || result.has(path)) return;
    add(folderOf(path));
    result.set(path, tree.get(path)!);
  };
  for (const path of paths) add(path);
  return result;
}

export const folderOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
export const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
