// Steps work in a copy of the notebook's folder, so that a run never touches the user's files. Afterwards only what the run wrote is kept.
import { constants, type Stats } from 'node:fs';
import {
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  rmdir,
  symlink,
  utimes
} from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { PipelineError, toPipelineError } from './errors.js';

export interface Workspace {
  readonly folder: string;
  /** Delete the files that are still as they were copied. */
  prune(): Promise<void>;
}

export interface WorkspaceLimits {
  readonly sizeBytes: number;
  readonly files: number;
}

export interface WorkspaceScan {
  readonly root: string;
  readonly entries: readonly Entry[];
}

interface Entry {
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly sizeBytes: number;
  readonly stats: Stats;
}

const leftOut = new Set([
  '.sluice',
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '.venv',
  'venv',
  '__pycache__',
  '.ipynb_checkpoints'
]);

/**
 * What there is to copy in the folder `from`: all but what `.sluiceignore` names and what no step reads (version control,
 * environments, caches, our own records in `home`).
 * @throws PipelineError `workspace-too-large`
 */
export async function scanWorkspace(from: string, limits: WorkspaceLimits, home: string): Promise<WorkspaceScan> {
  const root = await realpath(from);
  return { root, entries: await scan(root, limits, home) };
}

/** Copy to the folder `to`, sharing blocks where the file system can. */
export async function copyWorkspace({ root, entries }: WorkspaceScan, to: string): Promise<Workspace> {
  await mkdir(to, { recursive: true });
  const copied = new Map<string, string>();
  for (const { path, kind } of entries) if (kind === 'folder') await mkdir(join(to, path));
  await inParallel(entries, 16, async entry => {
    if (entry.kind === 'folder') return;
    try {
      if (entry.kind === 'link') await symlink(await findTarget(root, entry.path), join(to, entry.path));
      else {
        await copyFile(join(root, entry.path), join(to, entry.path), constants.COPYFILE_FICLONE);
        await utimes(join(to, entry.path), entry.stats.atime, entry.stats.mtime);
      }
      copied.set(entry.path, fingerprint(await lstat(join(to, entry.path))));
    } catch (error) {
      // a file that its owner may not read, or that went away meanwhile, can't be read by the notebook either
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOENT') throw toPipelineError(error);
    }
  });
  const folders = entries.filter(entry => entry.kind === 'folder').map(entry => entry.path);
  return { folder: to, prune: () => prune(to, copied, folders) };
}

/** Bytes and files a run may copy: 2 GB in 50,000 files, or as SLUICE_WORKSPACE_LIMIT says (`5GB`, `500M`, a number of bytes). */
export function workspaceLimits(env: NodeJS.ProcessEnv): WorkspaceLimits {
  const text = env.SLUICE_WORKSPACE_LIMIT;
  if (!text) return { sizeBytes: 2e9, files: 50_000 };
  const match = /^([\d.]+)\s*([kmgt]?)(i?)b?$/i.exec(text.trim());
  if (!match) throw new PipelineError(`SLUICE_WORKSPACE_LIMIT is ‘${text}’; write a size such as ‘5GB’.`, 'usage');
  const power = ' kmgt'.indexOf(match[2]!.toLowerCase() || ' ');
  return { sizeBytes: Number(match[1]) * (match[3] ? 1024 : 1000) ** power, files: Infinity };
}

async function scan(root: string, limits: WorkspaceLimits, home: string): Promise<Entry[]> {
  const ignored = await readIgnored(root);
  const entries: Entry[] = [];
  const sizes = new Map<string, number>();
  let sizeBytes = 0;
  let files = 0;
  const folders = [''];
  // far beyond the limit there is nothing more to learn
  while (folders.length > 0 && files <= limits.files * 4) {
    const folder = folders.pop()!;
    const children = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    if (folder !== '' && children.some(child => child.name === 'pyvenv.cfg')) continue; // an environment by another name
    if (folder !== '')
      entries.push({ path: folder, kind: 'folder', sizeBytes: 0, stats: await lstat(join(root, folder)) });
    for (const child of children) {
      const path = folder === '' ? child.name : `${folder}/${child.name}`;
      if (leftOut.has(child.name) || join(root, path) === home) continue;
      if (ignored.ignores(child.isDirectory() ? `${path}/` : path)) continue;
      if (child.isDirectory()) folders.push(path);
      else if (child.isFile() || child.isSymbolicLink()) {
        const stats = await lstat(join(root, path)).catch(() => undefined);
        if (stats === undefined) continue;
        files++;
        sizeBytes += stats.size;
        const top = path.split('/')[0]!;
        sizes.set(top, (sizes.get(top) ?? 0) + stats.size);
        entries.push({ path, kind: child.isFile() ? 'file' : 'link', sizeBytes: stats.size, stats });
      }
    }
  }
  if (sizeBytes > limits.sizeBytes || files > limits.files) throw tooLarge(root, sizeBytes, files, limits, sizes);
  return entries;
}

async function readIgnored(root: string): Promise<Ignore> {
  const text = await readFile(join(root, '.sluiceignore'), 'utf8').catch(() => '');
  return ignore().add(text);
}

function tooLarge(
  root: string,
  sizeBytes: number,
  files: number,
  limits: WorkspaceLimits,
  sizes: Map<string, number>
): PipelineError {
  const largest = [...sizes].sort((a, b) => b[1] - a[1]).slice(0, 3);
  const limit =
    sizeBytes > limits.sizeBytes ? formatSize(limits.sizeBytes) : `${limits.files.toLocaleString('en')} files`;
  return new PipelineError(
    `A run works in a copy of ‘${root}’, but that holds ${formatSize(sizeBytes)} in ${files.toLocaleString('en')} files, more than the limit of ${limit}. ` +
      `Largest: ${largest.map(([name, size]) => `‘${name}’ (${formatSize(size)})`).join(', ')}. ` +
      'Name what the steps do not read in a file ‘.sluiceignore’ there (written like .gitignore), move the notebook to a folder of its own, or set SLUICE_WORKSPACE_LIMIT, e.g. to 10GB.',
    'workspace-too-large',
    { detail: { sizeBytes, files, largest: Object.fromEntries(largest) } }
  );
}

export function formatSize(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(2))} ${units[power]}`;
}

/** A link that stays within the folder leads to the copy; one that leaves it leads to where it did. */
async function findTarget(root: string, path: string): Promise<string> {
  const link = await readlink(join(root, path));
  const here = dirname(join(root, path));
  const target = resolve(here, link);
  const isInside = target === root || target.startsWith(root + sep);
  if (isInside) return isAbsolute(link) ? relative(here, target) || '.' : link;
  return target;
}

async function prune(to: string, copied: Map<string, string>, folders: readonly string[]): Promise<void> {
  await inParallel([...copied], 16, async ([path, before]) => {
    const stats = await lstat(join(to, path)).catch(() => undefined);
    if (stats !== undefined && fingerprint(stats) === before) await rm(join(to, path), { force: true });
  });
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
