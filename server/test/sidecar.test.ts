// The sidecar as Jupyter's extension meets it: the bundle as a process, HTTP over its unix socket, and what becomes of runs when either ends.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent, RunSummary } from '@sluice/core';
import { env, install, makeNotebook, until, World } from './world';

jest.setTimeout(60_000);

const secret = 'what only Jupyter knows';
let bundle: string;
let world: World;
let sidecar: Sidecar;

beforeAll(() => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-bundle-')));
  bundle = join(folder, 'node');
  mkdirSync(bundle);
  symlinkSync(install.runtimeFolder, join(folder, 'runtime'));
  symlinkSync(install.packagesFolder, join(folder, 'packages'));
  const built = spawnSync(process.execPath, [join(__dirname, '..', 'build.mjs'), '--outdir', bundle], {
    encoding: 'utf8'
  });
  expect(built.stderr).toBe('');
});
afterAll(() => rmSync(join(bundle, '..'), { recursive: true, force: true }));
beforeEach(async () => {
  world = new World();
  sidecar = await Sidecar.start();
});
afterEach(async () => {
  await sidecar.kill();
  world.remove();
});

class Sidecar {
  private constructor(
    readonly child: ChildProcess,
    readonly socket: string
  ) {}

  static async start(root = world.folder, name = 's'): Promise<Sidecar> {
    const socket = join(world.folder, name);
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(bundle, 'main.mjs'), '--socket', socket, '--root', root],
      { env: { ...env, SLUICE_SECRET: secret, JUPYTER_TOKEN: 'hush' }, stdio: ['pipe', 'pipe', 'inherit'] }
    );
    let said = '';
    child.stdout!.on('data', chunk => (said += String(chunk)));
    await until(() => said.includes('\n'));
    expect(said).toBe('{"ready":true}\n');
    return new Sidecar(child, socket);
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await until(() => this.hasEnded);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = { 'X-Sluice-Secret': secret }
) {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest(
      { socketPath: sidecar.socket, method, path: `/sluice/api/v1${path}`, headers },
      response => {
        let text = '';
        response.setEncoding('utf8').on('data', chunk => (text += chunk));
        response.on('end', () =>
          resolve({
            ...{ status: response.statusCode!, headers: response.headers, text },
            get json() {
              return JSON.parse(text);
            }
          })
        );
      }
    );
    request.on('error', reject);
    request.end(typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body));
  });
}

const eventsOf = ({ text }: Answer): RunEvent[] =>
  text.split('\n\n').flatMap(block => (block.startsWith('data: ') ? [JSON.parse(block.slice(6))] : []));

