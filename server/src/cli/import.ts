// `sluice import`: Kale's notebooks and Elyra's pipelines as notebooks with steps, and a sentence for each thing that is not kept.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { importElyra, importKale, readElyra, readNotebook, type Import } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { readNamedFile } from './files.js';

const help = `sluice import FILE... [-o FOLDER] [--separate]

Make notebooks with steps of Elyra's pipelines (FILE.pipeline) and of Kale's notebooks (FILE.ipynb, which also open and run as they are).
What is not kept is told. Nothing is overwritten.

  -o, --output FOLDER    write there instead of beside FILE
  --separate             a notebook for each node of an Elyra pipeline, instead of one with a step for each
`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const options = { output: { type: 'string', short: 'o' }, separate: { type: 'boolean', default: false } } as const;
  const { values, positionals } = readArgs(args, options, { names: 'FILE', least: 1, most: Infinity });
  for (const file of positionals) {
    const path = resolve(io.cwd, file);
    const folder = values.output === undefined ? dirname(path) : resolve(io.cwd, values.output);
    const name = basename(path, extname(path));
    const isPipeline = extname(path) === '.pipeline';
    const { text } = await readNamedFile(file, io.cwd);
    const { notebooks, notes } = isPipeline
      ? await readPipeline(file, text, path, values.separate)
      : importKale(checkKale(file, text), name);
    await mkdir(folder, { recursive: true });
    for (const { name: own, notebook, steps } of notebooks) {
      const target = await writeNew(join(folder, own), isPipeline ? '' : '.sluice', notebook);
      await write(io.stdout, `${relative(io.cwd, target) || target}  ${steps} ${steps === 1 ? 'step' : 'steps'}\n`);
    }
    for (const note of notes) io.stderr.write(`${file}: ${note}\n`);
  }
  return 0;
}

async function readPipeline(named: string, text: string, path: string, separate: boolean): Promise<Import> {
  const pipeline = readElyra(text);
  if (typeof pipeline === 'string') throw new PipelineError(`‘${named}’: ${pipeline}`, 'invalid-notebook');
  if (pipeline.nodes.length === 0)
    throw new PipelineError(
      [`‘${named}’ has no node that runs a notebook or a Python script.`, ...pipeline.notes].join('\n'),
      'invalid-notebook'
    );
  const files = new Map<string, string>();
  for (const { file } of pipeline.nodes) {
    const own = await readText(resolve(dirname(path), file));
    if (own !== undefined) files.set(file, own);
  }
  return importElyra(pipeline, files, basename(path, extname(path)), separate);
}

function checkKale(named: string, text: string): Record<string, unknown> {
  const { notebook, diagnostics } = readNotebook(text);
  if (notebook === undefined) throw new PipelineError(`‘${named}’: ${diagnostics[0]!.message}`, 'invalid-notebook');
  if (notebook.metadata.kubeflow_notebook === undefined)
    throw new PipelineError(
      `‘${named}’ is no notebook of Kale's: its metadata have no ‘kubeflow_notebook’. Sluice opens notebooks as they are.`,
      'usage'
    );
  return JSON.parse(text.replace(/^\uFEFF/, '')) as Record<string, unknown>;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

// The first free of NAME.ipynb, NAME.sluice.ipynb, NAME.sluice-2.ipynb, …
async function writeNew(stem: string, suffix: string, notebook: object): Promise<string> {
  const text = `${JSON.stringify(notebook, null, 1)}\n`;
  for (let n = 1; ; n++) {
    const target = `${stem}${n === 1 ? suffix : `.sluice${n === 2 && suffix === '' ? '' : `-${n}`}`}.ipynb`;
    try {
      await writeFile(target, text, { flag: 'wx' });
      return target;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export const importCommand: Command = { help, run };
