// What a run copies of a folder, what is left out, and what is kept of the copy.
import {
  existsSync,
  lstatSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { scanWorkspace, workspaceLimits } from '../src/scan';
import { formatSize } from '../src/words';
import { copyWorkspace } from '../src/workspace';
import { World } from './world';

let world: World;
let target: World;
beforeEach(() => ([world, target] = [new World(), new World()]));
afterEach(() => [world, target].forEach(each => each.remove()));

const plenty = { sizeBytes: 1e9, files: 1000 };
const files = (folder: string) => readdirSync(folder, { recursive: true }).map(String).sort();

async function copy(folder = '', outside: string[] = []) {
  const scan = await scanWorkspace(join(world.folder, folder), outside, plenty, join(world.folder, 'records'));
  return copyWorkspace(scan, join(target.folder, 'w'));
}

test('everything is copied but version control, environments, caches, our records and what .sluiceignore names', async () => {
  for (const path of [
    'a.csv',
    'sub/b.csv',
    '.hidden',
    'venv2/pyvenv.cfg',
    'venv2/bin/x',
    'node_modules/m/x',
    '.git/HEAD'
  ])
    world.write(path, path);
  for (const path of ['records/r', '.sluice/s', 'sub/__pycache__/x.pyc', 'big/skip.bin', 'big/keep.csv', 'logs/x'])
    world.write(path, path);
  world.write('.sluiceignore', '*.bin\n/logs/\n');
  const { folder } = await copy();
  expect(files(folder)).toEqual(['.hidden', '.sluiceignore', 'a.csv', 'big', 'big/keep.csv', 'sub', 'sub/b.csv']);
  expect(readFileSync(join(folder, 'sub/b.csv'), 'utf8')).toBe('sub/b.csv');
});

test('times are kept', async () => {
  utimesSync(world.write('a', 'x'), 1e9, 1e9);
  const { folder } = await copy();
  expect(lstatSync(join(folder, 'a')).mtimeMs).toBe(1e12);
});

test('links within lead to the copy, links out to where they led', async () => {
  world.write('a.csv', 'a');
  target.write('elsewhere', 'e');
  symlinkSync('a.csv', join(world.folder, 'relative'));
  symlinkSync(join(world.folder, 'a.csv'), join(world.folder, 'absolute'));
  symlinkSync('..', join(world.folder, 'out'));
  symlinkSync('nowhere', join(world.folder, 'dangling'));
  const { folder } = await copy();
  const links = Object.fromEntries(
    ['relative', 'absolute', 'out', 'dangling'].map(l => [l, readlinkSync(join(folder, l))])
  );
  expect(links).toEqual({
    relative: 'a.csv',
    absolute: 'a.csv',
    out: join(world.folder, '..'),
    dangling: join(world.folder, 'nowhere')
  });
});

test.each<[name: string, outside: string[], expected: string[]]>([
  ['a file beside the folder', ['../data/x.csv'], ['data', 'data/x.csv', 'nb', 'nb/a.ipynb']],
  ['a folder beside it', ['../data'], ['data', 'data/x.csv', 'data/y.csv', 'nb', 'nb/a.ipynb']],
  ['a file that is to be written', ['../data/new.csv'], ['data', 'nb', 'nb/a.ipynb']],
  ['a path that leads nowhere', ['../ghost/new.csv'], ['nb', 'nb/a.ipynb']]
])('what steps name outside of the folder stands where they look for it: %s', async (_, outside, expected) => {
  for (const path of ['data/x.csv', 'data/y.csv', 'other/z.csv', 'nb/a.ipynb']) world.write(path, path);
  const { folder } = await copy('nb', outside);
  expect(files(join(folder, '..'))).toEqual(expected);
});

test('the folder above brings the project with it', async () => {
  for (const path of ['src/lib.py', 'nb/a.ipynb', '.git/HEAD']) world.write(path, path);
  const { folder } = await copy('nb', ['..']);
  expect(files(join(folder, '..'))).toEqual(['nb', 'nb/a.ipynb', 'src', 'src/lib.py']);
});

test('afterwards only what was written stays', async () => {
  for (const path of ['same', 'grown', 'replaced', 'deep/same', 'gone']) world.write(path, path);
  const { folder, prune } = await copy();
  writeFileSync(join(folder, 'grown'), 'more', { flag: 'a' });
  writeFileSync(join(folder, 'replaced'), 'replaceD');
  writeFileSync(join(folder, 'new'), '');
  await prune();
  expect(files(folder)).toEqual(['grown', 'new', 'replaced']);
  expect(existsSync(join(world.folder, 'deep/same'))).toBe(true);
});

test('too many files are refused', async () => {
  for (const path of ['a', 'b', 'c']) world.write(path, path);
  const scan = scanWorkspace(world.folder, [], { sizeBytes: 1e9, files: 2 }, '');
  await expect(scan).rejects.toThrow(/holds 3 bytes in 3 files, more than the limit of 2 files/);
});

test.each([
  [undefined, 2e9],
  ['5GB', 5e9],
  ['1.5 g', 1.5e9],
  ['2Gi', 2 * 1024 ** 3],
  ['100', 100]
])('SLUICE_WORKSPACE_LIMIT=%s means %d bytes', (text, bytes) => {
  expect(workspaceLimits({ SLUICE_WORKSPACE_LIMIT: text }).sizeBytes).toBe(bytes);
});

test.each([
  [0, '0 bytes'],
  [999, '1000 bytes'],
  [1500, '1.5 kB'],
  [2e9, '2 GB']
])('%d bytes read %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));
