// What `import *` binds, asked of real modules: those beside the notebook are read and never run, all others the kernel's Python imports.
import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { makeAnalyzer, makeParser } from '@sluice/core';
import { Pipelines } from '../src/pipelines';
import { StarLibrary } from '../src/stars';
import { env, install, makeNotebook, World } from './world';

jest.setTimeout(60_000);

const world = new World();
afterAll(() => world.remove());

const open = async (others: NodeJS.ProcessEnv = {}): Promise<StarLibrary> =>
  new StarLibrary({
    env: { ...env, ...others },
    packagesFolder: install.packagesFolder,
    analyzer: makeAnalyzer(await makeParser(await install.readPrograms()))
  });
const source = { folder: world.folder, kernel: undefined };

test('modules beside the notebook are read, with those that they import from; the rest is asked of the kernel', async () => {
  const ran = join(world.folder, 'ran.txt');
  world.write(
    'config.py',
    `open(${JSON.stringify(ran)}, 'w')\nfrom base import *\nfrom math import *\n_own = 1\nrate = 2\n`
  );
  world.write('base.py', 'from config import *\nshared = 1\n');
  world.write('listed.py', '__all__ = ["_a", "b"]\n');
  world.write('made.py', '__all__ = [name for name in dir()]\n');
  world.write('shop/__init__.py', 'from .items import *\nfrom .till import pay\n');
  world.write('shop/items.py', 'item = 1\n');
  world.write('random.py', 'mine = 1\n');
  const stars = await open();
  const modules = ['config', 'listed', 'made', 'shop', 'random', 'json', 'no_such_module'];
  const found = await stars.find(modules, source);
  expect([...found.keys()]).toEqual(['config', 'listed', 'shop', 'random', 'json']);
  expect(found.get('config')).toEqual(expect.arrayContaining(['rate', 'shared', 'sqrt']));
  expect(found.get('config')).not.toContain('_own');
  expect(found.get('listed')).toEqual(['_a', 'b']);
  expect([...found.get('shop')!].sort()).toEqual(['item', 'items', 'pay', 'till']);
  expect(found.get('random')).toEqual(['mine']);
  expect(found.get('json')).toEqual([
    'dump',
    'dumps',
    'load',
    'loads',
    'JSONDecoder',
    'JSONDecodeError',
    'JSONEncoder'
  ]);
  expect(existsSync(ran)).toBe(false);
  expect(await stars.find(modules, source)).toBe(found);
  world.write('listed.py', '__all__ = ["c"]\n');
  expect((await stars.find(modules, source)).get('listed')).toEqual(['c']);
});

test('the kernel is asked again when something was installed there, and a module that prints, exits or crashes does no harm', async () => {
  const packages = world.write(
    'packages/noisy.py',
    'print("hello")\nimport atexit\natexit.register(print, "bye")\nx = 1\n'
  );
  const folder = join(packages, '..');
  world.write('packages/leaves.py', 'import sys\nsys.exit(3)\n');
  world.write('packages/wrong.py', '__all__ = ["missing"]\n');
  const stars = await open({ PYTHONPATH: folder });
  world.write('packages/crashes.py', 'import os\nos._exit(3)\n');
  const modules = ['noisy', 'leaves', 'wrong', 'crashes', 'later'];
  expect(await stars.find(modules, source)).toEqual(new Map([['noisy', ['atexit', 'x']]]));
  world.write('packages/later.py', 'y = 1\n');
  utimesSync(folder, 1, 1); // as an installation would, whatever the clock's grain
  expect((await stars.find(modules, source)).get('later')).toEqual(['y']);
});

test('without a Python to ask nothing is known, and no harm done', async () => {
  const stars = await open();
  expect((await stars.find(['math'], { ...source, kernel: 'no-such-kernel' })).size).toBe(0);
  expect((await (await open({ SLUICE_PYTHON: '/no/such/python' })).find(['math'], source)).size).toBe(0);
});

test('what is read of a notebook says of each name where it comes from', async () => {
  world.write('rates.py', 'rate = 0.5\n');
  const cells = [
    'step:load | from rates import *\nfrom math import *',
    'step:train | print(sqrt(rate))',
    'step:show | print(1)'
  ];
  const path = world.write('nb.ipynb', cells);
  const { report } = await new Pipelines(install, env).read(JSON.stringify(makeNotebook(cells)), path);
  expect(report.flows.map(({ name, kind, certainty }) => `${name} ${kind} ${certainty}`).sort()).toEqual([
    'rate import certain',
    'sqrt import certain'
  ]);
  expect(report.steps.map(({ after }) => after)).toEqual([[], ['load'], []]);
});
