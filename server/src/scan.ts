// What a run copies: the notebook's folder, and what its steps name outside of it (`../data/rides.csv`), but not version control,
// environments, caches, or what `.sluiceignore` says.
import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { PipelineError } from './errors.js';
import { isWithin } from './paths.js';
import { formatSize } from './words.js';

export interface WorkspaceLimits {
  readonly sizeBytes: number;
  readonly files: number;
}

export interface WorkspaceScan {
  /** the folder to which entries' paths are relative; the notebook's or one above it */
  readonly base: string;
  /** the notebook's folder, relative to `base` */
  readonly folder: string;
  /** folders before what is in them */
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly stats: Stats;
}

const leftOut = new Set([
  ...['.sluice', '.git', '.hg', '.svn', 'node_modules', '.venv', 'venv', '__pycache__', '.ipynb_checkpoints'],
  ...['.mypy_cache', '.pytest_cache', '.ruff_cache', '.tox']
]);

/**
 * Look through the folder, and through the paths `outside` of it, which are relative to it. `home` has our own records.
 * @throws PipelineError `workspace-too-large`
 */
export async function scanWorkspace(
  from: string,
  outside: readonly string[],
  limits: WorkspaceLimits,
  home: string
): Promise<WorkspaceScan> {
  const folder = await realpath(from);
  const roots = [folder];
  const folders = new Set<string>();
  for (const path of outside.map(path => resolve(folder, path))) {
    const stats = await lstat(path).catch(() => undefined);
    if (stats === undefined || isWithin(path, homedir()))
      folders.add(dirname(path)); // a place to write to
    else roots.push(path);
  }
  const outermost = roots.filter(root => !roots.some(other => other !== root && isWithin(other, root)));
  const base = commonFolder([folder, ...outermost.map(root => (root === folder ? root : dirname(root))), ...folders]);
  const scan = new Scan(base, folder, limits, home);
  for (const path of [folder, ...outermost.map(dirname), ...folders]) await scan.addFoldersTo(path);
  for (const root of new Set(outermost)) await scan.add(root);
  scan.checkLimits();
  return { base, folder: relative(base, folder), entries: [...scan.entries.values()] };
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

class Scan {
  readonly entries = new Map<string, Entry>();
  private sizeBytes = 0;
  private files = 0;
  /** of what is directly in the notebook's folder, or named outside */
  private readonly sizes = new Map<string, number>();

  constructor(
    private readonly base: string,
    private readonly folder: string,
    private readonly limits: WorkspaceLimits,
    private readonly home: string
  ) {}

  /** The folders from the base down to this one, empty. */
  async addFoldersTo(path: string): Promise<void> {
    if (path === this.base || !isWithin(this.base, path)) return;
    await this.addFoldersTo(dirname(path));
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isDirectory())
      this.entries.set(relative(this.base, path), { path: relative(this.base, path), kind: 'folder', stats });
  }

  /** A file, or a folder with all that is in it. */
  async add(root: string): Promise<void> {
    const stats = await lstat(root);
    if (!stats.isDirectory()) return this.addFile(root, stats, root);
    const ignored = await readIgnored(root);
    const folders = [root];
    // far beyond the limit there is nothing more to learn
    while (folders.length > 0 && this.files <= this.limits.files * 4) {
      const folder = folders.pop()!;
      const children = await readdir(folder, { withFileTypes: true }).catch(() => []);
      if (folder !== root && children.some(child => child.name === 'pyvenv.cfg')) continue; // an environment by another name
      await this.addFoldersTo(folder);
      for (const child of children) {
        const path = join(folder, child.name);
        const name = relative(root, path).split(sep).join('/');
        if (leftOut.has(child.name) || path === this.home || ignored.ignores(child.isDirectory() ? `${name}/` : name))
          continue;
        if (child.isDirectory()) folders.push(path);
        else {
          const stats = await lstat(path).catch(() => undefined);
          if (stats !== undefined) this.addFile(path, stats, root);
        }
      }
    }
  }

  checkLimits(): void {
    const { sizeBytes, files, limits, folder } = this;
    if (sizeBytes <= limits.sizeBytes && files <= limits.files) return;
    const largest = [...this.sizes].sort((a, b) => b[1] - a[1]).slice(0, 3);
    const limit =
      sizeBytes > limits.sizeBytes ? formatSize(limits.sizeBytes) : `${limits.files.toLocaleString('en')} files`;
    throw new PipelineError(
      `A run works in a copy of ‘${folder}’, but that holds ${formatSize(sizeBytes)} in ${files.toLocaleString('en')} files, more than the limit of ${limit}. ` +
        `Largest: ${largest.map(([name, size]) => `‘${name}’ (${formatSize(size)})`).join(', ')}. ` +
        'Name what the steps do not read in a file ‘.sluiceignore’ there (written like .gitignore), move the notebook to a folder of its own, or set SLUICE_WORKSPACE_LIMIT, e.g. to 10GB.',
      'workspace-too-large',
      { detail: { sizeBytes, files, largest: Object.fromEntries(largest) } }
    );
  }

  private addFile(path: string, stats: Stats, root: string): void {
    if (!stats.isFile() && !stats.isSymbolicLink()) return; // a socket or a device can't be copied
    const entry = relative(this.base, path);
    if (this.entries.has(entry)) return;
    this.entries.set(entry, { path: entry, kind: stats.isFile() ? 'file' : 'link', stats });
    this.files++;
    this.sizeBytes += stats.size;
    const top = root === this.folder ? relative(root, path).split(sep)[0]! : relative(this.folder, root);
    this.sizes.set(top, (this.sizes.get(top) ?? 0) + stats.size);
  }
}

async function readIgnored(root: string): Promise<Ignore> {
  return ignore().add(await readFile(join(root, '.sluiceignore'), 'utf8').catch(() => ''));
}

function commonFolder(paths: readonly string[]): string {
  let common = paths[0]!;
  for (const path of paths) while (!isWithin(common, path)) common = dirname(common);
  return common;
}
