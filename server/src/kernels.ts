// A notebook names a kernel; its steps run in that kernel's Python. This module finds the kernelspec as Jupyter does, and the command that starts its Python.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { PipelineError } from './errors.js';

export interface Kernel {
  readonly name: string;
  /** what starts its Python, e.g. `["/opt/env/bin/python"]` or `["conda", "run", "-n", "env", "python"]` */
  readonly python: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface KernelSpec {
  readonly argv?: unknown;
  readonly env?: unknown;
  readonly language?: unknown;
}

/**
 * The kernel of that name, its Python started once to see that it is there and at least 3.9.
 * @throws PipelineError `kernel-not-found`, naming the kernels that there are.
 */
export async function findKernel(name: string | undefined, env: NodeJS.ProcessEnv): Promise<Kernel> {
  const wanted = name ?? 'python3';
  const kernel = await readKernel(wanted, env);
  await checkPython(kernel, env);
  return kernel;
}

/** Names of the kernels that Jupyter would offer, sorted. */
export async function listKernels(env: NodeJS.ProcessEnv): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of kernelFolders(env))
    for (const entry of await readdir(folder).catch(() => []))
      if (await exists(join(folder, entry, 'kernel.json'))) names.add(entry.toLowerCase());
  return [...names].sort();
}

/** As `findKernel`, without starting its Python. */
export async function readKernel(name: string, env: NodeJS.ProcessEnv): Promise<Kernel> {
  for (const folder of kernelFolders(env)) {
    const path = await findSpec(folder, name);
    if (path !== undefined) return toKernel(name, path, await readSpec(path), env);
  }
  if (name === 'python3') return { name, python: [defaultPython(env)], env: {} };
  const known = await listKernels(env);
  throw new PipelineError(
    `The notebook asks for the kernel ‘${name}’, which is not installed here. ` +
      (known.length > 0 ? `Installed: ${known.map(k => `‘${k}’`).join(', ')}. ` : '') +
      'Choose another kernel for the notebook in JupyterLab, or install this one with ' +
      `\`python -m ipykernel install --user --name ${name}\`.`,
    'kernel-not-found',
    { detail: { kernel: name, known } }
  );
}

function kernelFolders(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME || homedir();
  const own =
    env.JUPYTER_DATA_DIR ??
    (process.platform === 'darwin'
      ? join(home, 'Library', 'Jupyter')
      : join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'jupyter'));
  const environment = env.SLUICE_PREFIX ? join(env.SLUICE_PREFIX, 'share', 'jupyter') : '';
  const roots = [
    ...(env.JUPYTER_PATH ?? '').split(delimiter),
    ...(prefersEnvironment(env) ? [environment, own] : [own, environment]),
    '/usr/local/share/jupyter',
    '/usr/share/jupyter'
  ];
  return roots.filter(root => root !== '').map(root => join(root, 'kernels'));
}

/** Whether the kernels of the environment that Jupyter runs in go before the user's own: in a virtual one of theirs, and where somebody says so. */
function prefersEnvironment({ JUPYTER_PREFER_ENV_PATH: said, ...env }: NodeJS.ProcessEnv): boolean {
  const { SLUICE_PREFIX: prefix } = env;
  if (said !== undefined) return !['no', 'n', 'false', 'off', '0', '0.0'].includes(said.toLowerCase());
  if (!prefix || !isWritable(prefix)) return false;
  const isConda = env.CONDA_PREFIX === prefix && (env.CONDA_DEFAULT_ENV ?? 'base') !== 'base';
  return isConda || existsSync(join(prefix, 'pyvenv.cfg'));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Jupyter compares kernels' names without regard to case. */
async function findSpec(folder: string, name: string): Promise<string | undefined> {
  for (const entry of await readdir(folder).catch(() => []))
    if (entry.toLowerCase() === name.toLowerCase()) {
      const path = join(folder, entry, 'kernel.json');
      if (await exists(path)) return path;
    }
  return undefined;
}

async function readSpec(path: string): Promise<KernelSpec> {
  try {
    const spec: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof spec === 'object' && spec !== null) return spec;
  } catch (cause) {
    throw new PipelineError(`The kernelspec ‘${path}’ can’t be read: ${String(cause)}.`, 'kernel-not-found', { cause });
  }
  throw new PipelineError(`The kernelspec ‘${path}’ is not a JSON object.`, 'kernel-not-found');
}

function toKernel(name: string, path: string, spec: KernelSpec, env: NodeJS.ProcessEnv): Kernel {
  const folder = path.slice(0, -'/kernel.json'.length);
  const argv = Array.isArray(spec.argv) ? spec.argv.map(part => String(part).replaceAll('{resource_dir}', folder)) : [];
  const end = argv.indexOf('-m');
  const python =
    end < 0 ? argv.slice(0, 1) : argv.slice(0, end).filter(part => !/^-X/.test(part) && part !== 'frozen_modules=off');
  const program = basename(python.at(-1) ?? '');
  if (!/^(python|pypy)[\d.]*(\.exe)?$/i.test(program))
    throw new PipelineError(
      `The kernel ‘${name}’ (${path}) is not a Python kernel that Sluice can start steps with: it starts ‘${argv.join(' ')}’. Choose a Python kernel for the notebook.`,
      'kernel-not-found'
    );
  // `python` in Jupyter's own kernelspec means the Python that Jupyter runs on
  const resolved = python.length === 1 && !isAbsolute(python[0]!) ? [defaultPython(env)] : python;
  const extra = Object.entries((spec.env ?? {}) as Record<string, unknown>);
  return {
    name,
    python: resolved,
    env: Object.fromEntries(
      extra.map(([key, value]) => [
        key,
        String(value).replace(/\$\{(\w+)\}/g, (_, variable: string) => env[variable] ?? '')
      ])
    )
  };
}

function defaultPython(env: NodeJS.ProcessEnv): string {
  return env.SLUICE_PYTHON || 'python3';
}

/** @throws PipelineError where its Python can't be started, or is too old */
export async function checkPython(kernel: Kernel, env: NodeJS.ProcessEnv): Promise<void> {
  const [program, ...rest] = kernel.python as [string, ...string[]];
  const version = await new Promise<string>((resolve, reject) => {
    const source = 'import sys; print("%d.%d" % sys.version_info[:2])';
    execFile(program, [...rest, '-S', '-E', '-c', source], { env, timeout: 30_000 }, (error, stdout) =>
      error ? reject(error) : resolve(stdout.trim())
    );
  }).catch((cause: unknown) => {
    throw new PipelineError(
      `The Python of kernel ‘${kernel.name}’ can’t be started: ‘${kernel.python.join(' ')}’. Choose another kernel for the notebook, or install this one again.`,
      'kernel-not-found',
      { cause }
    );
  });
  checkVersion(kernel, version);
}

/** @throws PipelineError where steps need a later Python than `version`, which may go on as `sys.version` does */
export function checkVersion(kernel: Kernel, version: string): void {
  const [, major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (major < 3 || (major === 3 && minor < 9))
    throw new PipelineError(
      `The kernel ‘${kernel.name}’ has Python ${version.split(' ')[0]} (${kernel.python.join(' ')}); steps need 3.9 or later. Choose another kernel for the notebook.`,
      'kernel-not-found'
    );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
