// What Python a step runs on, and which packages are installed there. Python is asked once for its folders; the packages are the names of
// folders in them, listed again only when a folder has changed.
import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import type { Kernel } from '../kernels.js';
import type { Sql } from '../database.js';
import { hashText } from './hashes.js';

export interface Environment {
  readonly id: string;
  /** as `sys.version` says it */
  readonly python: string;
  /** version by name */
  readonly packages: Readonly<Record<string, string>>;
}

interface Folders {
  readonly python: string;
  readonly path: readonly string[];
}

const question = 'import json, sys; print(json.dumps({"python": sys.version, "path": [p for p in sys.path if p]}))';

/** Undefined where Python does not tell. The environment is kept under its id. */
export async function readEnvironment(
  sql: Sql,
  kernel: Kernel,
  env: NodeJS.ProcessEnv
): Promise<Environment | undefined> {
  const known = sql.get(
    'SELECT folders, marks, environment FROM kernels WHERE kernel = ?',
    await identify(kernel, env)
  );
  let folders = known && (JSON.parse(known.folders as string) as Folders);
  const marks = folders && (await markAll(folders.path));
  if (known !== undefined && marks === known.marks) {
    const environment = recall(sql, known.environment as string);
    if (environment !== undefined) return environment;
  }
  // a file `.pth` among the packages may have added a folder
  folders = await askPython(kernel, env);
  if (folders === undefined) return undefined;
  const environment = await list(folders);
  sql.run(
    'INSERT OR IGNORE INTO environments (id, json) VALUES (?, ?)',
    ...[environment.id, JSON.stringify({ python: environment.python, packages: environment.packages })]
  );
  sql.run(
    'INSERT OR REPLACE INTO kernels (kernel, folders, marks, environment) VALUES (?, ?, ?, ?)',
    ...[await identify(kernel, env), JSON.stringify(folders), await markAll(folders.path), environment.id]
  );
  return environment;
}

/** An environment of a past run. */
export function recall(sql: Sql, id: string): Environment | undefined {
  const row = sql.get('SELECT json FROM environments WHERE id = ?', id);
  return row && { id, ...(JSON.parse(row.json as string) as Omit<Environment, 'id'>) };
}

/** What decides which folders Python looks into, but for what is in them. */
async function identify({ python, env: own }: Kernel, env: NodeJS.ProcessEnv): Promise<string> {
  const all: NodeJS.ProcessEnv = { ...env, ...own };
  const variables = Object.keys(all)
    .filter(name => /^(PYTHON|CONDA|VIRTUAL_ENV$|HOME$|PATH$)/.test(name))
    .sort()
    .map(name => [name, all[name]]);
  return hashText(JSON.stringify([python, await mark(python.at(-1)!), variables]));
}

async function list({ python, path }: Folders): Promise<Environment> {
  const packages: Record<string, string> = {};
  for (const folder of [...path].reverse())
    for (const name of await readdir(folder).catch(() => [])) {
      const [, project, version] = /^(.+?)-([^-]+?)(?:-py[\d.]+)?\.(?:dist|egg)-info$/.exec(name) ?? [];
      if (project !== undefined) packages[project.toLowerCase().replaceAll(/[-_.]+/g, '-')] = version!;
    }
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { id: hashText(JSON.stringify([python, sorted])), python, packages: sorted };
}

function askPython({ python, env: own }: Kernel, env: NodeJS.ProcessEnv): Promise<Folders | undefined> {
  const [program, ...rest] = python as [string, ...string[]];
  return new Promise(resolve => {
    execFile(program, [...rest, '-c', question], { env: { ...env, ...own }, timeout: 30_000 }, (error, stdout) => {
      resolve(error === null ? (JSON.parse(stdout.trim().split('\n').at(-1)!) as Folders) : undefined);
    });
  });
}

async function markAll(folders: readonly string[]): Promise<string> {
  return hashText((await Promise.all(folders.map(mark))).join('\n'));
}

/** Changes with what is directly in a folder, or with a file. */
async function mark(path: string): Promise<string> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats === undefined ? '' : `${stats.mtimeNs} ${stats.ino}`;
}
