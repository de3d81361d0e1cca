// What a run copies of a folder, what is left out, what is kept of the copy, and how a copy is brought to what a snapshot says.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { openHome } from '../src/home';
import { scanWorkspace, workspaceLimits } from '../src/scan';
import { ObjectStore } from '../src/snapshots/objects';
import { Workspace } from '../src/workspace';
import { makeNotebook, World } from './world';

let world: World;
let target: World;
let home: string;
beforeEach(() => {
  [world, target] = [new World(), new World()];
  home = openHome(join(target.folder, 'records'));
});
afterEach(() => [world, target].forEach(each => each.remove()));

const plenty = { sizeBytes: 1e9, files: 1000 };
const files = (folder: string) => readdirSync(folder, { recursive: true }).map(String).sort();

async function copy(folder = '', outside: string[] = [], gitignore = false, to = 'w') {
  const rules = { limits: plenty, home: join(world.folder, 'records'), gitignore };
  const scan = await scanWorkspace(join(world.folder, folder), outside, rules);
  const options = { home, objects: new ObjectStore(home), scan, to: join(target.folder, to), collections: () => 0 };
  return Workspace.make(options);
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

test('what .gitignore names is left out on request, as git reads it in each folder', async () => {
  for (const path of [
    '.git/HEAD',
    'nb/a.ipynb',
    'nb/out.bin',
    'nb/sub/x.log',
    'nb/sub/keep.log',
    'nb/x.log',
    'nb/tmp/a'
  ])
    world.write(path, path);
  world.write('.gitignore', '*.bin\n/nb/tmp/\n');
  world.write('nb/sub/.gitignore', '*.log\n!keep.log\n');
  const { folder } = await copy('nb', [], true);
  expect(files(folder)).toEqual(['a.ipynb', 'sub', 'sub/.gitignore', 'sub/keep.log', 'x.log']);
});

test('afterwards only what was written stays, and the next run’s copy is right whatever happened to the spare one', async () => {
  for (const path of ['same', 'grown', 'replaced', 'deep/same', 'gone', 'later']) world.write(path, path);
  symlinkSync('same', join(world.folder, 'link'));
  const first = await copy();
  writeFileSync(join(first.folder, 'grown'), 'more', { flag: 'a' });
  writeFileSync(join(first.folder, 'replaced'), 'replaceD');
  writeFileSync(join(first.folder, 'new'), '');
  rmSync(join(first.folder, 'gone'));
  await first.close();
  expect(files(first.folder)).toEqual(['grown', 'new', 'replaced']);
  expect(existsSync(join(world.folder, 'deep/same'))).toBe(true);
  world.write('later', 'LATER');
  rmSync(join(world.folder, 'deep'), { recursive: true });
  const [spare] = readdirSync(join(home, 'spare'));
  writeFileSync(join(home, 'spare', spare!, 'workspace/same'), 'SAME'); // by a process that a step left behind
  const second = await copy();
  const contents = files(second.folder).map(name => readFileSync(join(second.folder, name), 'utf8'));
  expect(Object.fromEntries(files(second.folder).map((name, i) => [name, contents[i]]))).toEqual({
    ...{ gone: 'gone', grown: 'grown', later: 'LATER', link: 'same', replaced: 'replaced', same: 'same' }
  });
  expect(readdirSync(join(home, 'spare'))).toEqual([]);
});

test('a copy goes back to an earlier snapshot, and takes on what was done between two', async () => {
  for (const path of ['a', 'sub/b', 'sub/deep/c']) world.write(path, path);
  const workspace = await copy();
  const before = await workspace.take();
  expect(before.id).toBe(workspace.start.id);
  const inCopy = (path: string) => join(workspace.folder, path);
  writeFileSync(inCopy('a'), 'A');
  renameSync(inCopy('sub/deep'), inCopy('moved'));
  mkdirSync(inCopy('empty'));
  rmSync(inCopy('sub/b'));
  mkdirSync(inCopy('sub/b'));
  writeFileSync(inCopy('sub/b/x'), 'x');
  chmodSync(inCopy('a'), 0o755);
  const after = await workspace.take();
  await workspace.restore(before.tree);
  expect((await workspace.take()).id).toBe(before.id);
  expect(files(workspace.folder)).toEqual(['a', 'sub', 'sub/b', 'sub/deep', 'sub/deep/c']);
  writeFileSync(inCopy('other'), 'of another step');
  await workspace.apply(before.tree, after.tree);
  expect(files(workspace.folder)).toEqual(['a', 'empty', 'moved', 'moved/c', 'other', 'sub', 'sub/b', 'sub/b/x']);
  expect(lstatSync(inCopy('a')).mode & 0o777).toBe(0o755);
  rmSync(inCopy('other'));
  expect((await workspace.take()).tree).toEqual(after.tree);
});

test('too many files are refused', async () => {
  for (const path of ['a', 'b', 'c']) world.write(path, path);
  const scan = scanWorkspace(world.folder, [], { limits: { sizeBytes: 1e9, files: 2 }, home: '' });
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

test('the folders that a notebook names are copied too, and what git ignores is not where it says so', async () => {
  const sluice = { volumes: [{ folder: '../data' }], snapshots: { gitignore: true } };
  const cells = [
    'step:a | import os\nprint(sorted(os.listdir("../data")), sorted(os.listdir(".")))\nopen("../data/new", "w").close()'
  ];
  world.write('work/a.ipynb', JSON.stringify(makeNotebook(cells, 'python3', { sluice })));
  for (const path of ['data/x.csv', 'work/keep.csv', 'work/drop.tmp']) world.write(path, path);
  world.write('work/.gitignore', '*.tmp');
  world.write('work/.git/HEAD', '');
  const { status } = await world.sluice('run', 'work/a.ipynb');
  expect(status).toBe(0);
  expect((await world.sluice('runs', 'logs', 'last')).stdout).toContain(
    "['x.csv'] ['.gitignore', 'a.ipynb', 'keep.csv']"
  );
  expect(files(join(world.folder, 'data'))).toEqual(['x.csv']);
}, 60_000);
