// A volume's snapshot, from the claim to the restored file, on a real API server, with real controllers and a real CSI driver.
import { join } from 'node:path';
import { openCluster } from '../../server/src/kubernetes/access.js';
import { checkClone, tryClone } from '../../server/src/kubernetes/clones.js';
import { collectSnapshots } from '../../server/src/kubernetes/collect.js';
import { findSnapshotWay, findWayOfClass } from '../../server/src/kubernetes/storage.js';
import {
  listSnapshots,
  removeSnapshot,
  restoreSnapshot,
  takeSnapshot,
  waitForSnapshot
} from '../../server/src/kubernetes/snapshots.js';
import { createClaim, waitForClaim } from '../../server/src/kubernetes/volumes.js';
import { until } from '../../server/test/world.js';
import { folder, makeNamespace, type TestCluster } from './cluster.js';

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('snapshots');
  test_.claim('work');
}, 120_000);
afterAll(() => test_?.remove());

test('a volume is snapshotted, changed, and restored as it was', async () => {
  const { cluster, write, read } = test_;
  write('work', { 'data/train.csv': 'a,b\n1,2\n', notes: 'first' });
  const taken = await takeSnapshot(cluster, { claim: 'work', run: 'run-1', step: 'train', moment: 'before', notebook: 'abc' });
  const ready = await waitForSnapshot(cluster, taken.name);
  expect(ready).toMatchObject({ claim: 'work', run: 'run-1', step: 'train', moment: 'before', notebook: 'abc', isReady: true, storageClass: 'standard', accessModes: ['ReadWriteOnce'] });
  write('work', { 'data/train.csv': 'overwritten', more: 'new' });
  await restoreSnapshot(cluster, taken.name, { name: 'restored' });
  expect(read('restored', 'data/train.csv')).toBe('a,b\n1,2\n');
  expect(read('restored', 'notes')).toBe('first');
  expect(() => read('restored', 'more')).toThrow('ENOENT');
  expect(read('work', 'data/train.csv')).toBe('overwritten');
});

test('taking the same snapshot twice gives the first; another of its name is refused', async () => {
  const { cluster, claim } = test_;
  const request = { claim: 'work', run: 'run-2', moment: 'start' } as const;
  const first = await takeSnapshot(cluster, request);
  expect((await takeSnapshot(cluster, request)).uid).toBe(first.uid);
  claim('other');
  await expect(takeSnapshot(cluster, { ...request, claim: 'other', name: first.name })).rejects.toThrow(
    `There already is volumesnapshots.snapshot.storage.k8s.io ‘${first.name}’ in namespace ‘${test_.namespace}’. Choose another name.`
  );
});

test('a slow driver is waited for; not longer than one wants', async () => {
  const { cluster } = test_;
  const { name } = await takeSnapshot(cluster, { claim: 'work', class: 'slow', name: 'slow' });
  await expect(waitForSnapshot(cluster, name, { timeoutMs: 500 })).rejects.toThrow('was not ready after 0.5 seconds');
  expect((await waitForSnapshot(cluster, name)).isReady).toBe(true);
});

test('a driver that fails is quoted', async () => {
  const { cluster } = test_;
  await takeSnapshot(cluster, { claim: 'work', class: 'broken', name: 'broken' });
  await expect(waitForSnapshot(cluster, 'broken')).rejects.toThrow(
    'The storage driver could not take the snapshot ‘broken’ of claim ‘work’: the disk is on fire. Ask whoever runs the cluster, or switch snapshots off.'
  );
});

test('a volume that binds on first use is as good as bound', async () => {
  const { cluster } = test_;
  await createClaim(cluster, { name: 'later', size: '1Gi', storageClass: 'on-first-use', accessModes: ['ReadWriteOnce'] });
  expect((await waitForClaim(cluster, 'later')).status?.phase).toBe('Pending');
});

test.each([
  ['a clone', { name: 'clone', from: { kind: 'claim', name: 'work' } }, undefined],
  ['a name in capitals', { name: 'Restored' }, 'The name ‘Restored’ for a volume claim has ‘R’, and Kubernetes takes lower case letters, digits, ‘-’ and ‘.’. Try ‘restored-'],
  ['a name that is too long', { name: 'x'.repeat(254) }, 'has 254 characters, and Kubernetes takes 253'],
  ['a name that is there', { name: 'work' }, 'There already is persistentvolumeclaims ‘work’']
] as const)('%s', async (_, spec, error) => {
  const made = createClaim(test_.cluster, { size: '1Gi', accessModes: ['ReadWriteOnce'], ...spec });
  if (error !== undefined) await expect(made).rejects.toThrow(error);
  else {
    await made;
    await waitForClaim(test_.cluster, spec.name);
    expect(test_.read(spec.name, 'notes')).toBe('first');
  }
});

/** In the place of what provisions volumes for a driver that can't clone; the words are csi-provisioner's, seen with such a driver. */
async function sayOfProbe(message: string): Promise<void> {
  const uidOf = () => test_.kubectl('get', 'pvc', 'probe', '--ignore-not-found', '-o', 'jsonpath={.metadata.uid}');
  await until(() => uidOf() !== '');
  const involvedObject = { kind: 'PersistentVolumeClaim', name: 'probe', namespace: test_.namespace, uid: uidOf() };
  test_.apply({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'no-clones' }, involvedObject, reason: 'ProvisioningFailed', message, type: 'Warning' });
}

