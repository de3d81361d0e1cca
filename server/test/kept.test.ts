// A notebook that has not changed is not read again before it is run; whatever its IR rests on makes it another one.
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileOnce } from '../src/cli/kept';
import { install, World } from './world';

let world: World;
beforeEach(() => {
  world = new World();
  world.write('program.cjs', '');
});
afterEach(() => world.remove());

const plain = ['step:first | a = 1', 'step:second | print(a)'];
const folder = () => join(world.folder, 'caches', 'sluice', 'notebooks');
const kept = () => (existsSync(folder()) ? readdirSync(folder()).map(name => join(folder(), name)) : []);

/** What a command of this user gets to run, what it says, and whether it has read the notebook. */
async function compile(path: string, { program = join(world.folder, 'program.cjs') } = {}) {
  let said = '';
  let isRead = false;
  const readPrograms = () => ((isRead = true), install.readPrograms());
  const ir = await compileOnce(
    { path, text: readFileSync(path, 'utf8') },
    {
      stdout: { write: () => true },
      stderr: { write: text => ((said += text), true) },
      env: { ...world.env, XDG_CACHE_HOME: join(world.folder, 'caches') },
      cwd: world.folder,
      install: { ...install, ...(program === '' ? {} : { program }), readPrograms },
      onInterrupt: () => () => undefined
    }
  );
  return { ir, said, isRead };
}

test('a notebook that has not changed is not read again, and gives the same IR', async () => {
  const path = world.write('a.ipynb', plain);
  const first = await compile(path);
  expect(first).toMatchObject({ isRead: true, said: '' });
  expect(await compile(path)).toEqual({ ...first, isRead: false });
});

test.each<[string, readonly string[], (path: string) => void]>([
  ['its text has changed', plain, path => world.write(path.split('/').at(-1)!, [...plain, 'step:third | a'])],
  ['our program has changed', plain, () => utimesSync(join(world.folder, 'program.cjs'), 1, 1)],
  ['what was kept is not whole', plain, () => kept().forEach(file => writeFileSync(file, '{"components"'))],
  ['a module has to be looked into', ['step:first | from math import *\na = pi'], () => undefined],
  [
    'a module lies beside it, which may change',
    ['imports | import json', ...plain],
    () => world.write('json.py', 'seen = []')
  ]
])('it is read again where %s', async (_, cells, change) => {
  const path = world.write('a.ipynb', cells);
  await compile(path);
  change(path);
  expect(await compile(path)).toMatchObject({ isRead: true });
});

test('a warning is told each time', async () => {
  const path = world.write('a.ipynb', ['imports,functions | import os', ...plain]);
  const first = await compile(path);
  expect(first.said).toContain('warning [several-roles]');
  expect(await compile(path)).toEqual({ ...first, isRead: false });
});

test('nothing is kept of a notebook with errors', async () => {
  const path = world.write('a.ipynb', ['step:a,prev:b | x = 1', 'step:b,prev:a | y = 2']);
  const first = await compile(path);
  expect([first.ir, first.said === '', kept()]).toEqual([undefined, false, []]);
});

test('nothing is kept of what nobody can tell from another build', async () => {
  const path = world.write('a.ipynb', plain);
  await compile(path, { program: '' });
  expect(kept()).toEqual([]);
});