async function submit(notebook: string, more: object = {}): Promise<string> {
  const answer = await ask('POST', '/runs', { notebook, ...more });
  expect(answer.text).toMatch(/^\{"run":/);
  expect(answer.status).toBe(201);
  return answer.json.run;
}

describe('the door', () => {
  test('only its owner can reach the socket', () => {
    expect(statSync(sidecar.socket).mode & 0o777).toBe(0o600);
  });

  test.each<
    [
      name: string,
      method: string,
      path: string,
      body: unknown,
      headers: Record<string, string> | undefined,
      status: number,
      said: RegExp
    ]
  >([
    ['without the secret', 'GET', '/health', undefined, {}, 403, /Jupyter’s own extension/],
    [
      'with another secret',
      'GET',
      '/health',
      undefined,
      { 'X-Sluice-Secret': 'what only Jupyter know!' },
      403,
      /extension/
    ],
    ['an unknown address', 'GET', '/nothing', undefined, undefined, 404, /nothing at/],
    ['a method that is not taken', 'PUT', '/runs', undefined, undefined, 405, /does not take PUT/],
    ['no JSON', 'POST', '/runs', '{', undefined, 400, /not JSON/],
    ['no notebook', 'POST', '/runs', {}, undefined, 400, /‘notebook’ must be/],
    ['a path out of the root', 'POST', '/runs', { notebook: '../a.ipynb' }, undefined, 403, /outside the folder/],
    ['a notebook that is not there', 'POST', '/runs', { notebook: 'b.ipynb' }, undefined, 404, /b\.ipynb/],
    [
      'a runner that is not there',
      'POST',
      '/runs',
      { notebook: 'b.ipynb', runner: 'x' },
      undefined,
      400,
      /no runner ‘x’/
    ],
    ['an unknown run', 'GET', '/runs/none', undefined, undefined, 404, /no run ‘none’/],
    ['events of an unknown run', 'GET', '/runs/none/events', undefined, undefined, 404, /no run ‘none’/],
    [
      'a path for a module',
      'POST',
      '/modules',
      { notebook: 'a.ipynb', stars: [], imports: ['../m'] },
      undefined,
      400,
      /‘imports’/
    ],
    [
      'a comparison for an unknown run',
      'GET',
      '/runs/none/volume-snapshots/a/diff/b',
      undefined,
      undefined,
      404,
      /no run/
    ],
    ['a volume without a name', 'POST', '/runs/none/volume-snapshots/a/restore', {}, undefined, 400, /‘to’ must be/],
    ['events after nonsense', 'GET', '/runs/none/events?after=x', undefined, undefined, 400, /‘after’/],
    ['a badly escaped address', 'GET', '/runs/%E0%A4%A', undefined, undefined, 400, /well-formed/]
  ])('%s', async (_, method, path, body, headers, status, said) => {
    const answer = await ask(method, path, body, headers);
    expect(answer.json).toEqual({ code: expect.any(String), message: expect.stringMatching(said) });
    expect(answer.status).toBe(status);
  });

  test('a link that leads out of the root', async () => {
    symlinkSync('/etc', join(world.folder, 'out'));
    const answer = await ask('POST', '/runs', { notebook: 'out/passwd' });
    expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
  });

  test('a notebook of more than 50 MB', async () => {
    const answer = await ask('POST', '/runs', `"${'x'.repeat(53_000_000)}"`);
    expect([answer.status, answer.json.code]).toEqual([413, 'too-large']);
  });

  test('a notebook with an error is refused with its diagnostics', async () => {
    world.write('a.ipynb', ['step:a | x = (']);
    const answer = await ask('POST', '/runs', { notebook: 'a.ipynb' });
    expect(answer.status).toBe(422);
    expect(answer.json).toMatchObject({
      code: 'invalid-notebook',
      detail: { diagnostics: [{ severity: 'error', cell: 0, line: 1 }] }
    });
    expect((await ask('GET', '/runs')).json).toEqual({ runs: [] });
  });

  test('what ‘import *’ binds is read beside the notebook, or told by its kernel; what a module beside it keeps is in its source', async () => {
    world.write('work/rates.py', 'rate = 1\n_own = 2\ndef raise_it():\n    global rate\n    rate += 1\n');
    const stars = ['rates', 'colorsys', 'no_such_module'];
    const request = { notebook: 'work/nb.ipynb', stars, imports: [...stars, 'rates.rate'] };
    expect((await ask('POST', '/modules', request)).json).toEqual({
      own: {
        kept: { 'rates.rate': '' },
        members: { 'rates.raise_it': { reads: ['rates.rate'], changes: ['rates.rate'] } }
      },
      names: {
        rates: ['rate', 'raise_it'],
        colorsys: ['rgb_to_yiq', 'yiq_to_rgb', 'rgb_to_hls', 'hls_to_rgb', 'rgb_to_hsv', 'hsv_to_rgb']
      }
    });
  });

  test('a notebook is compiled as it stands in the editor', async () => {
    const path = world.write('a.ipynb', ['step:a | x = 1']);
    const content = JSON.parse(readFileSync(path, 'utf8').replace('x = 1', 'x = 2')) as object;
    const { json } = await ask('POST', '/compile', { notebook: 'a.ipynb', content });
    expect(json).toEqual({ ir: expect.stringMatching(/schemaVersion: 2\.1\.0[^]*x = 2/) });
  });

  test('what the server has is told without what is the server’s own', async () => {
    const { json } = await ask('GET', '/surroundings');
    expect(json).toMatchObject({ secretFolders: [], volumes: [] });
    expect(JSON.stringify(json)).not.toMatch(/SLUICE_|"PATH"/);
  });

  test('a cluster is looked for where the notebook says, and checked there', async () => {
    const contexts = [
      { name: 'away', context: { cluster: 'c', user: 'u' } },
      { name: 'main', context: { cluster: 'c', user: 'u', namespace: 'team-a' } }
    ];
    const kubeconfig = join(world.folder, 'kubeconfig');
    mkdirSync(join(world.folder, '.sluice'), { recursive: true });
    writeFileSync(join(world.folder, '.sluice/cluster.json'), JSON.stringify({ kubeconfig }));
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'main', contexts },
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'u', user: {} }]
      })
    );
    const { runners } = (await ask('GET', '/runners?runner=argo&context=away&namespace=mine')).json;
    expect(runners[1]).toEqual({
      ...{ name: 'argo', label: 'Argo, namespace ‘mine’ of ‘away’', isReady: false, isSetUp: true },
      problem: expect.stringContaining('https://127.0.0.1:1'),
      contexts: [
        { name: 'main', namespace: 'team-a' },
        { name: 'away', namespace: 'default' }
      ]
    });
    const gone = (await ask('GET', '/runners?runner=argo&context=gone')).json.runners[1];
    expect(gone).toMatchObject({ isSetUp: true, problem: expect.stringContaining('no context ‘gone’') });
    expect((await ask('GET', '/runners/argo/check?context=away')).json).toEqual({
      findings: [{ isOk: false, message: expect.stringContaining('https://127.0.0.1:1') }]
    });
    expect((await ask('GET', '/runners/local/check')).json.message).toContain('‘local’ is no runner in a cluster');
  });

  test('health tells the version', async () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'));
    expect((await ask('GET', '/health')).json).toEqual({ version });
  });
});

