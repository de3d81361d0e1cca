// Snapshots as people meet them: each run takes some; they are listed, compared, looked into and restored, on the command line and over HTTP.
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { request as httpRequest, type Server } from 'node:http';
import { join } from 'node:path';
import type { RunEvent, SnapshotDiff, SnapshotRecord } from '@sluice/core';
import { makeApp } from '../src/app';
import { openHome } from '../src/home';
import { Runners } from '../src/runners/runners';
import { Service } from '../src/service';
import { Store } from '../src/store';
import { install, World, type Outcome } from './world';

jest.setTimeout(60_000);

let world: World;
function beforeEachNewWorld(): void {
  beforeEach(() => (world = new World()));
  afterEach(() => world.remove());
}

const inWorld = (path: string) => join(world.folder, path);
const text = (path: string) => readFileSync(inWorld(path), 'utf8');
const files = (folder: string) => readdirSync(folder, { recursive: true }).map(String).sort();

async function runNotebook(cells: readonly string[], ...more: string[]): Promise<Outcome> {
  world.write('a.ipynb', cells);
  return world.sluice('run', 'a.ipynb', '--json', '--no-cache', ...more);
}

async function json<T>(...argv: string[]): Promise<T> {
  const { status, stdout, stderr } = await world.sluice('snapshots', ...argv, '--json');
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}

/** `start`, `before a`, … to ids, of the last run. */
async function moments(): Promise<Record<string, string>> {
  const { snapshots } = await json<{ snapshots: SnapshotRecord[] }>('list');
  const [last] = snapshots.filter(snapshot => snapshot.run !== undefined);
  const own = snapshots.filter(snapshot => snapshot.run === last!.run);
  return Object.fromEntries(own.map(({ id, moment, step }) => [step === undefined ? moment : `${moment} ${step}`, id]));
}

const twoSteps = [
  'step:a | open("out.csv", "w").write("1")\nopen("in.csv", "a").write("more")',
  'step:b | import os\nos.remove("gone.csv"); os.makedirs("empty"); n = open("out.csv").read()'
];

function writeInputs(): void {
  for (const path of ['in.csv', 'gone.csv', 'data/deep.csv']) world.write(path, path);
}

describe('a run', () => {
  beforeEachNewWorld();

  test('takes a snapshot at its start and around each step', async () => {
    writeInputs();
    const { status } = await runNotebook(twoSteps);
    expect(status).toBe(0);
    const names = ['start', 'before a', 'after a', 'before b', 'after b'];
    const at = await moments();
    expect(Object.keys(at).reverse()).toEqual(names);
    const diff = (a: string, b: string) => json<SnapshotDiff>('diff', at[a]!, at[b]!);
    const nothing = { added: [], changed: [], removed: [] };
    expect(await diff('start', 'before a')).toEqual(nothing);
    expect(await diff('before a', 'after a')).toEqual({ ...nothing, added: ['out.csv'], changed: ['in.csv'] });
    expect(await diff('after a', 'before b')).toEqual(nothing);
    expect(await diff('before b', 'after b')).toEqual({ ...nothing, added: ['empty'], removed: ['gone.csv'] });
    expect(text('in.csv')).toBe('in.csv');
  });

  test('says how its workspace came about', async () => {
    writeInputs();
    await runNotebook(twoSteps);
    const { stdout } = await world.sluice('runs', 'show', 'last', '--json');
    const { workspace } = JSON.parse(stdout);
    expect(workspace).toMatchObject({ files: 4 });
    expect(['copy', 'reflink']).toContain(workspace.how);
  });

  test('gives a step that is tried again the workspace as it stood before it', async () => {
    world.write('in.csv', 'in');
    const source = [
      'step:a | open("in.csv", "a").write("+a")',
      [
        'step:b,limit:x:1 | import os',
        'was = open("in.csv").read()',
        'open("in.csv", "a").write("+b"); open("left.csv", "a").write("x")',
        'if not os.path.exists("/tmp/FLAG"): open("/tmp/FLAG", "w").close(); raise OSError("the first time")',
        'n = (was, open("left.csv").read())'
      ]
        .join('\n')
        .replaceAll('/tmp/FLAG', join(world.folder, '.sluice/flag')),
      'step:c | print(was, n, open("in.csv").read())'
    ];
    world.write('a.ipynb', JSON.stringify(withRetries(source, 'b')));
    const { status, stdout } = await world.sluice('run', 'a.ipynb', '--json');
    expect(stdout).toContain("in+a ('in+a', 'x') in+a+b");
    expect(status).toBe(0);
    const at = await moments();
    expect(await json('diff', at['before b']!, at['after b']!)).toMatchObject({
      added: ['left.csv'],
      changed: ['in.csv']
    });
  });

  test('that is resumed starts with the files as they were before the step that failed', async () => {
    const cells = [
      'step:a | open("out.csv", "w").write("a"); n = 1',
      'step:b | f = open("out.csv", "a"); print(n, open("out.csv").read()); f.write("b"); f.close(); raise OSError'
    ];
    expect((await runNotebook(cells)).status).toBe(1);
    const [, failing] = cells;
    const resumed = await runNotebook(
      [cells[0]!, failing!.replace('raise OSError', 'print(open("out.csv").read())')],
      '--resume',
      'last'
    );
    const printed = resumed.events
      .filter(event => event.type === 'log')
      .map(event => event.text)
      .join('');
    expect(printed).toBe('1 a\nab\n');
    expect(resumed.events).toContainEqual(expect.objectContaining({ step: 'a', state: 'cached' }));
  });
});

