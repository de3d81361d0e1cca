// What steps leave on their volumes that nobody comes after: canceled with the run, out of time, killed with all of their pod.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { keepLeft } from '../../server/src/kubernetes/left.js';
import { listSnapshots, type VolumeSnapshot } from '../../server/src/kubernetes/snapshots.js';
import { Store } from '../../server/src/store.js';
import { listOfRun } from '../../server/src/volume-snapshots.js';
import { makeNotebook, until, World } from '../../server/test/world.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';
import { openKubeflow, type Kubeflow } from './kubeflow.js';

const image = 'localhost/python:sluice';

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('left');
}, 120_000);
afterAll(() => test_?.remove());

const { signal } = new AbortController();

const namesAfter = async (run: string, step: string) => (await listSnapshots(test_.cluster, { run, step, moment: 'after' })).map(({ name }) => name);

/** What the snapshot after the step has of a file that the step wrote. */
async function readAfter(run: string, step: string, path: string): Promise<string> {
  const found = await namesAfter(run, step);
  expect(found).toHaveLength(1);
  const claim = `${run}-${step}-restored`;
  test_.claim(claim, { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: found[0] } });
  return test_.read(claim, path);
}

testWithPods('on Argo, of steps that are out of time and canceled', async () => {
  const world = new World();
  try {
    const config = join(world.folder, 'config');
    writeFileSync(config, (await test_.user('runs', [])).config.exportConfig());
    Object.assign(world.env, { KUBECONFIG: config, SLUICE_SERVICE_ACCOUNT: 'steps', HOME: world.folder });
    const roles = await world.sluice('cluster', 'rbac', '--account', 'runs', '--service-account', 'steps');
    test_.apply(...parseAllDocuments(roles.stdout).map(document => document.toJS() as object));
    const names = ['late', 'canceled'];
    const cells = names.map(step => `step:${step} | import time\nopen("${step}.txt", "w").write("half")\nprint("written", flush=True)\ntime.sleep(600)`);
    const sluice = { defaults: { image }, snapshots: 'each-step', steps: { late: { timeout: 15 } } };
    writeFileSync(join(world.folder, 'left.ipynb'), JSON.stringify(makeNotebook(cells, 'python3', { sluice })));
    let said = '';
    const running = world.sluiceWith({ onStdout: text => (said += text) }, 'run', 'left.ipynb', '--runner', 'argo', '--json');
    const told = () => said.split('\n').slice(0, -1).map(line => JSON.parse(line));
    const hasWritten = (step: string) => told().some(e => e.type === 'log' && e.step === step && e.text.includes('written'));
    await until(() => hasWritten('canceled'), 90_000);
    const { run } = told()[0];
    const hasFailed = (step: string) => told().some(e => e.type === 'step' && e.step === step && e.state === 'failed');
    await until(() => hasFailed('late'), 120_000);
    const isKept = () => test_.names('volumesnapshots').includes(`left-${run}-late-after`);
    await until(isKept, 60_000);
    world.interrupt();
    const { events, status } = await running;
    expect(status).toBe(130);
    expect(events.find(e => e.step === 'late' && e.state === 'failed')!.error).toBe('The step ran longer than its timeout. Raise the timeout, or give the step less to do.');
    expect(await namesAfter(run, 'late')).toHaveLength(1); // on a slow machine it may not have come to write
    expect(await readAfter(run, 'canceled', 'workspace/canceled.txt')).toBe('half');
  } finally {
    world.remove();
  }
}, 300_000);