describe('a run', () => {
  test('is submitted, watched, listed, and leaves logs, artifacts and executed notebooks', async () => {
    world.write('sub/a.ipynb', [
      'parameters | n = 2',
      'step:a | print("hello")\nx = n',
      'step:b | y = x + 1',
      'pipeline-metrics | y'
    ]);
    const run = await submit('sub/a.ipynb', { parameters: { n: 5 } });
    const watched = await ask('GET', `/runs/${run}/events`);
    expect(watched.headers['content-type']).toBe('text/event-stream');
    const events = eventsOf(watched);
    expect(events.map(event => event.seq)).toEqual(events.map((_, i) => i + 1));
    expect(events[0]).toMatchObject({ type: 'run-started', run, steps: ['a', 'b'] });
    expect(events.at(-1)).toMatchObject({ type: 'run-ended', state: 'succeeded', metrics: { y: 6 } });
    expect(events).toContainEqual(expect.objectContaining({ type: 'cell', step: 'a', cell: 1, state: 'running' }));
    const again = eventsOf(await ask('GET', `/runs/${run}/events?after=${events.length - 2}`));
    expect(again).toEqual(events.slice(-2));
    const summary: RunSummary = (await ask('GET', `/runs/${run}`)).json;
    expect(summary).toMatchObject({
      id: run,
      number: 1,
      notebook: 'sub/a.ipynb',
      state: 'succeeded',
      parameters: { n: 5 }
    });
    expect((await ask('GET', '/runs?notebook=sub/a.ipynb')).json.runs).toEqual([summary]);
    expect((await ask('GET', '/runs?notebook=other.ipynb')).json.runs).toEqual([]);
    expect((await ask('GET', `/runs/${run}/steps/a/log`)).text).toBe('hello\n');
    expect((await ask('GET', `/runs/${run}/steps/a/log?last=3`)).text).toBe('lo\n');
    expect((await ask('GET', `/runs/${run}/steps/a/log?last=99`)).text).toBe('hello\n');
    expect((await ask('GET', `/runs/${run}/steps/a/log?last=none`)).status).toBe(400);
    expect((await ask('GET', `/runs/${run}/steps/b/log`)).text).toBe('');
    const { artifacts } = (await ask('GET', `/runs/${run}/artifacts`)).json;
    expect(artifacts).toContainEqual(
      expect.objectContaining({
        step: 'a',
        kind: 'values',
        variables: [{ name: 'x', type: 'int', summary: expect.any(String) }]
      })
    );
    const notebook = (await ask('GET', `/runs/${run}/steps/a/notebook`)).json;
    expect(notebook).toMatchObject({ nbformat: 4, cells: expect.any(Array) });
    expect((await ask('GET', `/runs/${run}/steps/ghost/notebook`)).status).toBe(404);
    expect((await world.sluice('runs', 'list')).stdout).toContain('sub/a.ipynb');
    const volumes = `/runs/${run}/volume-snapshots`; // of a run on a cluster: tests/cluster/workspace.test.ts
    expect((await ask('GET', volumes)).json).toEqual({ snapshots: [] });
    for (const answer of [
      await ask('GET', `${volumes}/a/diff/b`),
      await ask('POST', `${volumes}/a/restore`, { to: 'c' })
    ])
      expect([answer.status, answer.json.message]).toEqual([
        404,
        expect.stringContaining('its record names no cluster')
      ]);
  });

  test('stays with its notebook when that is renamed, or its folder is', async () => {
    mkdirSync(join(world.folder, 'a'));
    world.write('a/one.ipynb', ['step:s | print(1)']);
    const run = await submit('a/one.ipynb');
    await ask('POST', '/rename', { from: 'a/one.ipynb', to: 'a/two.ipynb' });
    await ask('GET', `/runs/${run}/events`);
    expect((await ask('POST', '/rename', { from: 'a', to: 'b' })).json).toEqual({});
    const listed = (path: string) => ask('GET', `/runs?notebook=${path}`).then(({ json }) => json.runs as RunSummary[]);
    expect(await listed('a/two.ipynb')).toEqual([]);
    expect(await listed('b/two.ipynb')).toMatchObject([
      { id: run, state: 'succeeded', notebook: 'b/two.ipynb', pipeline: 'two' }
    ]);
    expect((await ask('GET', `/runs/${run}/volume-snapshots`)).json).toEqual({ snapshots: [] });
    expect((await ask('POST', '/rename', { from: '../a', to: 'b' })).status).toBe(403);
    expect((await ask('POST', '/rename', { from: 'a' })).status).toBe(400);
  });

  test('takes the notebook as it stands in the editor', async () => {
    const run = await submit('unsaved.ipynb', { content: makeNotebook(['step:a | print("edited")']) });
    await ask('GET', `/runs/${run}/events`);
    expect((await ask('GET', `/runs/${run}/steps/a/log`)).text).toBe('edited\n');
  });

  test('is listed also where the root is a link to a folder', async () => {
    world.write('a.ipynb', ['step:a | x = 1']);
    symlinkSync(world.folder, join(world.folder, 'link'));
    await sidecar.kill();
    sidecar = await Sidecar.start(join(world.folder, 'link'), 't');
    const run = await submit('a.ipynb');
    const { runs } = (await ask('GET', '/runs?notebook=a.ipynb')).json;
    expect(runs).toMatchObject([{ id: run, notebook: 'a.ipynb' }]);
  });

  test('is not told Jupyter’s token nor our secret', async () => {
    world.write('a.ipynb', [
      'step:a | import os\nprint(sorted(k for k in os.environ if "JUPYTER" in k or "SLUICE" in k))'
    ]);
    const run = await submit('a.ipynb');
    await ask('GET', `/runs/${run}/events`);
    expect((await ask('GET', `/runs/${run}/steps/a/log`)).text).toBe("['SLUICE_PYTHON']\n");
  });

  test('is canceled', async () => {
    world.write('a.ipynb', ['step:a | import time\ntime.sleep(60)']);
    const run = await submit('a.ipynb');
    const watching = ask('GET', `/runs/${run}/events`);
    await until(() => existsSync(join(world.folder, '.sluice/runs', run, 'a.log')));
    expect(await ask('POST', `/runs/${run}/cancel`)).toMatchObject({ status: 202, text: '{}' });
    expect(eventsOf(await watching).at(-1)).toMatchObject({ type: 'run-ended', state: 'canceled' });
  });

  test('is seen live and canceled through a second server, and goes on when that one ends', async () => {
    world.write('a.ipynb', ['step:a | import time\nprint("begun", flush=True)\ntime.sleep(60)']);
    const [once, twice] = [await submit('a.ipynb'), await submit('a.ipynb')];
    const log = (run: string) => join(world.folder, '.sluice/runs', run, 'a.log');
    await until(() => [once, twice].every(run => existsSync(log(run)) && statSync(log(run)).size > 0));
    const first = sidecar;
    try {
      sidecar = await Sidecar.start(world.folder, 'second');
      expect((await ask('GET', '/runs')).json.runs).toMatchObject([{ state: 'running' }, { state: 'running' }]);
      const watching = ask('GET', `/runs/${once}/events`);
      expect(await ask('POST', `/runs/${once}/cancel`)).toMatchObject({ status: 202, text: '{}' });
      const events = eventsOf(await watching);
      expect(events).toContainEqual(expect.objectContaining({ type: 'log', text: 'begun\n' }));
      expect(events.at(-1)).toMatchObject({ type: 'run-ended', state: 'canceled', reason: 'Canceled in JupyterLab.' });
      sidecar.child.kill('SIGTERM');
      await until(() => sidecar.hasEnded);
    } finally {
      await sidecar.kill();
      sidecar = first;
    }
    expect((await ask('GET', `/runs/${twice}`)).json).toMatchObject({ state: 'running' });
    expect((await world.sluice('runs', 'cancel', twice)).stdout).toBe('Run 2 canceled.\n');
  });
});

