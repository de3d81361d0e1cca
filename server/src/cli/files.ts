// Files named on the command line.
import { readFile, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { PipelineError } from '../errors.js';

export interface NamedFile {
  /** absolute */
  readonly path: string;
  readonly text: string;
}

/** @throws PipelineError `not-found` or `usage`, in a person's words */
export async function readNamedFile(name: string, cwd: string): Promise<NamedFile> {
  const path = resolve(cwd, name);
  const stats = await stat(path).catch((cause: unknown) => {
    throw new PipelineError(`There is no file ‘${name}’.`, 'not-found', { cause });
  });
  if (stats.isDirectory()) throw new PipelineError(`‘${name}’ is a folder. Name a notebook in it.`, 'usage');
  return { path, text: await readFile(path, 'utf8') };
}

export async function readNotebookFile(name: string, cwd: string): Promise<NamedFile> {
  const file = await readNamedFile(name, cwd);
  if (isIr(file.path))
    throw new PipelineError(`‘${name}’ is a compiled pipeline. Name the notebook it came from.`, 'usage');
  return file;
}

export function isIr(path: string): boolean {
  return ['.yaml', '.yml'].includes(extname(path).toLowerCase());
}
