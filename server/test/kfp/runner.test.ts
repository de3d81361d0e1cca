// What runs on Kubeflow do besides what every runner does (../conformance.ts), from the command line: the real client, a server of Kubeflow's own description, steps that really run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planIr } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { describeIgnored } from '../../src/kfp/spec';
import { Runners } from '../../src/runners/runners';
import { Service } from '../../src/service';
import { Store } from '../../src/store';
import { env, install, World } from '../world';
import { KfpServer, type KfpServerOptions } from './server';

jest.setTimeout(90_000);

let world: World;
let server: KfpServer;
let url: string;

async function serve(options: Partial<KfpServerOptions> = {}): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kfp-'));
  server = new KfpServer({ folder, python: env.SLUICE_PYTHON!, env: { PATH: env.PATH, LANG: 'C.UTF-8' }, ...options });
  url = await server.listen();
}

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await server.close();
  rmSync(server.backend.folder, { recursive: true, force: true });
  world.remove();
});

const run = (...args: string[]) =>
  world.sluice('run', 'nb.ipynb', '--runner', 'kubeflow', '--url', url, '--json', ...args);

test('a notebook runs, and what its steps print, measure and give is here afterwards', async () => {
  await serve();
  world.write('nb.ipynb', [
    'pipeline-parameters | n = 3',
    'step:load | values = list(range(n))\nprint("loaded", n)',
    'step:train,prev:load | total = sum(values)\nprint("sum", total)',
    'pipeline-metrics | accuracy = total / 10\nprint(accuracy)'
  ]);
  const { status, events, stderr } = await run('-p', 'n=4');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(lines(events)).toEqual([
    'run-started',
    'load running',
    'load: loaded 4\n',
    'load succeeded',
    'train running',
    'train: sum 6\n',
    'train accuracy = 0.6',
    'train: 0.6\n',
    'train succeeded',
    'run succeeded'
  ]);
  const shown = JSON.parse((await world.sluice('runs', 'show', 'last', '--json')).stdout);
  expect(shown).toMatchObject({
    runner: 'kubeflow',
    remote: { place: { url, experiment: 'nb' } },
    parameters: { n: 4 }
  });
  const artifacts = (shown.artifacts as Record<string, unknown>[]).map(
    ({ step, name, kind }) => `${step} ${name} ${kind}`
  );
  expect(artifacts.sort()).toEqual([
    'load sluice_notebook notebook',
    'load values values',
    'train sluice_metrics metrics',
    'train sluice_notebook notebook'
  ]);
  expect((await world.sluice('runs', 'logs', 'last', 'train')).stdout).toBe('sum 6\n0.6\n');
});

test('cells show while a step runs, and one that failed leaves its executed notebook', async () => {
  await serve();
  const seen = join(world.folder, 'seen');
  world.write('nb.ipynb', [
    'step:load | 6 * 7',
    `import os, time\nprint("second")\nwhile not os.path.exists("${seen}"): time.sleep(0.1)\nraise ValueError("no data")`
  ]);
  const show = async () =>
    JSON.parse((await world.sluice('runs', 'show', 'last', '--json')).stdout) as Record<string, unknown>;
  let during: Promise<Record<string, unknown>> | undefined;
  const onStdout = (text: string) =>
    void (text.includes('second') && (during ??= show().finally(() => writeFileSync(seen, ''))));
  const { status } = await world.sluiceWith(
    { onStdout },
    'run',
    'nb.ipynb',
    '--runner',
    'kubeflow',
    '--url',
    url,
    '--json'
  );
  expect(await during).toMatchObject({ steps: [{ state: 'running', cellsDone: 1 }] });
  const { artifacts, steps } = (await show()) as { artifacts: { name: string; path: string }[]; steps: unknown[] };
  expect(steps).toMatchObject([{ state: 'failed', failure: { name: 'ValueError', cell: 1, line: 4 } }]);
  const notebook = artifacts.find(({ name }) => name === 'sluice_notebook')!;
  expect(readFileSync(notebook.path, 'utf8')).toContain('"text/plain": "42"');
  expect(status).toBe(1);
});

test('a step that Kubeflow has in its cache is told as such, and --no-cache runs it again', async () => {
  await serve();
  world.write('nb.ipynb', ['step:load | a = 1\nprint("ran")', 'step:train | print(a)']);
  await run();
  expect(lines((await run()).events)).toEqual(expect.arrayContaining(['load cached', 'train cached', 'run succeeded']));
  expect(lines((await run('--no-cache')).events)).toEqual(expect.arrayContaining(['load: ran\n', 'load succeeded']));
});

