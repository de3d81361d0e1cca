// Files named on the command line.
import { lstat, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { didYouMean } from '@sluice/core';
import { PipelineError } from '../errors.js';

export interface NamedFile {
  /** absolute */
  readonly path: string;
  readonly text: string;
}

/** @throws PipelineError `not-found` or `usage`, in a person's words */
export async function readNamedFile(name: string, cwd: string): Promise<NamedFile> {
  const path = resolve(cwd, name);
  const stats = await stat(path).catch(async (cause: unknown) => {
    throw new PipelineError(await describeLack(name, path), 'not-found', { cause });
  });
  if (stats.isDirectory()) throw new PipelineError(`‘${name}’ is a folder. Name a notebook in it.`, 'usage');
  const bytes = await readFile(path);
  const text = decode(bytes);
  if (!isIr(path) && extname(path) !== '.ipynb' && !/^\s*\{/.test(text ?? ''))
    throw new PipelineError(
      `‘${name}’ is not a notebook. Name one, which is a file that ends with .ipynb as a rule.`,
      'usage'
    );
  if (text === undefined)
    throw new PipelineError(
      `‘${name}’ is not text in UTF-8, as notebooks are. Restore the file, or save it again.`,
      'usage'
    );
  return { path, text };
}

export async function readNotebookFile(name: string, cwd: string): Promise<NamedFile> {
  const file = await readNamedFile(name, cwd);
  if (isIr(file.path))
    throw new PipelineError(`‘${name}’ is a compiled pipeline. Name the notebook it came from.`, 'usage');
  return file;
}

/** @throws PipelineError `usage` when it can't be written */
export async function writeNamedFile(name: string, cwd: string, text: string): Promise<void> {
  const path = resolve(cwd, name);
  await writeFile(path, text).catch((cause: NodeJS.ErrnoException) => {
    const reasons: Record<string, string> = {
      EISDIR: 'it is a folder',
      ENOENT: `there is no folder ‘${dirname(path)}’`,
      ENOTDIR: `‘${dirname(path)}’ is no folder`,
      EACCES: 'you may not write there',
      EPERM: 'you may not write there',
      EROFS: 'nothing can be written there'
    };
    const reason = reasons[cause.code ?? ''];
    if (reason === undefined) throw cause;
    throw new PipelineError(`‘${name}’ can’t be written: ${reason}. Name another file.`, 'usage', { cause });
  });
}

export function isIr(path: string): boolean {
  return ['.yaml', '.yml'].includes(extname(path).toLowerCase());
}

/** Undefined where it is not UTF-8. */
function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function describeLack(name: string, path: string): Promise<string> {
  if ((await lstat(path).catch(() => undefined))?.isSymbolicLink())
    return `‘${name}’ is a link to ‘${await readlink(path)}’, which is not there.`;
  const beside = (await readdir(dirname(path)).catch(() => [])).filter(
    file => extname(file) === '.ipynb' || isIr(file)
  );
  const wanted = basename(path);
  const whole = beside.includes(`${wanted}.ipynb`) ? ` Did you mean ‘${wanted}.ipynb’?` : didYouMean(wanted, beside);
  return `There is no file ‘${name}’.${whole}`;
}
