// Snapshots of volumes on Kubeflow: the tasks that a pipeline carries really ask this API server, with a service account that has the Role
// which `sluice cluster rbac` prints. Kubeflow itself is the server of its own description (server/test/kfp).
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Store } from '../../server/src/store.js';
import { makeNotebook, until, type World } from '../../server/test/world.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';
import { openKubeflow, type Kubeflow } from './kubeflow.js';

let test_: TestCluster;
let kubeflow: Kubeflow;
let world: World;
let folder: string;
let url: string;

beforeAll(async () => {
  test_ = await makeNamespace('kubeflow');
  for (const claim of ['raw', 'data']) test_.claim(claim);
  kubeflow = await openKubeflow(test_);
  ({ world, folder, url } = kubeflow);
}, 120_000);
afterAll(async () => {
  await kubeflow?.close();
  test_?.remove();
});

/** Runs two steps, each of which mounts a claim: of `raw` a snapshot is taken at the start, of `data` around the step. */
async function run(more: object = {}, train = 'print(a)', user = kubeflow.keeper) {
  const mount = (pvc_name: string, snapshot: string) => ({ volumes: [{ pvc_name, path: `/${pvc_name}`, snapshot }] });
  const steps = { load: mount('raw', 'start'), train: mount('data', 'each-step') };
  const notebook = makeNotebook(['step:load | a = 1', `step:train | ${train}`], 'python3', { sluice: { steps, ...more } });
  writeFileSync(join(world.folder, 'nb.ipynb'), JSON.stringify(notebook));
  const before = { ...world.env };
  try {
    Object.assign(world.env, user);
    return await world.sluice('run', 'nb.ipynb', '--runner', 'kubeflow', '--url', url, '--json');
  } finally {
    Object.assign(world.env, before);
  }
}

async function list(): Promise<readonly Record<string, string>[]> {
  const { stdout, stderr } = await world.sluice('cluster', 'snapshots', 'list', '--json');
  expect(stderr).toBe('');
  return JSON.parse(stdout).snapshots;
}

test('volumes are kept at the start, and before and after the step that mounts them, as it is said', async () => {
  const { status, stderr, events } = await run();
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(notices()).toMatch(/^Steps find no files of the notebook’s folder, as the run can have no volume there: You may not .*‘create’.* pods/m);
  const found = (await list()).map(({ run, step, moment, claim }) => [run, step, moment, claim]);
  const id = events[0]!.run;
  expect(found.sort()).toEqual([
    [id, undefined, 'start', 'raw'],
    [id, 'train', 'after', 'data'],
    [id, 'train', 'before', 'data']
  ]);
});

type Events = Awaited<ReturnType<World['sluice']>>['events'];
const printed = (events: Events, step: string) =>
  events.filter(e => e.type === 'log' && e.step === step).map(e => e.text).join('');

test('the run works on a copy of the notebook’s own volume, which is kept around each step, and a run that goes on has it as it was', async () => {
  test_.claim('home');
  test_.write('home', { 'me/project/rows.txt': 'a b', 'me/shared.txt': 'shared' });
  const home = join(folder, 'home');
  const volumes = [{ pvc_name: 'home', path: home, sub_path: 'me', workspace: 'project' }];
  const cells = (code: string) => [
    `step:load | open("rows.txt", "a").write(" c")\nprint(open("${home}/shared.txt").read())`,
    `step:train | open("rows.txt", "a").write(" d")\n${code}`
  ];
  const start = (code: string, ...more: string[]) => {
    const steps = { train: { volumes: [{ pvc_name: 'data', path: '/data' }] } };
    const notebook = makeNotebook(cells(code), 'python3', { sluice: { volumes, snapshots: 'each-step', steps } });
    writeFileSync(join(world.folder, 'own.ipynb'), JSON.stringify(notebook));
    return world.sluice('run', 'own.ipynb', '--runner', 'kubeflow', '--url', url, '--json', ...more);
  };
  const moments = async (run: unknown) =>
    (await list()).filter(({ run: other }) => other === run).map(({ moment, step = '', claim }) => `${moment} ${step} of ${claim === 'home' ? claim : 'its own'}`).sort();

  const failed = await start('1 / 0');
  expect([failed.stderr, failed.status]).toEqual(['', 1]);
  expect(printed(failed.events, 'load')).toBe('shared\n');
  const run = failed.events[0]!.run;
  expect(await moments(run)).toEqual(
    ['after load of its own', 'after train of its own', 'before load of its own', 'before train of its own', 'start  of home']
  );
  expect(test_.read('home', 'me/project/rows.txt')).toBe('a b');

  const again = await start('print(open("rows.txt").read())', '--resume', 'last');
  expect([again.stderr, again.status]).toEqual(['', 0]);
  expect(printed(again.events, 'train')).toBe('a b c d\n');
  expect(notices()).toMatch(/The volume ‘data’ is as it is now: what ‘train’ wrote to it in run \d+ stays\./);
  expect(test_.names('pvc').filter(name => name.startsWith('own-'))).toHaveLength(2);
}, 120_000);

