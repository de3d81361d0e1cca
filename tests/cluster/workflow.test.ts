// What the IR compiles to for Argo, run by the real controller in real pods, with a snapshot of the volume before and after each step: a run
// that succeeds, one whose step fails, one that is canceled, and one that goes on from a snapshot of the failed one. Sluice started none of
// them: they are in its list of runs all the same.
import { compileWorkflow, type Ir, type WorkflowOptions } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { eventsMark, withEnv } from '../../server/src/argo/workflows.js';
import { compareSnapshots } from '../../server/src/kubernetes/contents.js';
import { listSnapshots, restoreSnapshot } from '../../server/src/kubernetes/snapshots.js';
import { Pipelines } from '../../server/src/pipelines.js';
import { install, makeNotebook, until, World } from '../../server/test/world.js';
import { hasPods, makeNamespace, testWithPods, type TestCluster } from './cluster.js';

const cells = [
  "step:clean | import json\nrows = [json.loads(line) for line in open('rows.jsonl')]\ngood = [row for row in rows if row['price'] > 0]\nopen('clean.json', 'w').write(json.dumps(good))",
  "step:mean | mean = sum(row['price'] for row in good) / len(good)\nprint('mean', mean)"
];
const sleeping = [
  "step:wait | import time\nrows = open('rows.jsonl').readlines()\nprint(len(rows), flush=True)\ntime.sleep(600)",
  'step:never | print(rows)'
];

const counting = ['pipeline-parameters | most = 3', 'step:count | numbers = list(range(most))\nprint("counted")', 'step:sum | total = sum(numbers)\ntotal', 'pipeline-metrics | print(total)'];

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('workflow');
  // at once, as most of a run's time is the starting of pods
  if (!hasPods) return;
  start('good', await compile(cells), '{"price": 1}\n{"price": -1}\n{"price": 3}\n');
  start('bad', await compile(cells.slice(0, 1)), '{"price": 1}\n{"cost": 2}\n');
  start('canceled', await compile(sleeping), '{"price": 1}\n');
  const { spec } = withEnv(compileWorkflow(await compile(counting), { serviceAccount: 'pipeline-runner' }), { SLUICE_EVENTS: `log:${eventsMark}` });
  // a schedule's workflows have no label of ours; this one makes one, soon
  const at = new Date(Date.now() + 75_000);
  const schedule = { schedules: [`${at.getUTCMinutes()} ${at.getUTCHours()} * * *`], timezone: 'UTC', startingDeadlineSeconds: 300 };
  test_.apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'CronWorkflow', metadata: { name: 'nightly' }, spec: { ...schedule, workflowSpec: spec } });
}, 120_000);
afterAll(() => test_?.remove());

async function compile(cells: readonly string[]) {
  const metadata = { sluice: { version: 1, defaults: { image: 'localhost/python:sluice' } } };
  const pipelines = new Pipelines(install);
  const notebook = JSON.stringify(makeNotebook(cells, 'python3', metadata));
  return readIr(await pipelines.compile(await pipelines.read(notebook, 'prices.ipynb'), 'prices.ipynb'));
}

/** Start a run on a claim of its own name, in which these rows are. */
function start(run: string, ir: Ir, rows: string, options: WorkflowOptions = {}) {
  if (options.claim === undefined) {
    test_.claim(run);
    test_.write(run, { 'workspace/rows.jsonl': rows });
  }
  const labels = { 'sluice.dev/run': run, 'sluice.dev/notebook': 'prices' };
  test_.kubectl('apply', '--as', `system:serviceaccount:${test_.namespace}:data-scientist`, '-f', test_.file(
    compileWorkflow(ir, { ...{ name: run, claim: run, labels, serviceAccount: 'pipeline-runner', snapshots: 'each-step' }, ...options })
  ));
}

function waitFor(run: string, expected: string) {
  test_.kubectl('wait', `workflow/${run}`, `--for=jsonpath={.status.phase}=${expected}`, '--timeout=200s');
}

async function momentsOf(run: string) {
  return (await listSnapshots(test_.cluster, { run })).map(({ moment, step, isReady }) => `${moment} ${step}${isReady ? '' : ' (not ready)'}`);
}

const log = (run: string, step: string) =>
  test_.kubectl('logs', '-c', 'main', '-l', `workflows.argoproj.io/workflow=${run},sluice.dev/step=${step}`);

