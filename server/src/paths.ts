// A path from a request must stay within the server's root, also through links. Everything else in this process takes absolute paths.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { PipelineError } from './errors.js';

/** Contents paths of Jupyter: `/` between parts, relative to the root, with or without a leading slash. */
export function resolveNotebook(root: string, path: string): string {
  return resolveWithin(root, path, 'notebook');
}

export function resolveWithin(root: string, path: string, what: string): string {
  if (path.includes('\0')) throw new PipelineError('A path can’t contain a null character.', 'bad-request');
  const base = realpathSync(root);
  const absolute = resolve(base, `./${path.replace(/^\/+/, '')}`);
  if (!isWithin(base, absolute) || !isWithin(base, realPathOf(absolute)))
    throw new PipelineError(`The ${what} ‘${path}’ is outside the folder that Jupyter serves.`, 'forbidden');
  return absolute;
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** As records keep it: relative to the folder that holds them where the notebook is in it. */
export function storedPath(home: string, path: string): string {
  const base = dirname(home);
  return isWithin(base, path) ? toPosix(relative(base, path)) : path;
}

export function toPosix(path: string): string {
  return path.split(sep).join('/');
}

/** Of a file that need not exist yet: an unsaved notebook has a path, too. */
function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return path === dirname(path) ? path : join(realPathOf(dirname(path)), path.slice(dirname(path).length));
}
