// A step that runs beside others may see files that they write, though it does not wait for them: the next time it may not see them. What it
// saw then is no base for its outcome. This module finds what in the workspace is not as the steps that it waits for left it.
import { lstat, readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Tree } from './tree.js';
import { findChanged, readThere, type Written } from './written.js';

export interface Seen {
  /** paths relative to the notebook's folder, or absolute outside of the workspace */
  readonly read: readonly string[];
  readonly listed: readonly string[];
  /** it may have read any file */
  readonly isWhole: boolean;
}

export interface Place {
  /** of the run, absolute */
  readonly workspace: string;
  /** the notebook's, in the workspace */
  readonly folder: string;
  /** when all that the user has was in the workspace, by the clock of its file system */
  readonly ready: bigint;
}

/** The first path that holds something else than `expected` says, and that is not of the step's own making. */
export async function findStranger(
  { read, listed, isWhole }: Seen,
  own: Written,
  expected: Tree,
  { workspace, folder, ready }: Place
): Promise<string | undefined> {
  const paths = isWhole ? await findChanged(workspace, folder, ready) : read;
  for (const path of paths) {
    if (isAbsolute(path) || Object.hasOwn(own, path)) continue;
    const place = join(folder, path);
    const stats = await lstat(place, { bigint: true }).catch(() => undefined);
    // what nobody has touched since the run began need not be read
    if (stats !== undefined && stats.ctimeNs < ready) continue;
    if ((await readThere(place)) !== (await expected.read(path))) return path;
  }
  for (const path of listed) {
    if (isAbsolute(path)) continue;
    const there = new Set(await readdir(join(folder, path)).catch(() => []));
    const names = new Set(expected.names(path));
    for (const name of [...there, ...names]) {
      const inside = join(path, name);
      const isOwn = Object.keys(own).some(written => written === inside || written.startsWith(`${inside}/`));
      if (isOwn || name === '__pycache__' || there.has(name) === names.has(name)) continue;
      const stats = await lstat(join(folder, inside), { bigint: true }).catch(() => undefined);
      if (stats === undefined || stats.ctimeNs >= ready) return inside;
    }
  }
  return undefined;
}
