// The program that takes a snapshot of a volume from within a pod, in real pods with the rights of a service account.
import { join } from 'node:path';
import { findWorkspaceClaim } from '../../server/src/kubernetes/volumes.js';
import { readSnapshotProgram } from '../../server/src/runtime.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

const runtime = join(__dirname, '../../jupyterlab_sluice/runtime');

let test_: TestCluster;
let program: string;
beforeAll(async () => {
  test_ = await makeNamespace('from-pod');
  program = await readSnapshotProgram(runtime);
  test_.claim('work');
}, 120_000);
afterAll(() => test_?.remove());

/** Runs the program in a pod that has the claim mounted; resolves with the pod's phase and log. */
function run(name: string, args: readonly string[], { account = 'pipeline-runner', command = [] as readonly string[] } = {}) {
  const { apply, kubectl } = test_;
  const container = {
    name: 'main',
    image: 'localhost/python:sluice',
    command: [...command, 'python3', '-c', program, ...args],
    volumeMounts: [{ name: 'work', mountPath: '/home/jovyan' }]
  };
  const volumes = [{ name: 'work', persistentVolumeClaim: { claimName: 'work' } }];
  const spec = { serviceAccountName: account, restartPolicy: 'Never', volumes, containers: [container] };
  apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
  for (let phase = ''; ; ) {
    phase = kubectl('get', 'pod', name, '-o', 'jsonpath={.status.phase}');
    if (phase === 'Succeeded' || phase === 'Failed') return { phase, log: kubectl('logs', name) };
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
}

testWithPods('a pod takes a labelled snapshot of its own volume and waits for it; a second try finds the first', () => {
  const args = ['--claim', 'work', '--name', 'run-7-train-before', '--label', 'sluice.dev/run=run-7', '--annotation', 'sluice.dev/step=train it', '--class', 'slow'];
  expect(run('first', args)).toEqual({ phase: 'Succeeded', log: 'The snapshot ‘run-7-train-before’ of claim ‘work’ is ready.' });
  const { metadata } = JSON.parse(test_.kubectl('get', 'volumesnapshot', 'run-7-train-before', '-o', 'json'));
  expect(metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/run': 'run-7' });
  expect(metadata.annotations['sluice.dev/step']).toBe('train it');
  expect(run('second', args).phase).toBe('Succeeded');
  expect(test_.names('volumesnapshots')).toEqual(['run-7-train-before']);
}, 180_000);

// as KFP's launcher does: it is given the run, and starts the command
const launcher = 'import subprocess, sys; sys.exit(subprocess.call(sys.argv[sys.argv.index("--") + 1:]))';

testWithPods('a pod whose step fails keeps what it has left, under the run that its launcher names, and ends as the step did', () => {
  const step = 'import sys; open("/home/jovyan/left.txt", "w").write("half"); print("done"); sys.exit(3)';
  const after = ['--after-failure', '--claim', 'work', '--name', 'train-after-work', '--label', 'sluice.dev/moment=after', '--', 'python3', '-c', step];
  const { phase, log } = run('fails', after, { command: ['python3', '-c', launcher, '--run_id', 'run-9', '--'] });
  expect([phase, log]).toEqual(['Failed', expect.stringMatching(/^done\nThe snapshot ‘run-9-train-after-work-[0-9a-f]{8}’ of claim ‘work’ is ready\.$/)]);
  expect(test_.kubectl('get', 'pod', 'fails', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')).toBe('3');
  const name = log.match(/run-9-[^’]*/)![0];
  expect(test_.kubectl('get', 'volumesnapshot', name, '-o', 'jsonpath={.metadata.labels}')).toContain('"sluice.dev/run":"run-9"');
  test_.claim('restored', { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name } });
  expect(test_.read('restored', 'left.txt')).toBe('half');
  test_.kubectl('delete', 'volumesnapshot', name);
}, 180_000);

testWithPods('what the driver, the rights or the quota refuse is in the log', () => {
  const { namespace, apply, kubectl } = test_;
  expect(run('burns', ['--claim', 'work', '--name', 'burns', '--class', 'broken'])).toEqual({
    phase: 'Failed',
    log: 'The storage driver could not take the snapshot ‘burns’ of claim ‘work’: the disk is on fire.'
  });
  expect(run('nobody', ['--claim', 'work', '--name', 'nobody'], { account: 'nobody' }).log).toBe(
    `‘system:serviceaccount:${namespace}:nobody’ may not create volumesnapshots.snapshot.storage.k8s.io in namespace ‘${namespace}’. Ask for a Role that allows ‘get’ and ‘create’ on it.`
  );
  expect(run('late', ['--claim', 'gone', '--name', 'late', '--timeout', '1']).log).toMatch(/^The snapshot ‘late’ of claim ‘gone’ was not ready after 1 seconds|The storage driver could not/);
  apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' }, spec: { hard: { 'count/volumesnapshots.snapshot.storage.k8s.io': '1' } } });
  kubectl('wait', 'quota/few', '--for=jsonpath={.status.hard}', '--timeout=30s');
  expect(run('many', ['--claim', 'work', '--name', 'many']).log).toMatch(/^The quota does not allow another of volumesnapshots in namespace/);
}, 180_000);

testWithPods('a pod’s own claim is found from the pod', async () => {
  const { cluster } = test_;
  run('notebook', ['--claim', 'work', '--name', 'run-7-train-before']);
  expect(await findWorkspaceClaim(cluster, '/home/jovyan/project', 'notebook')).toEqual({ claim: 'work', mountPath: '/home/jovyan', subPath: '', node: 'sluice' });
  await expect(findWorkspaceClaim(cluster, '/tmp/project', 'notebook')).rejects.toThrow('The folder ‘/tmp/project’ of pod ‘notebook’ is on no volume claim');
}, 120_000);

