// `sluice compile`: the notebook as a pipeline for Kubeflow, which is also what the local runner executes.
import { basename, dirname } from 'node:path';
import { compileWorkflow, printDiagnostics, type SnapshotPolicy, type WorkflowOptions } from '@sluice/core';
import { eventsMark, withEnv } from '../argo/workflows.js';
import { PipelineError } from '../errors.js';
import { findNeeds, withPackages } from '../packages.js';
import { Pipelines } from '../pipelines.js';
import { readPlan } from '../runners/plans.js';
import { hasErrors } from './check.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { readNotebookFile, writeNamedFile } from './files.js';

const help = `sluice compile NOTEBOOK [-o FILE] [--format kfp|argo] [OPTION]...

Print the notebook's pipeline as KFP IR YAML, or as an Argo Workflow that runs the same. Any image with Python 3.9 or later runs its steps.

  -o, --output FILE    write there instead of printing
  --format FORMAT      ‘kfp’ (default) or ‘argo’
  --packages           steps bring what they import, in the versions of the notebook's kernel, and run on its Python

For Argo:

  --claim NAME         the claim of the volume that steps work on; without it, the workflow claims one, which is empty
  --snapshots WHEN     snapshots of that volume: ‘off’ (default), ‘start’, or ‘each-step’ for before and after each step
  --service-account NAME
  --events             steps tell their cells, outputs and metrics through their logs, which the list of runs reads
`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(
    args,
    {
      output: { type: 'string', short: 'o' },
      format: { type: 'string', default: 'kfp' },
      packages: { type: 'boolean' },
      claim: { type: 'string' },
      snapshots: { type: 'string', default: 'off' },
      'service-account': { type: 'string' },
      events: { type: 'boolean' }
    },
    { names: 'NOTEBOOK', least: 1, most: 1 }
  );
  if (values.format !== 'kfp' && values.format !== 'argo')
    throw new PipelineError(`There is no format ‘${values.format}’. Formats are ‘kfp’ and ‘argo’.`, 'usage');
  if (!isPolicy(values.snapshots))
    throw new PipelineError(`Snapshots are ‘off’, ‘start’ or ‘each-step’, not ‘${values.snapshots}’.`, 'usage');
  const { claim, snapshots, events = false, 'service-account': serviceAccount } = values;
  const { path, text } = await readNotebookFile(positionals[0]!, io.cwd);
  const pipelines = new Pipelines(io.install, io.env);
  const reading = await pipelines.read(text, path);
  io.stderr.write(printDiagnostics(reading.diagnostics, reading.notebook));
  if (hasErrors(reading)) return 2;
  const plain = await pipelines.compile(reading, basename(path), { isToBeRead: true });
  const ir = values.packages ? await bringPackages(plain, dirname(path), io) : plain;
  const compiled = values.format === 'kfp' ? ir : await toArgo(ir, { claim, snapshots, serviceAccount }, events);
  if (values.output === undefined) await write(io.stdout, compiled);
  else await writeNamedFile(values.output, io.cwd, compiled);
  return 0;
}

function isPolicy(word: string): word is SnapshotPolicy {
  return word === 'off' || word === 'start' || word === 'each-step';
}

async function bringPackages(ir: string, folder: string, { env, install, stderr }: Io): Promise<string> {
  const { packagesFolder } = install;
  const needs = await findNeeds(await readPlan(ir), { env, packagesFolder, folder });
  for (const { text } of needs.problems) stderr.write(`${text}\n`);
  return withPackages(ir, needs, { packagesFolder });
}

async function toArgo(ir: string, options: WorkflowOptions, isTold: boolean): Promise<string> {
  const { readIr } = await import('@sluice/core/ir/read');
  const { printYaml } = await import('@sluice/core/ir/print');
  const workflow = compileWorkflow(readIr(ir), options);
  return printYaml(isTold ? withEnv(workflow, { SLUICE_EVENTS: `log:${eventsMark}` }) : workflow);
}

export const compile: Command = { help, run };
