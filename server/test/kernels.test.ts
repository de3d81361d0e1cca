// Which Python a kernel's name means, and what is said when it means none.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { findKernel, listKernels } from '../src/kernels';
import { env, World } from './world';

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

const python = env.SLUICE_PYTHON!;
const withKernels = (more: NodeJS.ProcessEnv = {}) => ({
  ...env,
  JUPYTER_PATH: join(world.folder, 'jupyter'),
  ...more
});

function install(name: string, spec: object | string): void {
  world.write(`jupyter/kernels/${name}/kernel.json`, typeof spec === 'string' ? spec : JSON.stringify(spec));
}

function script(name: string, text: string): string {
  const path = world.write(name, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const launcher = ['-m', 'ipykernel_launcher', '-f', '{connection_file}'];

test.each<[name: string, spec: object, expected: object]>([
  ['its Python by path', { argv: [python, ...launcher] }, { python: [python] }],
  ['`python` means Jupyter’s own', { argv: ['python3', '-Xfrozen_modules=off', ...launcher] }, { python: [python] }],
  [
    'the words before Python are kept',
    { argv: ['/usr/bin/env', 'A=1', python, ...launcher] },
    { python: ['/usr/bin/env', 'A=1', python] }
  ],
  [
    'its environment, with ours in it',
    { argv: [python, ...launcher], env: { A: '${HOME}/x', B: '1' } },
    { env: { A: '/nowhere/x', B: '1' } }
  ]
])('%s', async (_, spec, expected) => {
  install('mine', spec);
  expect(await findKernel('mine', withKernels())).toMatchObject(expected);
});

test.each<[name: string, env: NodeJS.ProcessEnv, isVirtual: boolean, first: string]>([
  ['the user’s own go first', {}, false, 'user'],
  ['but in a virtual environment', {}, true, 'prefix'],
  ['unless somebody says otherwise', { JUPYTER_PREFER_ENV_PATH: '0' }, true, 'user'],
  ['or says it elsewhere', { JUPYTER_PREFER_ENV_PATH: '1' }, false, 'prefix']
])('of two kernels of one name, %s', async (_, more, isVirtual, first) => {
  for (const [folder, place] of [
    ['user', 'user'],
    ['prefix/share/jupyter', 'prefix']
  ]) {
    const spec = { argv: [python, ...launcher], env: { PLACE: place } };
    world.write(`${folder}/kernels/twice/kernel.json`, JSON.stringify(spec));
  }
  if (isVirtual) world.write('prefix/pyvenv.cfg', '');
  const folders = { JUPYTER_DATA_DIR: join(world.folder, 'user'), SLUICE_PREFIX: join(world.folder, 'prefix') };
  expect((await findKernel('twice', { ...env, ...folders, ...more })).env).toEqual({ PLACE: first });
});

test('a name is found whatever its case, and python3 without a spec is Jupyter’s own', async () => {
  install('Mine', { argv: [python, ...launcher] });
  expect((await findKernel('mINE', withKernels())).python).toEqual([python]);
  for (const name of [undefined, 'python3']) expect((await findKernel(name, withKernels())).python).toEqual([python]);
  expect(await listKernels(withKernels())).toContain('mine');
});

test.each<[name: string, spec: object | string, said: RegExp]>([
  [
    'is not Python',
    { argv: ['/usr/bin/julia', '-i', 'kernel.jl'] },
    /is not a Python kernel.*‘\/usr\/bin\/julia -i kernel\.jl’/
  ],
  ['cannot be started', { argv: ['/nowhere/python3', ...launcher] }, /can’t be started: ‘\/nowhere\/python3’/],
  ['has a damaged spec', '{', /kernelspec ‘.*kernel\.json’ can’t be read/]
])('a kernel that %s', async (_, spec, said) => {
  install('bad', spec);
  await expect(findKernel('bad', withKernels())).rejects.toThrow(said);
});

test('a Python that is too old', async () => {
  install('old', { argv: [script('python3.6', 'echo 3.6'), ...launcher] });
  await expect(findKernel('old', withKernels())).rejects.toThrow(/has Python 3\.6 .*steps need 3\.9 or later/);
});