function withRetries(cells: readonly string[], step: string): object {
  const path = world.write('retry.ipynb', cells);
  const notebook = JSON.parse(readFileSync(path, 'utf8'));
  rmSync(path);
  notebook.metadata.sluice = { version: 1, steps: { [step]: { retries: 1 } } };
  return notebook;
}

describe('sluice snapshots', () => {
  beforeEachNewWorld();
  let at: Record<string, string>;
  beforeEach(async () => {
    writeInputs();
    symlinkSync('data/deep.csv', inWorld('link'));
    await runNotebook(twoSteps);
    at = await moments();
  });

  test('list, show and files tell people what there is', async () => {
    const list = await world.sluice('snapshots');
    expect(list.stdout).toMatch(/^snapshot +run +notebook +of +taken +files +size\n\w{10} +1 +a\.ipynb +after b /);
    const show = await world.sluice('snapshots', 'show', at['after a']!.slice(0, 6));
    expect(show.stdout).toMatch(/after a {2}run 1, a\.ipynb, .*\n\d files, .* of .*\n\nsince \w+ \(before a\)\n/);
    expect(show.stdout).toContain('added    out.csv\nchanged  in.csv\n');
    const top = (await world.sluice('snapshots', 'files', at.start!)).stdout.split('\n').map(line => line.trim());
    expect(top).toEqual([
      'data/',
      expect.stringMatching(/a\.ipynb$/),
      '8 bytes    gone.csv',
      '6 bytes    in.csv',
      'link',
      ''
    ]);
    expect(await json('files', at.start!, 'data')).toEqual({
      files: [{ path: 'data/deep.csv', kind: 'file', bytes: 13 }]
    });
  });

  test('restore --to writes all of it, or what one asks for, to a new folder', async () => {
    const all = await world.sluice('snapshots', 'restore', at['after a']!, '--to', 'back');
    expect(all.stdout).toBe(`6 files written in ${inWorld('back')}.\n`);
    expect(files(inWorld('back'))).toEqual([
      'a.ipynb',
      'data',
      'data/deep.csv',
      'gone.csv',
      'in.csv',
      'link',
      'out.csv'
    ]);
    expect(text('back/in.csv')).toBe('in.csvmore');
    expect(text('back/link')).toBe('data/deep.csv');
    await json('restore', at['after a']!, 'data', 'out.csv', '--to', 'some');
    expect(files(inWorld('some'))).toEqual(['data', 'data/deep.csv', 'out.csv']);
  });

  test('restore --back keeps what was there in a snapshot, and leaves what the snapshot does not have', async () => {
    world.write('in.csv', 'edited');
    world.write('mine.csv', 'mine');
    world.write('.git/HEAD', 'ref');
    const { safety, files: count } = await json<{ safety: string; files: number }>('restore', at['after a']!, '--back');
    expect(count).toBe(2);
    expect(['in.csv', 'out.csv', 'mine.csv'].map(text)).toEqual(['in.csvmore', '1', 'mine']);
    await json('restore', safety, '--back', '--delete');
    expect(['in.csv', 'mine.csv', '.git/HEAD'].map(text)).toEqual(['edited', 'mine', 'ref']);
    expect(existsSync(inWorld('out.csv'))).toBe(false);
  });

  test('restore --back of some paths touches nothing else', async () => {
    world.write('in.csv', 'edited');
    world.write('data/deep.csv', 'edited');
    await json('restore', at['after a']!, 'data', '--back', '--delete');
    expect(['in.csv', 'data/deep.csv'].map(text)).toEqual(['edited', 'data/deep.csv']);
  });

  test('restore --back never writes through a link that has come in a folder’s place', async () => {
    const elsewhere = new World();
    elsewhere.write('deep.csv', 'not ours');
    renameSync(inWorld('data'), inWorld('moved'));
    symlinkSync(elsewhere.folder, inWorld('data'));
    await json('restore', at['after a']!, '--back');
    expect(lstatSync(inWorld('data')).isDirectory()).toBe(true);
    expect(text('data/deep.csv')).toBe('data/deep.csv');
    expect(readFileSync(join(elsewhere.folder, 'deep.csv'), 'utf8')).toBe('not ours');
    elsewhere.remove();
  });

  test('a damaged object is found before anything is written', async () => {
    const { execSync } = await import('node:child_process');
    const object = execSync(`grep -rl '^data/deep.csv$' ${inWorld('.sluice/objects')}`, { encoding: 'utf8' }).trim();
    chmodSync(object, 0o644);
    writeFileSync(object, 'data/DEEP.csv');
    const { status, stderr } = await world.sluice('snapshots', 'restore', at.start!, '--to', 'new');
    expect([status, existsSync(inWorld('new'))]).toEqual([1, false]);
    expect(stderr).toMatch(/damaged.*sluice fsck/);
  });
});

