// What a step of a past run wrote, as the snapshot after it has it: a later step may have written to the same files in the run's workspace.
import { posix } from 'node:path';
import type { Store } from '../store.js';
import { ObjectStore } from './objects.js';
import { snapshotsOfRun, findSnapshot } from './records.js';
import { readTree, withFolders, type Tree, type TreeEntry } from './tree.js';

/** A file's SHA-256, `link TARGET`, `folder`, or null for what was removed; by path relative to the notebook's folder. */
export type Contents = Readonly<Record<string, string | null>>;

export interface PastStep {
  readonly run: string;
  readonly step: string;
  readonly wrote: Contents;
  /** the notebook's folder in the workspace */
  readonly inside: string;
}

/** The entries of what is there, with the folders that they are in. Undefined where no snapshot has all of it. */
export async function findWritten(store: Store, { run, step, wrote, inside }: PastStep): Promise<Tree | undefined> {
  const after = snapshotsOfRun(store.sql, run).filter(past => past.moment === 'after' && past.step === step);
  const last = after.at(-1);
  if (last === undefined) return undefined;
  const tree = await readTree(new ObjectStore(store.home), findSnapshot(store.sql, last.id).tree);
  const paths = Object.entries(wrote).filter(([, content]) => content !== null);
  const inTree = (path: string) => posix.join(inside, path);
  if (!paths.every(([path, content]) => isContent(tree.get(inTree(path)), content!))) return undefined;
  return withFolders(
    paths.map(([path]) => inTree(path)),
    tree
  );
}

function isContent(entry: TreeEntry | undefined, content: string): boolean {
  if (entry?.kind === 'file') return entry.id === content || entry.isChunked; // a list of chunks has another id
  if (entry?.kind === 'link') return content === `link ${entry.target}`;
  return entry?.kind === 'folder' && content === 'folder';
}
