// Steps work in a copy of the notebook's folder, so that a run never touches the user's files. Afterwards only what the run wrote is kept.
import { constants, type Stats } from 'node:fs';
import { copyFile, lstat, mkdir, readlink, rm, rmdir, symlink, utimes } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { toPipelineError } from './errors.js';
import type { WorkspaceScan } from './scan.js';

export interface Workspace {
  /** the copy of the notebook's folder */
  readonly folder: string;
  /** Delete the files that are still as they were copied. */
  prune(): Promise<void>;
}

/** Copy to the folder `to`, sharing blocks where the file system can. */
export async function copyWorkspace(scan: WorkspaceScan, to: string): Promise<Workspace> {
  const { base, entries } = scan;
  await mkdir(to, { recursive: true });
  const copied = new Map<string, string>();
  for (const { path, kind } of entries) if (kind === 'folder') await mkdir(join(to, path));
  await inParallel(entries, 16, async ({ path, kind, stats }) => {
    if (kind === 'folder') return;
    try {
      if (kind === 'link') await symlink(await findTarget(scan, path), join(to, path));
      else {
        await copyFile(join(base, path), join(to, path), constants.COPYFILE_FICLONE);
        await utimes(join(to, path), stats.atime, stats.mtime);
      }
      copied.set(path, fingerprint(await lstat(join(to, path))));
    } catch (error) {
      // a file that its owner may not read, or that went away meanwhile, can't be read by the notebook either
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOENT') throw toPipelineError(error);
    }
  });
  const folders = entries.filter(entry => entry.kind === 'folder').map(entry => entry.path);
  return { folder: join(to, scan.folder), prune: () => prune(to, copied, folders) };
}

/** A link to what is copied leads to the copy; any other leads to where it did. */
async function findTarget({ base, entries, folder }: WorkspaceScan, path: string): Promise<string> {
  const link = await readlink(join(base, path));
  const here = dirname(join(base, path));
  const target = resolve(here, link);
  const inside = relative(base, target);
  const isCopied = inside === folder || entries.some(entry => entry.path === inside);
  if (!isCopied) return target;
  return isAbsolute(link) ? relative(here, target) || '.' : link;
}

async function prune(to: string, copied: ReadonlyMap<string, string>, folders: readonly string[]): Promise<void> {
  await inParallel([...copied], 16, async ([path, before]) => {
    const stats = await lstat(join(to, path)).catch(() => undefined);
    if (stats !== undefined && fingerprint(stats) === before) await rm(join(to, path), { force: true });
  });
  // the deepest first; those that are not empty stay
  for (const folder of [...folders].sort((a, b) => b.length - a.length))
    await rmdir(join(to, folder)).catch(() => undefined);
}

/** Any write, rename or replacement changes it. */
const fingerprint = (stats: Stats) => `${stats.ino} ${stats.size} ${stats.ctimeMs}`;

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const workers = Array.from({ length: Math.min(width, items.length) }, async () => {
    while (next < items.length) await work(items[next++]!);
  });
  await Promise.all(workers);
}
