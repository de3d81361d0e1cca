// Where Sluice keeps its records: one folder `.sluice`, which git ignores by itself and nobody else may read.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PipelineError } from './errors.js';

/** `$SLUICE_HOME`, else the `.sluice` of the nearest folder at or above `start`, else the one in `cwd`. */
export function findHome(env: NodeJS.ProcessEnv, start: string, cwd: string): string {
  if (env.SLUICE_HOME) return resolve(cwd, env.SLUICE_HOME);
  const begin = existsSync(start) ? realpathSync(start) : resolve(start);
  for (let folder = begin; ; folder = dirname(folder)) {
    const home = join(folder, '.sluice');
    if (statSync(home, { throwIfNoEntry: false })?.isDirectory()) return home;
    if (folder === dirname(folder)) return join(resolve(cwd), '.sluice');
  }
}

/**
 * Make the folder where it is missing. Returns its real path.
 * @throws PipelineError `storage` when it can't be one; what the system says where it may not be made
 */
export function openHome(home: string): string {
  try {
    makeFolder(join(home, 'runs'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'it can’t be made there' : 'a part of that path is a file';
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EEXIST') throw cause;
    throw new PipelineError(`Records can’t be kept in ‘${home}’: ${reason}. Set SLUICE_HOME to a folder.`, 'storage', {
      cause
    });
  }
  const ignore = join(home, '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  return realpathSync(home);
}

// Node's own way to make a folder with those above it tries forever where the system lets nobody make one, as below /proc
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error; // else another was quicker
  }
}

export function runFolder(home: string, run: string): string {
  return join(home, 'runs', run);
}

export function logFile(home: string, run: string, step: string): string {
  return join(runFolder(home, run), `${fileName(step)}.log`);
}

/** longest part of a path, in characters; file systems take 255, and a suffix has to fit as well */
const longest = 200;

/** A step's name as a file's name: whatever a path could trip over is written as %XX. Two names never give the same. */
export function fileName(step: string): string {
  const name = encodeURIComponent(step).replace(/^\./, '%2E');
  if (name.length <= longest) return name;
  return `${name.slice(0, longest - 17)}-${createHash('sha256').update(step).digest('hex').slice(0, 16)}`;
}