describe('ends', () => {
  const slow = (seconds: number) => [
    `step:a | import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(${seconds})\nopen("done", "w").close()`
  ];
  const isRunning = (pid: string) =>
    existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');

  async function begin(seconds = 60): Promise<{ run: string; pid: string }> {
    world.write('a.ipynb', slow(seconds));
    const run = await submit('a.ipynb');
    const log = join(world.folder, '.sluice/runs', run, 'a.log');
    await until(() => existsSync(log) && statSync(log).size > 0);
    return { run, pid: readFileSync(log, 'utf8').trim() };
  }

  test('at end-of-file: it takes no more runs, and ends after its last one', async () => {
    const { run } = await begin(2);
    sidecar.child.stdin!.end();
    await until(() => sidecar.hasEnded);
    expect(sidecar.child.exitCode).toBe(0);
    expect(existsSync(sidecar.socket)).toBe(false);
    expect((await world.sluice('runs', 'show', run, '--json')).events[0]).toMatchObject({ state: 'succeeded' });
  });

  test('at end-of-file without runs: at once', async () => {
    sidecar.child.stdin!.end();
    await until(() => sidecar.hasEnded);
  });

  test('by SIGTERM: at once, and its runs are canceled', async () => {
    const { run, pid } = await begin();
    sidecar.child.kill('SIGTERM');
    await until(() => sidecar.hasEnded);
    await until(() => !isRunning(pid));
    expect((await world.sluice('runs', 'show', run, '--json')).events[0]).toMatchObject({
      state: 'canceled',
      reason: 'Canceled, as Sluice’s server was ended by SIGTERM.',
      steps: [{ name: 'a', state: 'canceled' }]
    });
  });

  test('by SIGKILL: its steps end themselves, and whoever looks next writes down why', async () => {
    const { run, pid } = await begin();
    await sidecar.kill();
    await until(() => !isRunning(pid));
    sidecar = await Sidecar.start();
    expect((await ask('GET', `/runs/${run}`)).json).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(
        /^interrupted: the process that executed it \(\d+\) ended before the run did\. Run the pipeline again\.$/
      )
    });
  });
});

