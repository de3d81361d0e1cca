// `sluice compile`: the notebook as a pipeline for Kubeflow, which is also what the local runner executes.
import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { printDiagnostics } from '@sluice/core';
import { Pipelines } from '../pipelines.js';
import { hasErrors } from './check.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { readNotebookFile } from './files.js';

const help = `sluice compile NOTEBOOK [-o FILE]

Print the notebook's pipeline as KFP IR YAML. Any image with Python 3.9 or later runs its steps.

  -o, --output FILE    write there instead of printing
`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(
    args,
    { output: { type: 'string', short: 'o' } },
    { names: 'NOTEBOOK', least: 1, most: 1 }
  );
  const { path, text } = await readNotebookFile(positionals[0]!, io.cwd);
  const pipelines = new Pipelines(io.install);
  const reading = await pipelines.read(text, path);
  io.stderr.write(printDiagnostics(reading.diagnostics, reading.notebook));
  if (hasErrors(reading)) return 2;
  const ir = await pipelines.compile(reading, basename(path));
  if (values.output === undefined) await write(io.stdout, ir);
  else await writeFile(resolve(io.cwd, values.output), ir);
  return 0;
}

export const compile: Command = { help, run };