// such a step is gone with all that it would have said, and what started it is not
test('clones stand for snapshots where that is asked for, or the driver has none; of a step that is killed, its pod keeps what it left', async () => {
  const { status, stderr, events } = await run({ snapshots: { policy: 'off', clone: true } }, 'import os, signal\nprint(a)\nos.kill(os.getpid(), signal.SIGKILL)');
  expect([stderr, status]).toEqual(['', 1]);
  expect(events.at(-1)).toMatchObject({ type: 'run-ended', state: 'failed', reason: 'Step ‘train’ failed.' });
  const id = events[0]!.run;
  const found = (await list()).filter(({ run }) => run === id).map(({ kind, moment, step, claim }) => [kind, moment, step, claim]);
  expect(found.sort()).toEqual([
    ['clone', 'after', 'train', 'data'],
    ['clone', 'before', 'train', 'data'],
    ['clone', 'start', undefined, 'raw']
  ]);
  expect(printed(events, 'train')).toMatch(new RegExp(`^The clone ‘${id}-train-after-data-[0-9a-f]{8}’ of claim ‘data’ is ready\\.$`, 'm'));
});

test.each<[what: string, change: () => object, said: RegExp]>([
  ['a claim that is not there', () => ({ steps: { load: { volumes: [{ pvc_name: 'gone', path: '/gone', snapshot: 'start' }] } } }), /There is no volume claim ‘gone’ in namespace/],
  ['a class of snapshots that is not there', () => ({ snapshots: { policy: 'off', class: 'fast' } }), /There is no VolumeSnapshotClass ‘fast’\. There is ‘broken’, ‘slow’, ‘standard’/],
  [
    'a service account of the pods that may not',
    () => {
      Object.assign(world.env, { SLUICE_SERVICE_ACCOUNT: 'nobody' });
      return {};
    },
    /service account ‘nobody’ of Kubeflow’s pods may not ‘create’ and ‘get’ volumesnapshots in namespace .* `sluice cluster rbac --runner kubeflow --service-account nobody` prints the Role/
  ],
  [
    'a cluster that is not there',
    () => {
      const config = readFileSync(world.env.KUBECONFIG!, 'utf8').replace(/https:\/\/127.0.0.1:\d+/, 'https://127.0.0.1:16499');
      writeFileSync((world.env.KUBECONFIG = join(folder, 'elsewhere')), config);
      return {};
    },
    /at ‘https:\/\/127.0.0.1:16499’ refuses connections/
  ]
])('%s is told of before the run', async (_, change, said) => {
  const before = { ...world.env };
  try {
    const { status, stderr, events } = await run(change(), undefined, {});
    expect(stderr).toMatch(said);
    expect(events).toEqual([]);
    expect(status).toBeGreaterThan(0);
  } finally {
    Object.assign(world.env, before);
  }
});

test('what stands in the way of a snapshot ends the run, and its words are the reason', async () => {
  const { status, events } = await run({ snapshots: { policy: 'off', class: 'broken' } });
  expect(status).toBe(1);
  expect(events.at(-1)!.reason).toMatch(/^Task ‘snapshot-start-raw’ failed: The storage driver could not take the snapshot ‘.*’ of claim ‘raw’: the disk is on fire\.$/);
  expect(events.filter(({ type, step, state }) => type === 'step' && step === 'train' && state === 'skipped')).toHaveLength(1);
});

/** What the last run said on its way. */
function notices(): string {
  const store = new Store(join(world.folder, '.sluice'));
  try {
    return store.events(store.find('last').id).flatMap(event => (event.type === 'notice' ? [event.text] : [])).join('\n');
  } finally {
    store.close();
  }
}

/** Of all that is in the namespace, what a query for the runs' labels does not find. */
const unlabelled = () =>
  test_.kubectl('get', 'pods,pvc,volumesnapshots', '-l', '!sluice.dev/run', '-o', 'name').split('\n').filter(name => !/\/(raw|data|home)$/.test(name));

