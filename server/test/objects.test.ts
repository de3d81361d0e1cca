// The store of snapshots: what is taken comes back whatever happened in between, a killed process leaves nothing damaged, damage is found
// and named, and what is collected is what nobody needs.
import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { openHome } from '../src/home';
import { scanCopy } from '../src/scan';
import { check } from '../src/snapshots/fsck';
import { collect } from '../src/snapshots/gc';
import { SnapshotLibrary } from '../src/snapshots/library';
import { ObjectStore } from '../src/snapshots/objects';
import { putTree } from '../src/snapshots/put';
import { addSnapshot, collections } from '../src/snapshots/records';
import { StatIndex } from '../src/snapshots/stat-index';
import { identify, takeSnapshot, type Taken } from '../src/snapshots/take';
import { diffTrees, readTree } from '../src/snapshots/tree';
import { listObjects } from '../src/snapshots/walk';
import { Store } from '../src/store';
import { World } from './world';

jest.setTimeout(120_000);

let world: World;
let store: Store;
let objects: ObjectStore;
let folder: string;
beforeEach(() => {
  world = new World();
  store = new Store(openHome(join(world.folder, '.sluice')));
  objects = new ObjectStore(store.home);
  folder = join(world.folder, 'work');
  mkdirSync(folder);
});
afterEach(() => {
  store.close();
  world.remove();
});

const take = async (index = StatIndex.empty()) =>
  takeSnapshot(objects, folder, await scanCopy(folder), index, collections(store.sql));
const record = (taken: Taken, more: object = {}) =>
  addSnapshot(store, objects, taken, { moment: 'safety', base: folder, ...more });

/** Everything about a folder that a snapshot keeps, read without any of our code. Names are hexadecimal. */
function describeFolder(path: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    const child = Buffer.concat([path, Buffer.from('/'), name]);
    const stats = lstatSync(child, { bigint: true });
    const key = name.toString('hex');
    if (stats.isSymbolicLink()) found[key] = `-> ${readlinkSync(child, { encoding: 'hex' })}`;
    else if (stats.isDirectory()) {
      found[key] = `folder ${stats.mode}`;
      for (const [inner, what] of Object.entries(describeFolder(child))) found[`${key}/${inner}`] = what;
    } else found[key] = `${stats.mode} ${(stats.mtimeNs + 500n) / 1000n} ${hash('sha256', readFileSync(child))}`;
  }
  return found;
}

