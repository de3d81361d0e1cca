// From the words of a command line to a command and an exit status. Commands are read when they are used, which keeps each start quick.
import { didYouMean } from '@sluice/core';
import { errorBody, exitStatus, PipelineError, toPipelineError } from '../errors.js';
import type { Command, Io } from './command.js';

const commands: Record<string, () => Promise<Command>> = {
  check: async () => (await import('./check.js')).check,
  cluster: async () => (await import('./cluster.js')).cluster,
  compile: async () => (await import('./compile.js')).compile,
  fsck: async () => (await import('./fsck.js')).fsck,
  gc: async () => (await import('./gc.js')).gc,
  image: async () => (await import('./image.js')).image,
  import: async () => (await import('./import.js')).importCommand,
  run: async () => (await import('./run.js')).run,
  runs: async () => (await import('./runs.js')).runs,
  snapshots: async () => (await import('./snapshots.js')).snapshots,
  verify: async () => (await import('./verify.js')).verify
};

const help = `Run the steps of a notebook as a pipeline.

  sluice check NOTEBOOK      show the steps, what flows between them and why, and what is wrong
  sluice compile NOTEBOOK    print the pipeline as IR YAML for Kubeflow Pipelines
  sluice run NOTEBOOK        run the pipeline, on this machine or in a cluster
  sluice verify NOTEBOOK     run notebook and pipeline, and compare what they print and bind
  sluice import FILE         make notebooks with steps of Elyra's pipelines and Kale's notebooks
  sluice runs                list past runs; show, compare or cancel one; print its logs
  sluice snapshots           list what the workspace was in runs; compare; get files back
  sluice cluster             what a Kubernetes cluster has and lacks for runs; the snapshots of volumes there
  sluice image               build an image that has the packages of a notebook's kernel
  sluice gc                  remove what nobody needs, and runs that you give up
  sluice fsck                find and name what is damaged

  sluice COMMAND --help      explain a command
  sluice --version           print the version

Exit status: 0 succeeded, 1 failed, 2 wrong usage or invalid notebook, 130 canceled.
`;

export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...args] = argv;
  try {
    if (name === undefined) {
      io.stderr.write(help);
      return 2;
    }
    if (name === '--help' || name === '-h' || name === 'help') {
      const command = args[0] === undefined ? undefined : await findCommand(args[0]);
      io.stdout.write(command?.help ?? help);
      return 0;
    }
    if (name === '--version' || name === '-V') {
      io.stdout.write(`sluice ${io.install.version}\n`);
      return 0;
    }
    const command = await findCommand(name);
    const end = args.indexOf('--');
    if ((end < 0 ? args : args.slice(0, end)).some(arg => arg === '--help' || arg === '-h')) {
      io.stdout.write(command.help);
      return 0;
    }
    return await command.run(args, io);
  } catch (error) {
    return fail(name, error, io);
  }
}

async function findCommand(name: string): Promise<Command> {
  if (Object.hasOwn(commands, name)) return commands[name]!();
  throw new PipelineError(
    `There is no command ‘${name}’.${didYouMean(name, Object.keys(commands)) || ' `sluice --help` lists them.'}`,
    'usage'
  );
}

function fail(command: string | undefined, thrown: unknown, { stderr, env }: Io): number {
  const error = toPipelineError(thrown);
  stderr.write(`sluice: ${errorBody(error).message}\n`);
  if (error.code === 'usage' && command !== undefined && Object.hasOwn(commands, command))
    stderr.write(`\`sluice ${command} --help\` explains.\n`);
  // a fault of ours: its trace is for the report
  if (error.code === 'internal' && error.cause instanceof Error && env.SLUICE_DEBUG)
    stderr.write(`${error.cause.stack}\n`);
  return exitStatus(error);
}