/** What `cluster check` says of Kubeflow by its URL alone: a line for each question, with the mark before it. */
async function check(): Promise<{ status: number; marks: string }> {
  const { status, stdout } = await world.sluice('cluster', 'check', '--runner', 'kubeflow', '--url', url);
  const said = stdout.replaceAll(url, 'URL').trimEnd().split('\n');
  return { status, marks: said.map(line => line.slice(0, 45)).join('\n') };
}

test('what can be known of Kubeflow by its URL alone is looked at: by the check, and before a run', async () => {
  await serve();
  const known = '✓ Kubeflow Pipelines at ‘URL’ answers\n✓ You may see its experiments and runs\n';
  const unknown = '– Which cluster it is on is not known here, s';
  expect(await check()).toEqual({
    status: 0,
    marks: `${known}✓ Its metadata service answers: logs, outputs\n${unknown}`
  });
  server.interfere = ({ url: path = '' }, response) => {
    if (path.includes('ml_metadata')) response.writeHead(503).end();
    if (path.includes('/runs?')) {
      const message =
        'User ‘me’ is not authorized with reason: (request: &ResourceAttributes{Verb:list,Resource:runs})';
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: message, code: 7, message }));
    }
    return response.headersSent;
  };
  const { status, marks } = await check();
  expect([status, ...marks.split('\n')]).toEqual([
    ...[1, '✓ Kubeflow Pipelines at ‘URL’ answers', expect.stringMatching(/^✗ /)],
    ...['– Logs, outputs and what came from the cache ', unknown]
  ]);
  world.write('nb.ipynb', ['step:load | 1']);
  const refused = await run();
  expect(refused).toMatchObject({ events: [], stderr: expect.stringMatching(/not authorized|may not/) as string });
});

test('what Kubeflow leaves out is told before the run', async () => {
  await serve();
  const ir = readIr(
    readFileSync(join(__dirname, '../../../core/test/pipelines/affinity-to-pods/pipeline.yaml'), 'utf8')
  );
  expect(describeIgnored(ir, planIr(ir))).toEqual([
    expect.stringMatching(/^Kubeflow does not place ‘.*’ by the affinity to other pods/)
  ]);
});

test('a step at the end runs by itself', async () => {
  await serve();
  world.write('nb.ipynb', ['step:load | a = 1', 'step:clean,at-end | print("cleaned")']);
  expect(lines((await run('--step', 'clean')).events)).toEqual([
    ...['run-started', 'load skipped', 'clean running', 'clean: cleaned\n', 'clean succeeded', 'run succeeded']
  ]);
});

test('a run resumes from the step that failed, with what the others gave in Kubeflow’s store', async () => {
  await serve();
  const cells = (fails: boolean) => [
    'step:load | a = [1, 2]',
    'step:train | b = sum(a)',
    `step:report | assert not ${fails ? 'True' : 'False'}\nprint(a, b)`
  ];
  world.write('nb.ipynb', cells(true));
  expect((await run()).status).toBe(1);
  world.write('nb.ipynb', cells(false));
  const { events, status } = await run('--resume', 'last');
  expect(status).toBe(0);
  expect(lines(events)).toEqual([
    ...['run-started', 'load cached', 'train cached'],
    ...['report running', 'report: [1, 2] 3\n', 'report succeeded', 'run succeeded']
  ]);
  const { dag } = [...server.backend.runs.values()].at(-1)!.spec.root;
  expect(Object.keys(dag.tasks).sort()).toEqual(['given-load-a', 'given-train-b', 'report']);

  // what it was given is its own: one can go on from it, and load it
  expect(lines((await run('--resume', 'last', '--from', 'report')).events)).toContain('run succeeded');
  const store = new Store(join(world.folder, '.sluice'));
  try {
    const runner = new Runners({ store, env: world.env, ...install });
    const service = new Service({ install, store, runner, root: world.folder, env: world.env });
    const { source, names, missing } = await service.load(store.find('last').id, 'train', AbortSignal.timeout(60_000));
    expect([names, missing]).toEqual([['a', 'b'], []]);
    const [, program, folder, job] = /^([^]*)\ntry:\n {4}_sluice_load\((".*?"), (".*")\)\n/.exec(source)!;
    const print = `${program}\n_sluice_load(${folder}, ${job})\nprint(a, b)`;
    expect(execFileSync(env.SLUICE_PYTHON!, ['-c', print], { encoding: 'utf8' })).toMatch(/\[1, 2\] 3\n$/);
  } finally {
    store.close();
  }
});

