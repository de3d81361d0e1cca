// What a pipeline's steps need of packages when they run elsewhere: asked of the kernel that the notebook runs on, written into the IR, so
// that each step's pod installs what its image lacks — once a run, where the pods share a volume.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { readStepArgument, type Ir, type Plan } from '@sluice/core';
import { PipelineError } from './errors.js';
import { findKernel, type Kernel } from './kernels.js';
import { defaultImage } from './pipelines.js';

export interface Needs {
  /** of the kernel: `3.12` */
  readonly python: string;
  /** what the steps import, pinned: `pandas==2.2.3` */
  readonly requirements: readonly string[];
  /** those and whatever they need, as it is installed in the kernel */
  readonly constraints: readonly string[];
  /** sources of modules beside the notebook, by path */
  readonly modules: Readonly<Record<string, string>>;
  /** imported, but not there in the kernel either */
  readonly missing: readonly string[];
  readonly problems: readonly PackageProblem[];
}

export interface PackageProblem {
  /** `editable`, `vcs` and `unowned` are worth knowing; the others stand in the way */
  readonly kind: 'editable' | 'vcs' | 'unowned' | 'unavailable' | 'too-large';
  readonly name: string;
  readonly text: string;
}

export interface FindOptions {
  readonly env: NodeJS.ProcessEnv;
  /** where the two programs are */
  readonly packagesFolder: string;
  /** the notebook's */
  readonly folder: string;
}

/** @throws PipelineError `kernel-not-found`; `packages` when something that the steps import can't be had elsewhere */
export async function findNeeds(plan: Plan, { env, packagesFolder, folder }: FindOptions): Promise<Needs> {
  const kernel = await findKernel(plan.kernel, env);
  const needs = await askKernel(kernel, join(packagesFolder, 'needs.py'), { sources: sourcesOf(plan), folder }, env);
  const inTheWay = needs.problems.filter(({ kind }) => kind === 'unavailable' || kind === 'too-large');
  if (inTheWay.length > 0) throw new PipelineError(inTheWay.map(({ text }) => text).join(' '), 'packages');
  return needs;
}

/** All that runs in a step; what is travelling with it from earlier cells as well. */
function sourcesOf({ tasks }: Plan): string[] {
  const sources = tasks.flatMap(({ args }) => {
    const { setup = [], cells = [] } = readStepArgument(args) ?? {};
    return [...setup.flatMap(item => (item.kind === 'source' ? [item.source] : [])), ...cells.map(cell => cell.source)];
  });
  return [...new Set(sources)];
}

function askKernel(
  { python, env: own }: Kernel,
  program: string,
  given: object,
  env: NodeJS.ProcessEnv
): Promise<Needs> {
  const [command, ...rest] = python as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const options = { env: { ...env, ...own }, timeout: 120_000, maxBuffer: 64 << 20 };
    const child = execFile(command, [...rest, program], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Needs);
      else {
        const why = stderr.trim().split('\n').at(-1) || error.message;
        reject(new PipelineError(`The kernel’s packages can’t be listed: ${why}`, 'packages', { cause: error }));
      }
    });
    child.stdin!.on('error', () => undefined).end(JSON.stringify(given));
  });
}

/** The image of a step that names none: Python as the kernel has it. */
export const imageOf = ({ python }: Pick<Needs, 'python'>): string => `python:${python}`;

/** Linux takes 128 KiB an argument */
const longest = 120_000;

/**
 * The IR whose steps bring what they need. `image` takes the place of the default one.
 * @throws PipelineError `packages` when the modules beside the notebook are more than a command can carry
 */
export async function withPackages(
  text: string,
  needs: Needs,
  { packagesFolder, image = imageOf(needs) }: { readonly packagesFolder: string; readonly image?: string }
): Promise<string> {
  const [{ readIr }, { printIr }] = await Promise.all([
    import('@sluice/core/ir/read'),
    import('@sluice/core/ir/print')
  ]);
  const ir = readIr(text);
  const program = await readFile(join(packagesFolder, 'prepare.py'), 'utf8');
  const { python, requirements, constraints, modules } = needs;
  const isNeeded = requirements.length > 0 || Object.keys(modules).length > 0;
  const packed = await promisify(deflate)(JSON.stringify({ python, requirements, constraints, modules }), { level: 9 });
  const argument = packed.toString('base64');
  if (argument.length > longest)
    throw new PipelineError(
      'The modules beside the notebook are too large to travel with its steps. Make a package of them, or name an image that has them.',
      'packages'
    );
  return printIr(
    mapContainers(ir, container => {
      const isOurs = container.command?.[0] === 'python3' && readStepArgument(container.args ?? []) !== undefined;
      return {
        ...container,
        ...(container.image === defaultImage ? { image } : {}),
        ...(isOurs && isNeeded ? { command: ['python3', '-c', program, argument, ...container.command!] } : {})
      };
    })
  );
}

interface Container {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
}

function mapContainers(ir: Ir, change: (container: Container) => Container): Ir {
  const { executors = {}, ...rest } = (ir.pipeline.deploymentSpec ?? {}) as {
    executors?: Record<string, { container?: Container }>;
  };
  const changed = Object.entries(executors).map(([name, executor]) => [
    name,
    executor.container === undefined ? executor : { ...executor, container: change(executor.container) }
  ]);
  return {
    ...ir,
    pipeline: { ...ir.pipeline, deploymentSpec: { ...rest, executors: Object.fromEntries(changed) } as never }
  };
}
