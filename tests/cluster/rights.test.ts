// What a user is told who lacks a right: which one, on what, and where. Each is tried with a user who has all rights but that one.
import type { Cluster } from '../../server/src/kubernetes/access.js';
import { listSnapshots, readSnapshot, removeSnapshot, restoreSnapshot, takeSnapshot } from '../../server/src/kubernetes/snapshots.js';
import { findSnapshotWay } from '../../server/src/kubernetes/storage.js';
import { createClaim, findWorkspaceClaim, readClaim, removeClaim } from '../../server/src/kubernetes/volumes.js';
import { makeNamespace, type TestCluster } from './cluster.js';

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('rights');
  test_.claim('work');
  await takeSnapshot(test_.cluster, { claim: 'work', name: 'there' });
}, 120_000);
afterAll(() => test_?.remove());

const claims = 'persistentvolumeclaims';
const snapshots = 'volumesnapshots.snapshot.storage.k8s.io';
const verbs = ['get', 'list', 'create', 'delete'];

test.each<[verb: string, resource: string, name: string | undefined, attempt: (cluster: Cluster) => Promise<unknown>]>([
  ['get', claims, 'work', cluster => readClaim(cluster, 'work')],
  ['create', claims, 'new', cluster => createClaim(cluster, { name: 'new', size: '1Gi', accessModes: ['ReadWriteOnce'] })],
  ['delete', claims, 'work', cluster => removeClaim(cluster, 'work')],
  ['get', snapshots, 'there', cluster => readSnapshot(cluster, 'there')],
  ['list', snapshots, undefined, cluster => listSnapshots(cluster)],
  ['create', snapshots, 'new', cluster => takeSnapshot(cluster, { claim: 'work', name: 'new' })],
  ['delete', snapshots, 'there', async cluster => removeSnapshot(cluster, await readSnapshot(cluster, 'there'))],
  ['create', claims, 'restored', cluster => restoreSnapshot(cluster, 'there', { name: 'restored' })],
  ['get', 'pods', 'me', cluster => findWorkspaceClaim(cluster, '/home', 'me')]
])('a user who may not %s %s ‘%s’', async (verb, resource, name, attempt) => {
  const [plural, ...group] = resource.split('.');
  const rules = [claims, snapshots, 'pods'].map(each => {
    const [plural, ...group] = each.split('.');
    return { apiGroups: [group.join('.')], resources: [plural], verbs: verbs.filter(other => each !== resource || other !== verb) };
  });
  const cluster = await test_.user(`no-${verb}-${plural}${group.length}`, rules);
  await expect(attempt(cluster)).rejects.toThrow(
    `You may not ${verb} ${resource}${name === undefined ? '' : ` ‘${name}’`} in namespace ‘${test_.namespace}’. Ask for a Role that allows ‘${verb}’ on ‘${resource}’.`
  );
});

test('a user without the cluster-wide right to see the classes', async () => {
  const cluster = await test_.user('no-classes', [{ apiGroups: [''], resources: [claims], verbs: ['get'] }]);
  expect(await findSnapshotWay(cluster, 'work')).toEqual({
    how: 'snapshot',
    message: expect.stringMatching(/^Whether the storage driver has snapshots .*: You may not list volumesnapshotclasses.snapshot.storage.k8s.io\. Ask for a Role/)
  });
});

test('a user without any right, and a token that is none', async () => {
  const nobody = await test_.as('nobody');
  await expect(takeSnapshot(nobody, { claim: 'work', name: 'x' })).rejects.toThrow('You may not get persistentvolumeclaims ‘work’');
  await expect(listSnapshots(await test_.withToken('expired'))).rejects.toThrow('The cluster does not know who you are');
});

test('a server that is not there is told of within 5 seconds', async () => {
  const start = Date.now();
  await expect(listSnapshots(await test_.at('https://127.0.0.1:16499'))).rejects.toThrow('refuses connections. Is it up, and is the kubeconfig right?');
  expect(Date.now() - start).toBeLessThan(20_000); // five, and what a busy machine adds
});
