// What a run copies: the notebook's folder, and what its steps name outside of it (`../data/rides.csv`), but not version control,
// environments, caches, or what `.sluiceignore` says. And all that is in such a copy.
import { lstatSync, readFileSync, type BigIntStats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { PipelineError } from './errors.js';
import { isWithin } from './paths.js';
import { readSize } from './sizes.js';
import { at, readFolder } from './snapshots/names.js';
import { makeBreather } from './snapshots/parallel.js';
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
  /** with slashes; bytes that are no UTF-8 as snapshots/names.ts has them */
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly stats: BigIntStats;
}

export interface ScanRules {
  readonly limits: WorkspaceLimits;
  /** our own records */
  readonly home: string;
  /** leave out what `.gitignore` names as well */
  readonly gitignore?: boolean;
}

const leftOut = new Set([
  ...['.sluice', '.git', '.hg', '.svn', 'node_modules', '.venv', 'venv', '__pycache__', '.ipynb_checkpoints'],
  ...['.mypy_cache', '.pytest_cache', '.ruff_cache', '.tox']
]);

/**
 * Look through the folder, and through the paths `outside` of it, which are relative to it.
 * @throws PipelineError `workspace-too-large`
 */
export async function scanWorkspace(
  from: string,
  outside: readonly string[],
  rules: ScanRules
): Promise<WorkspaceScan> {
  const folder = await realpath(from);
  const roots = [folder];
  const folders = new Set<string>();
  for (const path of outside.map(path => resolve(folder, path))) {
    if (describe(path) === undefined || isWithin(path, homedir()))
      folders.add(dirname(path)); // a place to write to
    else roots.push(path);
  }
  const outermost = roots.filter(root => !roots.some(other => other !== root && isWithin(other, root)));
  const base = commonFolder([folder, ...outermost.map(root => (root === folder ? root : dirname(root))), ...folders]);
  const scan = new Scan(base, folder, rules);
  for (const path of [folder, ...outermost.map(dirname), ...folders]) scan.addFoldersTo(path);
  for (const root of new Set(outermost)) await scan.add(root);
  scan.checkLimits();
  return { base, folder: relative(base, folder), entries: [...scan.entries.values()] };
}

/** All that is in a run's own copy: what its steps wrote counts, whatever it is called. */
export async function scanCopy(base: string, onBytecode?: (path: string) => void): Promise<Entry[]> {
  const entries: Entry[] = [];
  const breathe = makeBreather();
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(at(base, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (name === '__pycache__') {
        onBytecode?.(path); // written by reading
        continue;
      }
      const entry = toEntry(path, describe(at(base, path)));
      if (entry === undefined) continue;
      entries.push(entry);
      if (entry.kind === 'folder') folders.push(path);
    }
    await breathe();
  }
  return entries;
}

/** What is at one path; undefined where there is nothing that can be copied. */
export function lookAt(base: string, path: string): Entry | undefined {
  return toEntry(path, describe(at(base, path)));
}