testWithPods('a run that succeeds leaves a snapshot before and after each step', async () => {
  waitFor('good', 'Succeeded');
  expect(log('good', 'mean')).toContain('mean 2.0');
  expect(await momentsOf('good')).toEqual(['before clean', 'after clean', 'before mean', 'after mean']);
  const reading = { image: 'localhost/python:sluice' };
  const { added, changed, removed } = await compareSnapshots(test_.cluster, 'good-clean-before', 'good-clean-after', reading);
  expect([added.filter(path => path.startsWith('workspace/')), changed, removed]).toEqual([['workspace/clean.json'], [], []]);
}, 300_000);

testWithPods('a failing step fails the run, also where it is the last and a snapshot comes after it; another goes on from the snapshot before that step, on another volume', async () => {
  waitFor('bad', 'Failed');
  expect(log('bad', 'clean')).toContain("KeyError: 'price'");
  expect(await momentsOf('bad')).toEqual(['before clean', 'after clean']);
  await restoreSnapshot(test_.cluster, 'bad-clean-before', { name: 'again' });
  const corrected = await compile(cells.map(cell => cell.replace("row['price'] > 0", "row.get('price', 0) > 0")));
  start('again', corrected, '', { claim: 'again', snapshots: 'off' });
  waitFor('again', 'Succeeded');
  expect(log('again', 'mean')).toContain('mean 1.0');
  expect(() => test_.read('bad', 'workspace/clean.json')).toThrow('ENOENT');
}, 300_000);

testWithPods('a canceled run stops, and keeps the snapshots that it has', async () => {
  test_.kubectl('wait', 'pod', '-l', 'workflows.argoproj.io/workflow=canceled,sluice.dev/step=wait', '--for=jsonpath={.status.phase}=Running', '--timeout=120s');
  test_.kubectl('patch', 'workflow', 'canceled', '--type=merge', '-p', '{"spec": {"shutdown": "Terminate"}}');
  waitFor('canceled', 'Failed');
  expect((await momentsOf('canceled'))[0]).toBe('before wait');
  expect((await momentsOf('canceled')).filter(moment => moment.endsWith('never'))).toEqual([]);
}, 300_000);

testWithPods('workflows that somebody else submitted, and those of a schedule, are in the list of runs', async () => {
  const nightly = ['-l', 'workflows.argoproj.io/cron-workflow=nightly'] as const;
  await until(() => test_.kubectl('get', 'workflows', ...nightly, '-o', 'jsonpath={.items[*].status.phase}').includes('Succeeded'), 150_000);
  const world = new World();
  try {
    Object.assign(world.env, { KUBECONFIG: test_.kubeconfig, SLUICE_NAMESPACE: test_.namespace });
    type Run = { number: number; state: string; pipeline: string; notebook: string; remote: { id: string; isFound?: boolean }; metrics: object; parameters: object; steps: { name: string; state: string; failure?: object }[] };
    const list = async () => (JSON.parse((await world.sluice('runs', 'list', '--json')).stdout) as { runs: Run[] }).runs;
    let runs = await list();
    // each look goes on where the one before it stood
    for (let tries = 0; tries < 20 && !runs.every(({ state }) => ['succeeded', 'failed', 'canceled'].includes(state)); tries++) runs = await list();
    const ended = new Map(runs.map(run => [run.remote.id, run]));
    const stateOf = (name: string) => [ended.get(name)?.state, ...(ended.get(name)?.steps ?? []).map(step => `${step.name} ${step.state}`)];
    expect(stateOf('good')).toEqual(['succeeded', 'clean succeeded', 'mean succeeded']);
    expect(stateOf('bad')).toEqual(['failed', 'clean failed']);
    expect(stateOf('canceled')).toEqual(['canceled', 'wait canceled', 'never canceled']);
    const bad = ended.get('bad')!;
    expect(bad).toMatchObject({ notebook: 'prices.ipynb', remote: { isFound: true }, steps: [{ failure: { name: 'KeyError', message: "'price'", cell: 0, line: 3 } }] });
    expect((await world.sluice('runs', 'logs', String(ended.get('good')!.number), 'mean')).stdout).toBe('mean 2.0\n');
    const scheduled = runs.find(({ remote, state }) => remote.id.startsWith('nightly-') && state === 'succeeded')!;
    expect(scheduled).toMatchObject({ pipeline: 'prices', notebook: 'prices.ipynb', parameters: { most: 3 }, metrics: { total: 3 } });
    expect((await list()).map(({ remote }) => remote.id)).toEqual(runs.map(({ remote }) => remote.id));
    expect(test_.names('pvc')).toEqual(expect.arrayContaining(['bad', 'canceled', 'good'])); // nothing of it is ours to remove
  } finally {
    world.remove();
  }
}, 300_000);