describe('on Kubeflow', () => {
  let kubeflow: Kubeflow;
  beforeAll(async () => {
    kubeflow = await openKubeflow(test_);
    Object.assign(kubeflow.world.env, kubeflow.keeper);
    test_.claim('data');
  }, 120_000);
  afterAll(() => kubeflow?.close());

  test('where nobody has said which cluster it is on, that is said; once it is named, its snapshots are listed', async () => {
    const { world, folder, url } = kubeflow;
    const volumes = [{ pvc_name: 'data', path: join(folder, 'data'), snapshot: 'each-step' }];
    writeFileSync(join(world.folder, 'one.ipynb'), JSON.stringify(makeNotebook(['step:train | a = 1'], 'python3', { sluice: { steps: { train: { volumes } } } })));
    const named = world.env;
    const unnamed = Object.fromEntries(Object.entries(named).filter(([name]) => !/^SLUICE_(CONTEXT|NAMESPACE)$/.test(name)));
    Object.assign(world, { env: { ...unnamed, SLUICE_KFP_URL: url } });
    const { status } = await world.sluice('run', 'one.ipynb', '--runner', 'kubeflow');
    const answer = await world.sluice('cluster', 'snapshots');
    Object.assign(world, { env: named });
    expect(status).toBe(0);
    expect(answer.stderr).toMatch(/which one Kubeflow is on is not known here\. Name it: --context CONTEXT -n NAMESPACE/);
    const store = new Store(join(world.folder, '.sluice'));
    try {
      const { id } = store.find('last');
      const notices = store.events(id).flatMap(event => (event.type === 'notice' ? [event.text] : []));
      expect(notices).toContain('A step that is canceled, or killed with all of its pod, has no snapshot of what it leaves on ‘data’: which cluster Kubeflow is on is not known here. Name it with SLUICE_CONTEXT and SLUICE_NAMESPACE.');
      await expect(listOfRun(id, { store, env: unnamed })).rejects.toThrow(/^The snapshots of run \d+ can’t be listed: which cluster Kubeflow is on is not known here\./);
      const listed = (await listOfRun(id, { store, env: named })) as VolumeSnapshot[];
      expect(listed.map(({ moment, notebook }) => [moment, notebook])).toEqual([['before', 'one.ipynb'], ['after', 'one.ipynb']]);
    } finally {
      store.close();
    }
  });

  test.each([
    ['canceled', 'time.sleep(600)', 130],
    ['killed with all of its pod', 'os.kill(os.getppid(), 9); os.kill(os.getpid(), 9)', 1]
  ])('of a step that is %s', async (_, end, expected) => {
    const { world, folder, url } = kubeflow;
    const data = join(folder, 'data');
    const mount = { volumes: [{ pvc_name: 'data', path: data, snapshot: 'each-step' }] };
    const cells = ['step:load | a = 1', `step:train | import os, time\nopen("${data}/left.txt", "w").write("half" * a)\nprint("written", flush=True)\n${end}`];
    const sluice = { steps: { train: mount } };
    writeFileSync(join(world.folder, 'nb.ipynb'), JSON.stringify(makeNotebook(cells, 'python3', { sluice })));
    const onStdout = (text: string) => {
      if (expected === 130 && /"written/.test(text)) world.interrupt();
    };
    const { events, status } = await world.sluiceWith({ onStdout }, 'run', 'nb.ipynb', '--runner', 'kubeflow', '--url', url, '--json');
    expect(status).toBe(expected);
    const { run } = events[0] as { run: string };
    const log = events.filter(e => e.type === 'log' && e.step === 'train').map(e => e.text).join('');
    expect(log).toMatch(new RegExp(`^written\\nThe snapshot ‘${run}-train-after-data-[0-9a-f]+’ of claim ‘data’ is ready: it has what the step left`));
    expect(await readAfter(run, 'train', 'left.txt')).toBe('half');
  });

  test('whoever finds a run of somebody else’s keeps nothing of it', async () => {
    const { world, url } = kubeflow;
    const before = test_.names('volumesnapshots');
    const other = new World();
    Object.assign(other.env, world.env, { SLUICE_KFP_URL: url });
    try {
      expect((await other.sluice('runs')).stdout).toMatch(/failed|canceled/);
    } finally {
      other.remove();
    }
    expect(test_.names('volumesnapshots')).toEqual(before);
  });
});

testWithPods('a pod that is still ending is waited for, and what is kept already is not kept again', async () => {
  const { cluster, claim, apply, kubectl } = test_;
  claim('work');
  const program = 'import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), open("/work/last.txt", "w").write("last"), sys.exit(0)))\nopen("/work/first.txt", "w").write("x")\nprint("up", flush=True)\ntime.sleep(600)';
  const container = { name: 'main', image, command: ['python3', '-c', program], volumeMounts: [{ name: 'work', mountPath: '/work' }] };
  const volumes = [{ name: 'work', persistentVolumeClaim: { claimName: 'work' } }];
  apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ending' }, spec: { restartPolicy: 'Never', volumes, containers: [container] } });
  await until(() => kubectl('logs', 'ending', '--ignore-errors').includes('up'), 60_000);
  kubectl('delete', 'pod', 'ending', '--wait=false');
  const left = { belonging: { run: 'run-5', step: 'train' }, ways: { work: {}, gone: {} }, pod: 'ending' };
  const [kept, lost] = await keepLeft(cluster, left, signal);
  expect(kept).toMatch(/^The snapshot ‘run-5-train-after-work-[0-9a-f]+’ of claim ‘work’ is ready: it has what the step left/);
  expect(lost).toMatch(/^What the step left on the volume ‘gone’ is not kept: There is no volume claim ‘gone’ in namespace/);
  expect(await readAfter('run-5', 'train', 'last.txt')).toBe('last');
  expect(await keepLeft(cluster, { ...left, ways: { work: {} } }, signal)).toEqual([]);
  // another try of the step has left something else
  expect(await keepLeft(cluster, { ...left, ways: { work: {} }, pod: 'second', endedAt: Date.now() + 60_000 }, signal)).toEqual([expect.stringMatching(/^The snapshot/)]);
}, 180_000);