test('the bundled command line checks, runs and tells its version', () => {
  const cli = (...argv: string[]) =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(bundle, 'cli.mjs'), ...argv], {
      ...{ cwd: world.folder, env, encoding: 'utf8' }
    });
  world.write('a.ipynb', ['step:a | print("x" * 300_000)']);
  expect(cli('--version').stdout).toMatch(/^sluice \d+\.\d+\.\d+/);
  expect(JSON.parse(cli('check', 'a.ipynb', '--json').stdout)).toMatchObject({
    steps: [{ name: 'a' }],
    diagnostics: []
  });
  expect(cli('run', 'a.ipynb', '--json')).toMatchObject({ status: 0, stderr: '' });
  expect(cli('runs', 'logs', 'last').stdout).toHaveLength(300_001 + '── a\n'.length);
  expect(cli('runs', 'oops')).toMatchObject({ status: 2, stdout: '' });
});

test.each([
  ['succeeds', 'import time; time.sleep(1)', 0],
  ['fails', 'import time; time.sleep(1); 1 / 0', 1]
])('a run whose output nobody reads goes on to its end, and %s', async (_, source, status) => {
  world.write('a.ipynb', [`step:a | ${source}`, 'step:b | print(1)']);
  const argv = ['--disable-warning=ExperimentalWarning', join(bundle, 'cli.mjs'), 'run', 'a.ipynb'];
  const child = spawn(process.execPath, argv, { cwd: world.folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.once('data', () => child.stdout.destroy());
  await until(() => child.exitCode !== null || child.signalCode !== null);
  expect(child.exitCode).toBe(status);
  expect(JSON.parse((await world.sluice('runs', '--json')).stdout).runs).toMatchObject([
    { state: status === 0 ? 'succeeded' : 'failed' }
  ]);
});

describe('verifying', () => {
  test('tells its stages and ends with what was found', async () => {
    world.write('a.ipynb', ['step:a | x = 1']);
    const content = makeNotebook(['step:a | x = [1]', 'step:b | y = x + [2]']);
    const answer = await ask('POST', '/verify', { notebook: 'a.ipynb', content });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(eventsOf(answer)).toEqual([
      { type: 'stage', stage: 'notebook' },
      { type: 'stage', stage: 'pipeline' },
      { type: 'verified', verification: expect.objectContaining({ outcome: 'same', first: null }) }
    ]);
    const { runs } = (await ask('GET', '/runs?notebook=a.ipynb')).json;
    expect(runs.map((run: RunSummary) => run.state)).toEqual(['succeeded']);
  });

  test('refuses a notebook that cannot run', async () => {
    world.write('a.ipynb', ['x = 1']);
    const answer = await ask('POST', '/verify', { notebook: 'a.ipynb' });
    expect([answer.status, answer.json.code]).toEqual([422, 'invalid-notebook']);
  });
});