test('how a volume can be kept is told by its driver: by snapshots of a class, by clones, or not at all', async () => {
  const { cluster, namespace, apply, kubectl } = test_;
  expect(await findSnapshotWay(cluster, 'work')).toEqual({ how: 'snapshot', class: 'standard' });
  await expect(findSnapshotWay(cluster, 'work', 'fast')).rejects.toThrow('There is no VolumeSnapshotClass ‘fast’. There is ‘broken’, ‘slow’, ‘standard’.');
  await expect(findSnapshotWay(cluster, 'gone')).rejects.toThrow('There is no volume claim ‘gone’');
  const [plain, old] = [`plain-${namespace}`, `old-${namespace}`];
  const classOf = (name: string) => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: name });
  try {
    apply(classOf(plain), classOf(old), { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: plain }, spec: {} });
    const admin = await openCluster({ kubeconfig: join(folder, 'kubeconfig'), context: 'admin', namespace });
    const why = (driver: string) => `The driver ‘${driver}’ has no VolumeSnapshotClass`;
    expect(await findWayOfClass(admin, plain)).toMatchObject({ how: 'clone', message: `${why(plain)}. A volume of StorageClass ‘${plain}’ is cloned instead.` });
    const trial = { claim: 'work', size: '1Gi', storageClass: plain, accessModes: ['ReadWriteOnce'], cure: 'Do without.' };
    const refused = expect(tryClone(cluster, { ...trial, name: 'probe' })).rejects.toThrow('The volume of claim ‘work’ can’t be cloned, and a clone was to stand for a snapshot: its storage driver makes none. Do without.');
    await sayOfProbe(`failed to provision volume with StorageClass "${plain}": CSI driver does not support clone operations: controller CLONE_VOLUME capability is not reported`);
    await refused;
    await checkClone(cluster, { ...trial, storageClass: 'standard' });
    expect(test_.names('pvc').filter(name => name.includes('probe'))).toEqual([]);
    await expect(findWayOfClass(admin, old)).rejects.toThrow(`${why(old)}, and it is no CSI driver, so that it cannot clone volumes either. Set \`sluice.snapshots\` to ‘off’`);
  } finally {
    kubectl('delete', 'storageclass', plain, old, '--ignore-not-found');
    kubectl('delete', 'csidriver', plain, '--ignore-not-found');
  }
});

test('a quota that is used up', async () => {
  const { apply, cluster, namespace, kubectl } = test_;
  apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' }, spec: { hard: { persistentvolumeclaims: '1', 'count/volumesnapshots.snapshot.storage.k8s.io': '0' } } });
  kubectl('wait', 'quota/few', '--for=jsonpath={.status.hard}', '--timeout=30s');
  try {
    await expect(createClaim(cluster, { name: 'too-many', size: '1Gi', accessModes: ['ReadWriteOnce'] })).rejects.toThrow(
      `The quota of namespace ‘${namespace}’ does not allow another of persistentvolumeclaims ‘too-many’: few, requested: persistentvolumeclaims=1`
    );
  } finally {
    kubectl('delete', 'quota', 'few');
  }
});

test('200 snapshots are listed, and collected by run; another’s are never touched', async () => {
  const { cluster, apply, kubectl, namespace } = test_;
  apply({
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name: 'of-somebody-else', labels: { 'sluice.dev/run': 'many-0' } },
    spec: { source: { persistentVolumeClaimName: 'work' } }
  });
  for (let i = 0; i < 200; i += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        takeSnapshot(cluster, { claim: 'work', run: `many-${Math.floor(i / 20)}`, step: `step ${n}`, moment: 'after', notebook: 'many' })
      )
    );
  expect(await listSnapshots(cluster, { notebook: 'many' })).toHaveLength(200);
  expect(await listSnapshots(cluster, { run: 'many-3' })).toHaveLength(20);
  const options = { now: Date.now() + 60_000, isDryRun: true };
  const dry = await collectSnapshots(cluster, { notebook: 'many' }, { olderThanMs: 0 }, options);
  expect([dry.removed.length, dry.kept]).toEqual([200, 0]);
  expect(await listSnapshots(cluster, { notebook: 'many' })).toHaveLength(200);
  const active = new Set(['many-0']);
  const done = await collectSnapshots(cluster, { notebook: 'many' }, { keepRuns: 0, active }, { ...options, isDryRun: false });
  expect([done.removed.length, done.kept]).toEqual([180, 20]);
  kubectl('wait', 'volumesnapshots', '-l', 'sluice.dev/run=many-9', '--for=delete', '--timeout=60s');
  expect(kubectl('get', 'volumesnapshots', 'of-somebody-else', '-o', 'name')).toContain('of-somebody-else');
  expect(namespace).toContain('snapshots-');
}, 180_000);

test('a snapshot that was replaced under its name is not removed', async () => {
  const { cluster, kubectl } = test_;
  const first = await takeSnapshot(cluster, { claim: 'work', name: 'twice' });
  kubectl('delete', 'volumesnapshot', 'twice');
  const second = await takeSnapshot(cluster, { claim: 'work', name: 'twice' });
  await removeSnapshot(cluster, first);
  expect((await waitForSnapshot(cluster, 'twice')).uid).toBe(second.uid);
});