/** Always the same numbers for the same seed. */
function makeRandom(seed: number): (below: number) => number {
  return below => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** One random thing done to a random place. */
function change(random: (below: number) => number): void {
  const names = ['a', 'b.csv', 'ü ñ', '.hidden', "q'uote", Buffer.from([0x66, 0xff, 0xfe]), Buffer.from('\u{1f40d}')];
  const parts = Array.from({ length: 1 + random(3) }, () => Buffer.from(names[random(names.length)]! as string));
  let path = Buffer.from(folder);
  for (const [i, part] of parts.entries()) {
    path = Buffer.concat([path, Buffer.from('/'), part]);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (i === parts.length - 1) break;
    if (stats !== undefined && !stats.isDirectory()) rmSync(path);
    if (!stats?.isDirectory()) mkdirSync(path);
  }
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const content = Buffer.from(String(random(10)).repeat([0, 1, 7, 5000, 100_000][random(5)]!));
  switch (random(8)) {
    case 0:
      return rmSync(path, { recursive: true, force: true });
    case 1:
      rmSync(path, { recursive: true, force: true });
      return symlinkSync(['a', '../b.csv', '/nowhere', '.'][random(4)]!, path);
    case 2:
      if (stats === undefined) mkdirSync(path);
      else chmodSync(path, stats.isDirectory() ? 0o750 : [0o600, 0o755, 0o444][random(3)]!);
      return;
    case 3:
      if (stats?.isFile()) {
        // the same size and times as before
        writeFileSync(
          path,
          readFileSync(path).map(byte => byte ^ 1)
        );
        utimesSync(path, stats.atime, stats.mtime);
      }
      return;
    case 4:
      if (stats?.isFile()) truncateSync(path, Math.floor(stats.size / 2));
      return;
    case 5: {
      const other = Buffer.from(join(folder, 'a'));
      if (
        stats !== undefined &&
        !path.equals(other) &&
        !path.toString('latin1').startsWith(`${other.toString('latin1')}/`)
      ) {
        rmSync(other, { recursive: true, force: true });
        renameSync(path, other);
      }
      return;
    }
    default:
      if (stats !== undefined && !stats.isFile()) rmSync(path, { recursive: true, force: true });
      writeFileSync(path, content);
  }
}

test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
  'what is taken comes back, in a new folder and in one that has changed, with seed %i',
  async seed => {
    const random = makeRandom(seed);
    const index = StatIndex.empty();
    const past: { readonly taken: Taken; readonly was: Record<string, string> }[] = [];
    for (let round = 0; round < 12; round++) {
      for (let i = random(12); i >= 0; i--) change(random);
      past.push({ taken: await take(index), was: describeFolder(Buffer.from(folder)) });
      expect((await take()).id).toBe(past.at(-1)!.taken.id); // with nothing known beforehand
    }
    const other = join(world.folder, 'other');
    mkdirSync(other);
    for (let i = 0; i < past.length; i++) {
      const { taken, was } = past[random(past.length)]!;
      const { tree: now } = await identify(other, await scanCopy(other), StatIndex.empty());
      const tree = await readTree(objects, taken.id);
      expect(Object.fromEntries(tree)).toEqual(Object.fromEntries(taken.tree));
      await putTree(other, now, tree, { store: objects, isExact: true, isOwn: random(2) === 0 });
      const withoutTimes = (found: object) =>
        Object.entries(found).map(([path, what]) => [path, String(what).replace(/^(\d+) \d+ /, '$1 ')]);
      expect(withoutTimes(describeFolder(Buffer.from(other)))).toEqual(withoutTimes(was));
      if (now.size === 0) expect(describeFolder(Buffer.from(other))).toEqual(was);
      const again = await identify(other, await scanCopy(other), StatIndex.empty());
      expect(diffTrees(tree, again.tree)).toEqual({ added: [], changed: [], removed: [] });
    }
    expect((await check(store)).damages).toEqual([]);
  }
);

test('a file above 64 MB is kept in chunks: one changed byte costs one of them', async () => {
  const content = Buffer.alloc(70 << 20, 'sluice ');
  content.forEach((_, i) => (i % 4096 === 0 ? content.writeUInt32LE(i, Math.min(i, content.length - 4)) : undefined));
  writeFileSync(join(folder, 'big'), content);
  const index = StatIndex.empty();
  const first = await take(index);
  const before = listObjects(objects);
  content[40 << 20]! ^= 1;
  writeFileSync(join(folder, 'big'), content);
  const second = await take(index);
  const sizeOf = (list: typeof before) => list.reduce((sum, { path }) => sum + statSync(path).size, 0);
  expect(sizeOf(listObjects(objects)) - sizeOf(before)).toBeLessThan(600_000);
  for (const { id } of [first, second]) {
    const to = mkdtempSync(join(world.folder, 'big-'));
    await putTree(to, new Map(), await readTree(objects, id), { store: objects, isExact: true });
    content[40 << 20]! ^= id === first.id ? 1 : 0;
    expect(readFileSync(join(to, 'big')).equals(content)).toBe(true);
    content[40 << 20]! ^= id === first.id ? 1 : 0;
  }
});

test('objects are read-only, compressed where that pays, and never a link to a live file', async () => {
  writeFileSync(join(folder, 'text'), 'abc '.repeat(5000));
  writeFileSync(join(folder, 'noise'), Buffer.from(Array.from({ length: 50_000 }, () => Math.random() * 256)));
  await take();
  const found = listObjects(objects).map(({ path }) => ({ path, stats: statSync(path) }));
  expect(found.map(({ stats }) => [stats.mode & 0o777, stats.nlink])).toEqual(found.map(() => [0o444, 1]));
  expect(found.filter(({ path }) => path.endsWith('.zst')).map(({ stats }) => stats.size < 1000)).toEqual([true]);
  expect(found).toHaveLength(3);
});