testWithPods('the notebook’s folder is sent to the run’s volume, only what changed of it the next time, and steps leave it alone here', async () => {
  const laptop = basename(mkdtempSync(join(world.folder, 'laptop-')));
  const big = 'x'.repeat(300_000);
  for (const [name, text] of Object.entries({ 'rows.txt': 'a b', 'big.txt': big, 'more/notes.txt': 'first' })) world.write(`${laptop}/${name}`, text);
  const start = (code: string, snapshots: string, ...more: string[]) => {
    const cells = ['step:load | open("rows.txt", "a").write(" c")\nopen("made.txt", "x").write("made")\nn = len(open("big.txt").read())', `step:train | print(n, open("rows.txt").read(), open("more/notes.txt").read())\n${code}`];
    const sluice = { defaults: { image: 'localhost/python:sluice' }, snapshots };
    writeFileSync(join(world.folder, laptop, 'nb.ipynb'), JSON.stringify(makeNotebook(cells, 'python3', { sluice })));
    return world.sluice('run', `${laptop}/nb.ipynb`, '--runner', 'kubeflow', '--url', url, '--json', ...more);
  };

  const failed = await start('1 / 0', 'each-step');
  expect([failed.stderr, failed.status]).toEqual(['', 1]);
  expect(printed(failed.events, 'train')).toMatch(/^300000 a b c first\n/);
  expect(notices()).toMatch(/^Sending 4 files \(\d+ kB\) to the cluster\.$/m);
  const [{ run: first }] = failed.events as [{ run: string }];
  expect((await list()).filter(({ run }) => run === first).map(({ moment, step }) => `${moment} ${step}`).sort()).toEqual(['after load', 'after train', 'before load', 'before train']);

  // goes on where it failed, with what steps made of the files and what changed here
  world.write(`${laptop}/more/notes.txt`, 'second');
  const further = await start('print(open("made.txt").read())', 'off', '--resume', 'last');
  expect([further.stderr, further.status]).toEqual(['', 0]);
  expect(printed(further.events, 'train')).toBe('300000 a b c second\nmade\n');
  expect(notices()).toMatch(/^Sending 2 of 4 files \(\d+ bytes\) to the cluster\.$/m);

  // the whole of it again: nothing of what steps wrote before, nothing from Kubeflow's cache, and most files are there already
  world.write(`${laptop}/rows.txt`, 'd');
  const again = await start('print(open("made.txt").read())', 'off');
  expect([again.stderr, again.status]).toEqual(['', 0]);
  expect(printed(again.events, 'train')).toBe('300000 d c second\nmade\n');
  expect(notices()).toMatch(/^Copying the volume of an earlier run/m);
  expect(notices()).toMatch(/^Sending 1 of 4 files \(1 bytes?\) to the cluster\.$/m);
  expect(readdirSync(join(world.folder, laptop)).sort()).toEqual(['big.txt', 'more', 'nb.ipynb', 'rows.txt']);
  expect(readFileSync(join(world.folder, laptop, 'rows.txt'), 'utf8')).toBe('d');
  expect(unlabelled()).toEqual([]);

  // Kubeflow’s store has the values of a run whose volume is gone
  test_.kubectl('delete', 'pvc', ...test_.names('pvc').filter(name => name.startsWith('nb-')));
  const later = await start('', 'off', '--from', 'train', '--resume', 'last');
  expect([later.stderr, later.status]).toEqual(['', 0]);
  expect(printed(later.events, 'train')).toBe('300000 d second\n');
  expect(notices()).toMatch(/^The volume of run \d+ is gone: its values are in Kubeflow’s store/m);
}, 240_000);

test('where the cluster refuses what sends the folder, the run goes on without files, and nothing is left', async () => {
  world.write('refused/rows.txt', 'a b');
  const sluice = { defaults: { image: 'localhost/python:sluice' } };
  const rule = 'pod-security.kubernetes.io/enforce';
  const cells = ['step:load | name = "rows.txt"', 'step:train | print(name)'];
  world.write('refused/refused.ipynb', JSON.stringify(makeNotebook(cells, 'python3', { sluice })));
  test_.kubectl('label', 'namespace', test_.namespace, `${rule}=restricted`);
  try {
    const { status, events } = await world.sluice('run', 'refused/refused.ipynb', '--runner', 'kubeflow', '--url', url, '--json');
    expect([status, printed(events, 'train')]).toEqual([0, 'rows.txt\n']);
    expect(notices()).toMatch(/^Steps find no files of the notebook’s folder \(‘load’ names ‘rows\.txt’\), as the run can have no volume there: .*restricted/m);
    expect(test_.names('pods,pvc').filter(name => name.startsWith('refused-') || name.endsWith('-send'))).toEqual([]);
  } finally {
    test_.kubectl('label', 'namespace', test_.namespace, `${rule}-`);
  }
}, 60_000);

testWithPods('a run that is canceled while its folder is sent leaves nothing', async () => {
  const cells = ['step:load | print(1)'];
  const sluice = { defaults: { image: 'localhost/none:here' } };
  writeFileSync(join(world.folder, 'away.ipynb'), JSON.stringify(makeNotebook(cells, 'python3', { sluice })));
  const running = world.sluice('run', 'away.ipynb', '--runner', 'kubeflow', '--url', url, '--json');
  await until(() => test_.names('pods').some(name => name.endsWith('-send')));
  world.interrupt();
  const { status, events } = await running;
  expect([status, events.at(-1)!.state]).toEqual([130, 'canceled']);
  await until(() => test_.names('pods,pvc').every(name => !name.startsWith('away-')));
}, 120_000);