/** Bytes and files a run may copy: 2 GB in 50,000 files, or as SLUICE_WORKSPACE_LIMIT says (`5GB`, `500M`, a number of bytes). */
export function workspaceLimits(env: NodeJS.ProcessEnv): WorkspaceLimits {
  const sizeBytes = readSize(env, 'SLUICE_WORKSPACE_LIMIT');
  return sizeBytes === undefined ? { sizeBytes: 2e9, files: 50_000 } : { sizeBytes, files: Infinity };
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
    private readonly rules: ScanRules
  ) {}

  /** The folders from the base down to this one, empty. */
  addFoldersTo(path: string): void {
    if (path === this.base || !isWithin(this.base, path)) return;
    this.addFoldersTo(dirname(path));
    const entry = toEntry(relative(this.base, path), describe(path));
    if (entry?.kind === 'folder') this.entries.set(entry.path, entry);
  }

  /** A file, or a folder with all that is in it. */
  async add(root: string): Promise<void> {
    const prefix = relative(this.base, root);
    const top = toEntry(prefix, describe(root));
    if (top !== undefined && top.kind !== 'folder') return this.addFile(top, root, relative(this.folder, root));
    const { limits, home, gitignore } = this.rules;
    const ignored = new IgnoreRules(root, gitignore === true);
    const breathe = makeBreather();
    const folders = [''];
    // far beyond the limit there is nothing more to learn
    while (folders.length > 0 && this.files <= limits.files * 4) {
      const folder = folders.pop()!;
      const names = namesIn(at(root, folder));
      if (folder !== '' && names.includes('pyvenv.cfg')) continue; // an environment by another name
      this.addEntry(prefix, folder, describe(at(root, folder)));
      ignored.enter(folder, names);
      for (const name of names) {
        const path = folder === '' ? name : `${folder}/${name}`;
        if (leftOut.has(name) || join(root, path) === home) continue;
        const stats = describe(at(root, path));
        if (stats === undefined || ignored.ignores(stats.isDirectory() ? `${path}/` : path)) continue;
        if (stats.isDirectory()) folders.push(path);
        else this.addEntry(prefix, path, stats);
      }
      await breathe();
    }
  }

  private addEntry(prefix: string, path: string, stats: BigIntStats | undefined): void {
    const entry = toEntry([prefix, path].filter(part => part !== '').join('/'), stats);
    if (entry?.path === '') return;
    if (entry?.kind === 'folder') this.entries.set(entry.path, entry);
    else if (entry !== undefined) this.addFile(entry, join(this.base, prefix), path.split('/')[0]!);
  }

  checkLimits(): void {
    const { sizeBytes, files, folder } = this;
    const { limits } = this.rules;
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

  private addFile(entry: Entry, root: string, top: string): void {
    if (this.entries.has(entry.path)) return;
    this.entries.set(entry.path, entry);
    const size = Number(entry.stats.size);
    this.files++;
    this.sizeBytes += size;
    const name = root === this.folder ? top : relative(this.folder, root);
    this.sizes.set(name, (this.sizes.get(name) ?? 0) + size);
  }
}

/** What `.sluiceignore` at the top names and, where wanted, each `.gitignore` from the repository's top down. */
class IgnoreRules {
  private readonly rules: { readonly folder: string; readonly rule: Ignore }[] = [];
  /** from the repository's top to the root, with a slash at its end */
  private readonly above: string = '';

  constructor(
    private readonly root: string,
    private readonly gitignore: boolean
  ) {
    this.addRule('.', readText(join(root, '.sluiceignore')));
    const repository = gitignore ? findRepository(root) : undefined;
    if (repository === undefined) return;
    const parts = relative(repository, root)
      .split(sep)
      .filter(part => part !== '');
    this.above = parts.map(part => `${part}/`).join('');
    for (let depth = 0; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      this.addRule(`/${folder}`, readText(join(repository, folder, '.gitignore')));
    }
  }

  enter(folder: string, names: readonly string[]): void {
    if (this.gitignore && names.includes('.gitignore'))
      this.addRule(`/${this.above}${folder}`, readText(at(this.root, `${folder}/.gitignore`.replace(/^\//, ''))));
  }

  ignores(path: string): boolean {
    return this.rules.some(({ folder, rule }) => {
      if (folder === '.') return rule.ignores(path);
      const whole = `/${this.above}${path}`;
      const start = folder.endsWith('/') ? folder : `${folder}/`;
      return whole.startsWith(start) && whole.length > start.length && rule.ignores(whole.slice(start.length));
    });
  }

  private addRule(folder: string, text: string): void {
    if (text !== '') this.rules.push({ folder, rule: ignore().add(text) });
  }
}

function findRepository(folder: string): string | undefined {
  for (; ; folder = dirname(folder)) {
    if (describe(join(folder, '.git')) !== undefined) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function readText(path: string | Buffer): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A folder that can't be looked into shows as empty. */
function namesIn(folder: string | Buffer): string[] {
  try {
    return readFolder(folder);
  } catch {
    return [];
  }
}

/** Undefined where there is nothing. */
function describe(path: string | Buffer): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // e.g. in a folder that can't be searched
  }
}

/** Undefined for a socket or a device, which can't be copied. */
function toEntry(path: string, stats: BigIntStats | undefined): Entry | undefined {
  const kind = stats?.isFile()
    ? 'file'
    : stats?.isSymbolicLink()
      ? 'link'
      : stats?.isDirectory()
        ? 'folder'
        : undefined;
  return kind && { path, kind, stats: stats! };
}

function commonFolder(paths: readonly string[]): string {
  let common = paths[0]!;
  for (const path of paths) while (!isWithin(common, path)) common = dirname(common);
  return common;
}
