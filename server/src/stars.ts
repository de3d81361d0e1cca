// What `from module import *` binds in a notebook. A module beside the notebook is read, never run; any other one is imported by the Python of the
// notebook's kernel, in a process of its own. What that answers is kept until something is installed there.
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { absolute, type Analyzer, type StarNames } from '@sluice/core';
import { readModule } from './beside.js';
import { readKernel, type Kernel } from './kernels.js';

/** Where a notebook's modules come from. */
export interface ModuleSource {
  /** the notebook's */
  readonly folder: string;
  /** the kernel's name; undefined: the default one */
  readonly kernel: string | undefined;
}

export interface StarOptions {
  readonly env: NodeJS.ProcessEnv;
  /** where the program is that the kernel's Python runs */
  readonly packagesFolder: string;
  readonly analyzer: Analyzer;
}

/** some modules take their time to be imported; a notebook is not held up for longer */
const timeoutMs = 20_000;

export class StarLibrary {
  private readonly answers = new Map<string, Answer>();
  private readonly told = new Map<string, StarNames>();

  constructor(private readonly options: StarOptions) {}

  /** What was found last for that notebook's folder and kernel; it may be out of date. */
  known(source: ModuleSource): StarNames | undefined {
    return this.told.get(keyOf(source));
  }

  /** The same object as last time where nothing has changed. Modules that nobody can look into are left out. */
  async find(modules: readonly string[], source: ModuleSource): Promise<StarNames> {
    const search = new LocalSearch(this.options.analyzer, source.folder);
    const needs = await Promise.all(modules.map(module => search.look(module)));
    const others = [...new Set(needs.flatMap(need => need?.modules ?? []))];
    const installed = others.length === 0 ? new Map<string, readonly string[]>() : await this.ask(others, source);
    const found = new Map<string, readonly string[]>();
    modules.forEach((module, index) => {
      const need = needs[index];
      const parts = need?.modules.map(other => installed.get(other));
      if (!need || !parts?.every(part => part !== undefined)) return;
      const isAsked = need.modules[0] === module;
      const theirs = parts.flat().filter(name => isAsked || isPublic(name));
      found.set(module, [...new Set([...need.names, ...theirs])]);
    });
    const before = this.told.get(keyOf(source));
    if (before && areSame(before, found)) return before;
    this.told.set(keyOf(source), found);
    return found;
  }

  private async ask(modules: readonly string[], { kernel: name }: ModuleSource): Promise<StarNames> {
    const { env } = this.options;
    const kernel = await readKernel(name ?? 'python3', env).catch(() => undefined);
    if (kernel === undefined) return new Map();
    const key = JSON.stringify(kernel);
    const before = this.answers.get(key);
    const isFresh = before !== undefined && (await stampOf(before.path)) === before.stamp;
    const kept = isFresh ? before.names : new Map<string, readonly string[] | undefined>();
    const open = modules.filter(module => !kept.has(module));
    if (open.length === 0) return knownOf(kept);
    const told = await this.askEach(kernel, open);
    const names = new Map([...kept, ...open.map(module => [module, told.names[module]] as const)]);
    const path = told.path.length > 0 ? told.path : (before?.path ?? [dirname(kernel.python[0]!)]);
    this.answers.set(key, { names, path, stamp: await stampOf(path) });
    return knownOf(names);
  }

  /** All at once; where one of them brings the process down or takes too long, each by itself. */
  private async askEach(kernel: Kernel, modules: readonly string[]): Promise<Told> {
    const { env, packagesFolder } = this.options;
    const all = await askPython(kernel, packagesFolder, modules, env);
    if (all !== undefined || modules.length === 1) return all ?? nothing;
    const each = await Promise.all(modules.map(module => askPython(kernel, packagesFolder, [module], env)));
    return {
      names: Object.assign({}, ...each.map(told => told?.names)) as Told['names'],
      path: each.find(told => told !== undefined)?.path ?? []
    };
  }
}

interface Answer {
  /** undefined for a module that cannot be imported */
  readonly names: ReadonlyMap<string, readonly string[] | undefined>;
  /** the folders that modules come from, and when something was last installed there */
  readonly path: readonly string[];
  readonly stamp: string;
}

const keyOf = ({ folder, kernel }: ModuleSource): string => JSON.stringify([folder, kernel]);

const knownOf = (names: Answer['names']): StarNames =>
  new Map([...names].flatMap(([module, list]) => (list === undefined ? [] : [[module, list] as const])));

async function stampOf(path: readonly string[]): Promise<string> {
  const times = path.map(async folder => (await stat(folder).catch(() => undefined))?.mtimeMs);
  return JSON.stringify(await Promise.all(times));
}

function areSame(a: StarNames, b: StarNames): boolean {
  return a.size === b.size && [...a].every(([module, names]) => names.join() === b.get(module)?.join());
}

interface Told {
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly path: readonly string[];
}

const nothing: Told = { names: {}, path: [] };

/** Undefined where that Python can't be started, or takes too long. */
function askPython(
  { python, env: own }: Kernel,
  packagesFolder: string,
  modules: readonly string[],
  env: NodeJS.ProcessEnv
): Promise<Told | undefined> {
  const [command, ...rest] = python as [string, ...string[]];
  return new Promise(resolve => {
    // not in the notebook's folder: what lies there is read, never run
    const options = { cwd: packagesFolder, env: { ...env, ...own }, timeout: timeoutMs, maxBuffer: 16 << 20 };
    const child = execFile(command, [...rest, join(packagesFolder, 'exports.py')], options, (error, stdout) =>
      resolve(error === null ? (JSON.parse(stdout) as Told) : undefined)
    );
    child.stdin!.on('error', () => undefined).end(JSON.stringify({ modules }));
  });
}

/** What is known of a module from source alone, and the modules that must be asked for the rest. */
interface LocalNames {
  readonly names: readonly string[];
  readonly modules: readonly string[];
}

/** Looks into modules beside the notebook, and those that they import `*` of. */
class LocalSearch {
  private readonly open = new Set<string>();

  constructor(
    private readonly analyzer: Analyzer,
    private readonly folder: string
  ) {}

  /** Undefined where the module is there, but only running it would tell. */
  async look(module: string): Promise<LocalNames | undefined> {
    const found = await readModule(this.folder, module);
    if (found === undefined) return { names: [], modules: [module] };
    if (this.open.has(module)) return { names: [], modules: [] }; // two that import each other
    this.open.add(module);
    const given = this.analyzer.exportsOf(found.source, found.isPackage);
    const parts = given && (await this.lookAll(given.modules.map(other => absolute(other, module, found.isPackage))));
    this.open.delete(module);
    if (!given || !parts) return undefined;
    const names = [...given.names, ...parts.flatMap(part => part.names).filter(isPublic)];
    return { names, modules: parts.flatMap(part => part.modules) };
  }

  private async lookAll(modules: readonly string[]): Promise<LocalNames[] | undefined> {
    const parts: LocalNames[] = [];
    for (const module of modules) {
      const part = await this.look(module);
      if (!part) return undefined;
      parts.push(part);
    }
    return parts;
  }
}

/** `_x` that another module lists in its `__all__` arrives, but is not handed on. */
const isPublic = (name: string): boolean => !name.startsWith('_');