test('a file that may not be read is noted, and the rest is taken', async () => {
  writeFileSync(join(folder, 'secret'), 'x', { mode: 0o000 });
  writeFileSync(join(folder, 'open'), 'x');
  const { tree } = await take();
  // who is root may read everything
  expect(tree.get('secret')!.kind).toBe(process.getuid?.() === 0 ? 'file' : 'unreadable');
  expect(tree.get('open')!.kind).toBe('file');
});

test('an index that is damaged is not believed', async () => {
  writeFileSync(join(folder, 'a'), 'x');
  const index = StatIndex.empty();
  await take(index);
  const path = join(store.home, 'index', 'a'.repeat(24));
  await index.write(path);
  expect(StatIndex.read(path).size).toBe(1);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"kind":"file"', '"kind":"fole"'));
  expect(StatIndex.read(path).size).toBe(0);
  expect((await check(store)).damages).toMatchObject([{ what: 'index', path }]);
});

describe('a process that is killed while it takes snapshots', () => {
  const script = `
    import { Store } from './src/store'; import { ObjectStore } from './src/snapshots/objects'; import { scanCopy } from './src/scan';
    import { StatIndex } from './src/snapshots/stat-index'; import { takeSnapshot } from './src/snapshots/take';
    import { addSnapshot, collections } from './src/snapshots/records'; import { collect } from './src/snapshots/gc';
    import { writeFileSync } from 'node:fs';
    const [, , home, folder, seed] = process.argv;
    const store = new Store(home), objects = new ObjectStore(home), index = StatIndex.read(home + '/index/' + 'b'.repeat(24));
    for (let i = 0; ; i++) {
      for (let j = 0; j < 3; j++) writeFileSync(folder + '/f' + (i * 7 + j) % 40, String(seed + i + j).repeat(j * 3000));
      const taken = await takeSnapshot(objects, folder, await scanCopy(folder), index, collections(store.sql));
      await addSnapshot(store, objects, taken, { moment: 'safety', base: folder });
      await index.write(home + '/index/' + 'b'.repeat(24));
      if (i % 5 === 4) await collect(store, { keep: 3 });
      process.stdout.write('.');
    }`;

  test('leaves nothing damaged, whenever it is', async () => {
    const bundle = join(world.folder, 'taking.mjs');
    buildSync({
      stdin: { contents: script, resolveDir: join(__dirname, '..'), loader: 'ts' },
      alias: { '@sluice/core': join(__dirname, '../../core/src/index.ts') },
      ...{ outfile: bundle, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' },
      banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" }
    });
    const random = makeRandom(5);
    let taken = 0;
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, ['--no-warnings', bundle, store.home, folder, String(round * 1000)]);
      let errors = '';
      child.stderr.on('data', chunk => (errors += String(chunk)));
      await new Promise(begun => child.stdout.once('data', begun));
      child.stdout.on('data', chunk => (taken += chunk.length));
      await new Promise(resolve => setTimeout(resolve, random(120)));
      child.kill('SIGKILL');
      await new Promise(ended => child.once('close', ended));
      expect(errors).toBe('');
      const { damages } = await check(store);
      expect(damages).toEqual([]);
    }
    expect(taken).toBeGreaterThan(12);
    const library = new SnapshotLibrary(store);
    const [newest] = library.list();
    const { files } = await library.restore(newest!.record.id, { to: join(world.folder, 'back') });
    expect(files).toBe(newest!.record.files);
    age(join(store.home, 'objects'));
    await collect(store, { keep: 1 });
    expect(await check(store)).toMatchObject({ damages: [], unneeded: 0, checked: { snapshots: 1 } });
  });
});

