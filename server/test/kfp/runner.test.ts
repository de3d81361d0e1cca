// Runs on Kubeflow, from the command line: the real client, a server of Kubeflow's own description, steps that really run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, World } from '../world';
import { KfpServer, type KfpServerOptions } from './server';

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
    'train: sum 6\n0.6\n',
    'train accuracy = 0.6',
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
    'load sluice_metrics metrics',
    'load sluice_notebook notebook',
    'load values values',
    'train sluice_metrics metrics',
    'train sluice_notebook notebook'
  ]);
  expect((await world.sluice('runs', 'logs', 'last', 'train')).stdout).toBe('sum 6\n0.6\n');
}, 60_000);

test('a failing step is told with its cell, its line and its exception, and what needs it is skipped', async () => {
  await serve();
  world.write('nb.ipynb', [
    'step:load | a = 1\nraise ValueError("no data")',
    'step:train | print(a)',
    'step:other | b = 2'
  ]);
  const { status, events } = await run();
  expect(status).toBe(1);
  expect(events.find(event => event.state === 'failed')).toMatchObject({
    step: 'load',
    error: 'ValueError: no data (cell 1, line 2)'
  });
  expect(lines(events)).toEqual(expect.arrayContaining(['train skipped', 'other succeeded', 'run failed']));
  expect(events.at(-1)).toMatchObject({ reason: 'Step ‘load’ failed.' });
}, 60_000);

test('Ctrl+C ends the run in Kubeflow', async () => {
  await serve();
  world.write('nb.ipynb', ['step:wait | import time\ntime.sleep(60)', 'step:after,prev:wait | print(1)']);
  const { status, events } = await world.sluiceWith(
    {
      onStdout: text => {
        if (text.includes('"running"')) world.interrupt();
      }
    },
    ...['run', 'nb.ipynb', '--runner', 'kubeflow', '--url', url, '--json']
  );
  expect(status).toBe(130);
  expect(events.at(-1)).toMatchObject({ state: 'canceled', reason: 'Canceled with Ctrl+C.' });
  expect([...server.backend.runs.values()].map(({ state }) => state)).toEqual(['CANCELED']);
}, 60_000);

/** Events in a word or two each. */
function lines(events: readonly Record<string, unknown>[]): string[] {
  return events.map(({ type, step, state, text, name, value }) => {
    if (type === 'step') return `${step} ${state}`;
    if (type === 'log') return `${step}: ${text}`;
    if (type === 'metric') return `${step} ${name} = ${value}`;
    return type === 'run-ended' ? `run ${state}` : String(type);
  });
}
