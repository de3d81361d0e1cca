// `sluice compile`: the notebook as a pipeline for Kubeflow, which is also what the local runner executes.
import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { compileWorkflow, printDiagnostics, printWorkflow } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { Pipelines } from '../pipelines.js';
import { hasErrors } from './check.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { readNotebookFile } from './files.js';

const help = `sluice compile NOTEBOOK [-o FILE] [--format kfp|argo]

Print the notebook's pipeline as KFP IR YAML, or as an Argo Workflow that runs the same. Any image with Python 3.9 or later runs its steps.

  -o, --output FILE    write there instead of printing
  --format FORMAT      ‘kfp’ (default) or ‘argo’
`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(
    args,
    { output: { type: 'string', short: 'o' }, format: { type: 'string', default: 'kfp' } },
    { names: 'NOTEBOOK', least: 1, most: 1 }
  );
  if (values.format !== 'kfp' && values.format !== 'argo')
    throw new PipelineError(`There is no format ‘${values.format}’. Formats are ‘kfp’ and ‘argo’.`, 'usage');
  const { path, text } = await readNotebookFile(positionals[0]!, io.cwd);
  const pipelines = new Pipelines(io.install);
  const reading = await pipelines.read(text, path);
  io.stderr.write(printDiagnostics(reading.diagnostics, reading.notebook));
  if (hasErrors(reading)) return 2;
  const ir = await pipelines.compile(reading, basename(path));
  const compiled = values.format === 'kfp' ? ir : await toArgo(ir);
  if (values.output === undefined) await write(io.stdout, compiled);
  else await writeFile(resolve(io.cwd, values.output), compiled);
  return 0;
}

async function toArgo(ir: string): Promise<string> {
  const { readIr } = await import('@sluice/core/ir/read');
  return printWorkflow(compileWorkflow(readIr(ir)));
}

export const compile: Command = { help, run };