/** The sidecar's routes in this process. */
class Routes {
  readonly store = new Store(openHome(inWorld('.sluice')));
  private server: Server | undefined;

  async listen(): Promise<this> {
    const { store } = this;
    const runner = new Runners({ store, env: world.env });
    this.server = makeApp(new Service({ install, store, runner, root: world.folder, env: world.env }), { secret: 's' });
    await new Promise<void>(listening => this.server!.listen(inWorld('.sluice/socket'), listening));
    return this;
  }

  async close(): Promise<void> {
    await new Promise(closed => this.server!.close(closed));
    this.store.close();
  }

  ask(method: string, path: string, body?: unknown) {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    return new Promise<{ status: number; text: string; json: any }>((resolve, reject) => {
      const headers = { 'X-Sluice-Secret': 's' };
      const options = { socketPath: inWorld('.sluice/socket'), method, path: `/sluice/api/v1${path}`, headers };
      const sent = httpRequest(options, response => {
        let text = '';
        response.on('data', chunk => (text += String(chunk)));
        response.on('end', () =>
          resolve({ status: response.statusCode!, text, json: text.startsWith('{') ? JSON.parse(text) : undefined })
        );
      });
      sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

describe('over HTTP', () => {
  beforeEachNewWorld();

  test('the same is listed, compared, read and restored', async () => {
    writeInputs();
    await runNotebook(twoSteps);
    const at = await moments();
    const routes = await new Routes().listen();
    const ask = routes.ask.bind(routes);
    const { json } = await ask('GET', '/runs');
    const [{ id: run }] = json.runs;
    const { snapshots } = (await ask('GET', `/runs/${run}/snapshots`)).json;
    expect(snapshots.map((s: SnapshotRecord) => [s.moment, s.step])).toEqual([
      ['start', undefined],
      ...[
        ['before', 'a'],
        ['after', 'a'],
        ['before', 'b'],
        ['after', 'b']
      ]
    ]);
    const newest = (await ask('GET', '/snapshots?notebook=a.ipynb')).json.snapshots;
    expect(newest).toEqual([...snapshots].reverse());
    expect((await ask('GET', '/snapshots?notebook=b.ipynb')).json).toEqual({ snapshots: [] });
    expect((await ask('GET', `/snapshots/${at.start}/diff/${at['after a']}`)).json).toEqual({
      ...{ added: ['out.csv'], changed: ['in.csv'], removed: [] }
    });
    expect((await ask('GET', `/snapshots/${at['after a']}/files?folder=data`)).json.files).toHaveLength(1);
    expect((await ask('GET', `/snapshots/${at['after a']}/file?path=in.csv`)).text).toBe('in.csvmore');
    const to = await ask('POST', `/snapshots/${at['after a']}/restore`, { to: 'new/place', paths: ['in.csv'] });
    expect(to.json).toEqual({ files: 1, to: 'new/place' });
    expect(text('new/place/in.csv')).toBe('in.csvmore');
    const back = await ask('POST', `/snapshots/${at['after a']}/restore`, {});
    const { written, safety } = back.json;
    expect(back.json).toEqual({ files: 2, to: '', safety: expect.stringMatching(/^\w{10}$/), written });
    expect([...written].sort()).toEqual(['in.csv', 'out.csv']);
    expect(text('in.csv')).toBe('in.csvmore');
    // undone, what was not there goes, and what has come since stays
    world.write('mine.txt', 'mine');
    const undone = await ask('POST', `/snapshots/${safety}/restore`, { paths: written, isUndo: true });
    expect([...undone.json.written].sort()).toEqual(['in.csv', 'out.csv']);
    expect([text('in.csv'), text('mine.txt')]).toEqual(['in.csv', 'mine']);
    expect(existsSync(join(world.folder, 'out.csv'))).toBe(false);
    const events = routes.store.events(run).filter((event: RunEvent) => event.type === 'snapshot');
    expect(events).toHaveLength(5);
    await routes.close();
  });
});

describe('what is refused writes nothing:', () => {
  let at: Record<string, string>;
  let routes: Routes;
  let outside: World;
  beforeAll(async () => {
    world = new World();
    writeInputs();
    symlinkSync((outside = new World()).folder, inWorld('beyond'));
    await runNotebook(twoSteps);
    at = await moments();
    routes = await new Routes().listen();
  });
  afterAll(async () => {
    await routes.close();
    [world, outside].forEach(each => each.remove());
  });

  const own = () => files(world.folder).filter(path => !path.startsWith('.sluice'));

  test.each<[name: string, argv: (id: string) => string[], message: RegExp]>([
    ['an id that is none', () => ['show', 'zzz'], /no snapshot ‘zzz’.*lists them/],
    ['nowhere to go', id => ['restore', id], /--to DIR.*--back/],
    ['two ways to go', id => ['restore', id, '--to', 'x', '--back'], /one of them/],
    ['--delete for a new folder', id => ['restore', id, '--to', 'x', '--delete'], /goes with --back/],
    ['a folder that is not empty', id => ['restore', id, '--to', 'data'], /something in .*data’ already/],
    ['Sluice’s own folder', id => ['restore', id, '--to', '.sluice/x'], /Sluice’s own/],
    ['a path that leads out', id => ['restore', id, '../x', '--to', 'new'], /leads out/],
    ['a path that is not there', id => ['restore', id, 'nix.csv', '--to', 'new'], /no file or folder ‘nix.csv’/],
    ['a command that is none', () => ['lst'], /Did you mean ‘list’/]
  ])('%s', async (_, argv, message) => {
    const before = own();
    const { status, stderr } = await world.sluice('snapshots', ...argv(at.start!));
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(own()).toEqual(before);
  });

  test.each<[name: string, method: string, path: string, body: unknown, status: number]>([
    ['a file outside of the snapshot', 'GET', '/snapshots/ID/file?path=../a.ipynb', undefined, 400],
    ['a file that is a folder', 'GET', '/snapshots/ID/file?path=data', undefined, 404],
    ['no path', 'GET', '/snapshots/ID/file', undefined, 400],
    ['a folder that is none', 'GET', '/snapshots/ID/files?folder=in.csv', undefined, 404],
    ['a snapshot that is none', 'GET', '/snapshots/zz/files', undefined, 404],
    ['a folder outside of the root', 'POST', '/snapshots/ID/restore', { to: '../out' }, 403],
    ['a folder beyond a link', 'POST', '/snapshots/ID/restore', { to: 'beyond/new' }, 403],
    ['a path outside of the snapshot', 'POST', '/snapshots/ID/restore', { to: 'new', paths: ['../x'] }, 400],
    ['paths that are none', 'POST', '/snapshots/ID/restore', { paths: 'in.csv' }, 400]
  ])('HTTP: %s', async (_, method, path, body, status) => {
    const before = own();
    const answer = await routes.ask(method, path.replace('ID', at.start!), body);
    expect([answer.status, own()]).toEqual([status, before]);
  });
});
