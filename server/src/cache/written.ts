// The files that a step leaves in the workspace: found when it has run, and put there again when it comes from cache.
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { hashFile, type FileHashes } from './hashes.js';
import type { Content, Tree } from './tree.js';

export type Written = Readonly<Record<string, Content>>;

/** A moment by the clock of the file system in which `folder` is. */
export async function tick(folder: string): Promise<bigint> {
  const path = join(folder, '.tick');
  await writeFile(path, String(Math.random()));
  return (await stat(path, { bigint: true })).ctimeNs;
}

/** What these paths hold that they did not hold before; folders with all that is in them. Paths are relative to the workspace. */
export async function readWritten(workspace: string, paths: Iterable<string>, before: Tree): Promise<Written> {
  const written: Record<string, Content> = {};
  const look = async (path: string): Promise<void> => {
    if (Object.hasOwn(written, path)) return;
    const content = await readThere(join(workspace, path));
    if (content === 'folder')
      for (const name of await readdir(join(workspace, path))) if (name !== '__pycache__') await look(join(path, name));
    if (content !== (await before.read(path))) written[path] = content;
  };
  for (const path of paths) await look(path);
  return written;
}

/** Paths in the folder, relative to `workspace`, that changed since the moment. What was removed is not among them. */
export async function findChanged(folder: string, workspace: string, since: bigint): Promise<string[]> {
  const changed: string[] = [];
  const look = async (at: string): Promise<void> => {
    for (const name of await readdir(at).catch(() => [])) {
      if (name === '__pycache__') continue;
      const path = join(at, name);
      const stats = await lstat(path, { bigint: true }).catch(() => undefined);
      if (stats === undefined) continue;
      if (stats.isDirectory()) await look(path);
      if (stats.ctimeNs >= since && !stats.isDirectory()) changed.push(relative(workspace, path));
    }
  };
  await look(folder);
  return changed;
}

/** Whether all that was written can be had from the workspace `from` of a past run. */
export async function isThere(from: string, written: Written, hashes: FileHashes): Promise<boolean> {
  for (const [path, content] of Object.entries(written)) {
    if (content === null || content === 'folder') continue;
    const place = join(from, path);
    const found = content.startsWith('link ') ? await readThere(place) : await hashes.hash(place);
    if (found !== content) return false;
  }
  return true;
}

/** Do again what the step did to the workspace. */
export async function writeAgain(from: string, written: Written, workspace: string): Promise<void> {
  // the deepest are removed first, and made last
  const entries = Object.entries(written).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, content] of entries.reverse())
    if (content === null) await rm(resolve(workspace, path), { recursive: true, force: true });
  for (const [path, content] of entries.reverse()) {
    const place = resolve(workspace, path);
    if (content === null) continue;
    if (content === 'folder') {
      await mkdir(place, { recursive: true });
      continue;
    }
    await mkdir(dirname(place), { recursive: true });
    await rm(place, { recursive: true, force: true });
    if (content.startsWith('link ')) await symlink(content.slice('link '.length), place);
    else await copyFile(resolve(from, path), place, constants.COPYFILE_FICLONE);
  }
}

/** What is at a path on the disk. */
export async function readThere(path: string): Promise<Content> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return null;
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return `link ${await readlink(path)}`;
  return stats.isFile() ? ((await hashFile(path)) ?? null) : null;
}