test('modules beside the notebook and the kernel’s packages are there', async () => {
  await serve();
  world.write('helpers.py', 'def double(x):\n    return 2 * x\n');
  world.write('nb.ipynb', ['step:load | import helpers, cloudpickle\nprint(helpers.double(4))']);
  const { status, events } = await run();
  expect(status).toBe(0);
  expect(lines(events)).toContain('load: 8\n');
});

test('a server that goes away for a while ends no run', async () => {
  await serve();
  world.write('nb.ipynb', ['step:load | import time\ntime.sleep(3)\nprint("done")']);
  const port = Number(new URL(url).port);
  let isAway = false;
  const { status, events } = await world.sluiceWith(
    {
      onStdout: text => {
        if (isAway || !text.includes('"running"')) return;
        isAway = true;
        void server.hang().then(() => setTimeout(() => void server.listen(port), 1500));
      }
    },
    ...['run', 'nb.ipynb', '--runner', 'kubeflow', '--url', url, '--json']
  );
  expect(isAway).toBe(true);
  expect(status).toBe(0);
  expect(lines(events).filter(line => line.startsWith('load'))).toEqual([
    'load running',
    'load: done\n',
    'load succeeded'
  ]);
});

test('secrets are neither in the records nor in what is printed', async () => {
  const token = 'very-secret-token';
  await serve({ token });
  world.env.SLUICE_KFP_TOKEN = token;
  world.write('nb.ipynb', ['step:load | import os\nprint(sorted(os.environ))']);
  const { status, stdout, stderr } = await run();
  expect(status).toBe(0);
  world.env.SLUICE_KFP_TOKEN = 'another-secret';
  const refused = await run();
  expect(refused.stderr).toContain('did not accept who we are');
  const records = readdirSync(join(world.folder, '.sluice'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('');
  expect(`${records}${stdout}${stderr}${refused.stdout}${refused.stderr}`).not.toMatch(
    /very-secret-token|another-secret/
  );
});

test('runs that were started elsewhere are in the list, with their steps, logs and metrics', async () => {
  await serve();
  world.write('nb.ipynb', [
    'pipeline-parameters | n = 1',
    'step:load | a = n\nprint("here", n)',
    'pipeline-metrics | accuracy = 0.5'
  ]);
  const compiled = (await world.sluice('compile', 'nb.ipynb')).stdout;
  const { parseDocument } = await import('yaml');
  const api = `${url}/apis/v2beta1/runs`;
  const create = async (body: object) =>
    expect((await fetch(api, { method: 'POST', body: JSON.stringify(body) })).status).toBe(200);
  await create({ display_name: 'nightly of 02:00', pipeline_spec: parseDocument(compiled).toJS() });
  await run();
  const { runs } = (await (await fetch(api)).json()) as { runs: { display_name: string; pipeline_spec: object }[] };
  const { pipeline_spec } = runs.find(({ display_name: name }) => name !== 'nightly of 02:00')!;
  await create({ display_name: 'run of here, cloned', pipeline_spec, runtime_config: { parameters: { n: 2 } } });
  world.env.SLUICE_KFP_URL = url;
  await Promise.all([...server.backend.runs.values()].map(({ done }) => done));
  const list = async () =>
    JSON.parse((await world.sluice('runs', 'list', '--json')).stdout).runs as Record<string, unknown>[];
  await list();
  const found = await list();
  expect(found).toHaveLength(3);
  const logOf = async (of: string) =>
    (await world.sluice('runs', 'logs', String(found.find(({ pipeline }) => pipeline === of)!.number))).stdout;
  expect(await logOf('run of here, cloned')).toMatch(/^── load\nhere 2\s*$/); // and nothing that its step told of itself
  const foreign = found.find(({ pipeline }) => pipeline === 'nightly of 02:00')!;
  expect(foreign).toMatchObject({ runner: 'kubeflow', state: 'succeeded', metrics: { accuracy: 0.5 } });
  expect(await logOf('nightly of 02:00')).toContain('here 1');
});

/** Events in a word or two each. */
function lines(events: readonly Record<string, unknown>[]): string[] {
  return events.map(({ type, step, state, text, name, value }) => {
    if (type === 'step') return `${step} ${state}`;
    if (type === 'log') return `${step}: ${text}`;
    if (type === 'metric') return `${step} ${name} = ${value}`;
    return type === 'run-ended' ? `run ${state}` : String(type);
  });
}