/** Make all files below look as old as a day. */
function age(path: string): void {
  for (const name of readdirSync(path, { recursive: true }) as string[])
    utimesSync(join(path, name), Date.now() / 1000 - 86_400, Date.now() / 1000 - 86_400);
}

describe('damage', () => {
  beforeEach(async () => {
    for (const [path, content] of Object.entries({ 'data/x.csv': 'x'.repeat(9000), 'y.csv': 'y', 'z.csv': 'z' })) {
      mkdirSync(join(folder, path, '..'), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    writeFileSync(join(folder, 'big'), Buffer.alloc(65 << 20, 7).fill(8, 1 << 20));
  });

  const flip = (path: string) => {
    chmodSync(path, 0o644);
    const content = readFileSync(path);
    content[content.length >> 1]! ^= 1;
    writeFileSync(path, content);
  };
  const fileOf = (id: string) => listObjects(objects).find(object => object.id === id)!.path;

  test.each<[name: string, object: (taken: Taken) => Promise<string>, named: string, isMap: boolean]>([
    ['a file’s content', async ({ tree }) => idOf(tree, 'y.csv'), 'y.csv', false],
    ['a compressed content', async ({ tree }) => idOf(tree, 'data/x.csv'), 'data/x.csv', false],
    ['a list of chunks', async ({ tree }) => idOf(tree, 'big'), 'big', true],
    ['a chunk', async ({ tree }) => (await objects.read(idOf(tree, 'big'))).toString().slice(0, 64), 'big', false],
    ['the topmost folder', async ({ id }) => id, '', true],
    [
      'a folder',
      async ({ id }) => /\["d","data",\d+,"(\w+)"/.exec((await objects.read(id)).toString())![1]!,
      'data',
      true
    ]
  ])('of %s is named, with run and step, and nothing is restored from it', async (_, object, named, isMap) => {
    const taken = await take();
    const run = store.create({ pipeline: 'p', notebook: 'a.ipynb', runner: 'local', parameters: {} });
    store.append(run.id, { type: 'run-started', run: run.id, steps: ['train'] });
    const { id } = await record(taken, { moment: 'after', run: run.id, step: 'train', notebook: 'a.ipynb' });
    await record(taken);
    store.append(run.id, { type: 'run-ended', run: run.id, state: 'failed', reason: 'r', metrics: {} });
    expect((await check(store)).damages).toEqual([]);
    const damagedId = await object(taken);
    flip(fileOf(damagedId));
    const { damages, unneeded } = await check(store);
    expect(unneeded).toBe(0); // what else the damaged one lists may be needed
    expect(damages).toMatchObject([{ what: 'snapshot', run: run.id, step: 'train', path: named, object: damagedId }]);
    expect(damages[0]!.message).toMatch(
      `${named === '' ? 'All files' : `‘${named}’`} in snapshot ${id} (run 1 of a.ipynb, after step ‘train’), and in 1 later snapshot: object`
    );
    const library = new SnapshotLibrary(store);
    const to = join(world.folder, 'back');
    await expect(library.restore(id, { to })).rejects.toMatchObject({ code: 'damaged' });
    expect(lstatSync(to, { throwIfNoEntry: false })).toBeUndefined();
    rmSync(fileOf(damagedId));
    expect((await check(store)).damages).toMatchObject([{ message: expect.stringContaining('is missing') }]);
    // where it is not known what is needed, nothing is collected
    if (isMap) await expect(collect(store, {})).rejects.toMatchObject({ code: 'damaged' });
  });

  const idOf = (tree: Taken['tree'], path: string) => (tree.get(path) as { id: string }).id;
});

describe('collecting', () => {
  const put = async (content: string, more: object = {}) => {
    writeFileSync(join(folder, 'a'), content);
    return record(await take(), more);
  };
  const contents = async () => {
    const ids = [...new Set(listObjects(objects).map(object => object.id))];
    const read = await Promise.all(ids.map(id => objects.read(id)));
    return read
      .map(String)
      .filter(text => !text.startsWith('['))
      .sort();
  };
  const startRun = () => store.create({ pipeline: 'p', notebook: 'n', runner: 'local', parameters: {} }).id;
  const endRun = (run: string) => store.append(run, { type: 'run-ended', run, state: 'succeeded', metrics: {} });

  test('removes what only runs that are given up need, and says so beforehand', async () => {
    for (const content of ['one', 'two', 'three']) {
      const run = startRun();
      mkdirSync(join(store.home, 'runs', run), { recursive: true });
      writeFileSync(join(store.home, 'runs', run, 'log'), content);
      await put(content, { run, moment: 'start', notebook: 'n' });
      endRun(run);
    }
    age(join(store.home, 'objects'));
    expect(await collect(store, {})).toMatchObject({ runs: [], objects: { count: 0 } });
    age(join(store.home, 'objects'));
    const dry = await collect(store, { keep: 1, isDry: true });
    expect(dry).toMatchObject({ runs: [{ number: 2 }, { number: 1 }], objects: { count: 4 } });
    expect([store.list().length, await contents()]).toEqual([3, ['one', 'three', 'two']]);
    expect(await collect(store, { keep: 1 })).toEqual({ ...dry });
    expect([store.list().map(run => run.number), await contents()]).toEqual([[3], ['three']]);
    expect(readdirSync(join(store.home, 'runs'))).toEqual([store.list()[0]!.id]);
    expect(await check(store)).toMatchObject({ damages: [], unneeded: 0 });
  });

  test('keeps all runs while one goes on, and all that is younger than an hour', async () => {
    const [old, open] = [startRun(), startRun()];
    await put('old', { run: old, moment: 'start', notebook: 'n' });
    endRun(old);
    await put('open', { run: open, moment: 'start', notebook: 'n' });
    writeFileSync(join(folder, 'a'), 'not recorded yet');
    await take();
    const collected = await collect(store, { keep: 1 });
    expect(collected).toMatchObject({ runs: [], objects: { count: 0 }, kept: expect.any(String) });
    expect(await contents()).toEqual(['not recorded yet', 'old', 'open']);
  });

  test('between taking a snapshot and recording it takes nothing that it needs', async () => {
    const index = StatIndex.empty();
    writeFileSync(join(folder, 'a'), 'old content');
    await take(index);
    age(join(store.home, 'objects'));
    utimesSync(join(folder, 'a'), 1e9, 1e9);
    const taken = await take(index); // known from the index, and never recorded so far
    await collect(store, { isDry: true });
    const { id } = await record(taken);
    await collect(store, {});
    expect(await check(store)).toMatchObject({ damages: [] });
    const library = new SnapshotLibrary(store);
    await library.restore(id, { to: join(world.folder, 'back') });
    expect(readFileSync(join(world.folder, 'back/a'), 'utf8')).toBe('old content');
  });

  test('what the index knows and a collection removed is stored again', async () => {
    const index = StatIndex.empty();
    writeFileSync(join(folder, 'a'), 'content');
    await take(index);
    age(join(store.home, 'objects'));
    expect(await collect(store, {})).toMatchObject({ objects: { count: 2 } });
    await record(await take(index));
    expect(await check(store)).toMatchObject({ damages: [], checked: { objects: 2 } });
  });

  test('a snapshot whose objects went before it was recorded is no snapshot', async () => {
    writeFileSync(join(folder, 'a'), 'content');
    const taken = await take();
    age(join(store.home, 'objects'));
    await collect(store, {});
    await expect(record(taken)).rejects.toMatchObject({ code: 'damaged' });
    expect(await check(store)).toMatchObject({ damages: [], checked: { snapshots: 0 } });
  });
});
test('several runs of one process write the index at the same time', async () => {
  const path = join(folder, 'index/both');
  await Promise.all(Array.from({ length: 20 }, () => StatIndex.empty().write(path)));
  expect(StatIndex.isWhole(path)).toBe(true);
  expect(readdirSync(join(folder, 'index'))).toEqual(['both']);
});
