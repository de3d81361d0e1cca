// What happens while the cluster is away: connections are cut, the API server is killed and comes back, and it has forgotten where a watch
// stood. Nothing may be lost, told twice or ended by it. Runs alone, since all other tests need the API server.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { Cluster } from '../../server/src/kubernetes/access.js';
import { listSnapshots, takeSnapshot, waitForSnapshot } from '../../server/src/kubernetes/snapshots.js';
import { watchObjects } from '../../server/src/kubernetes/watch.js';
import { forgetHistory, killApiServer, makeNamespace, type TestCluster } from './cluster.js';

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('outage');
  test_.claim('work');
}, 120_000);
afterAll(() => test_?.remove());

/** Stands between a client and the API server, and cuts all connections when it is told to. */
async function makeProxy() {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const { port, hostname } = new URL(test_.cluster.server);
  const server = createServer(client => {
    if (!isOpen) return void client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => [client, upstream].forEach(each => each.destroy()));
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    cluster: await test_.at(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    cut: () => {
      isOpen = false;
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
    open: () => void (isOpen = true),
    close: () => server.close()
  };
}

/** Follows the namespace's claims until it has seen the one that is named `last`; resolves with every name in the order in which it was new. */
async function follow(cluster: Cluster, last: string, onSeen: (name: string) => void = () => undefined) {
  const seen: string[] = [];
  let lists = 0;
  const ended = new AbortController();
  const path = `/api/v1/namespaces/${cluster.namespace}/persistentvolumeclaims`;
  const changes = watchObjects<V1PersistentVolumeClaim>(cluster, { path, resource: 'persistentvolumeclaims' }, ended.signal);
  for await (const change of changes) {
    if (change.type === 'listed') lists++;
    for (const object of change.type === 'listed' ? change.objects : [change.object]) {
      const name = object.metadata!.name!;
      if (seen.includes(name)) continue;
      seen.push(name);
      onSeen(name);
      if (name === last) ended.abort();
    }
  }
  return { seen, lists };
}

function makeClaims(...names: readonly string[]): void {
  for (const name of names)
    test_.apply({
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name } },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'on-first-use', resources: { requests: { storage: '1Gi' } } }
    });
}

test('a watch that is cut goes on where it was', async () => {
  const proxy = await makeProxy();
  const following = follow(proxy.cluster, 'cut-4', name => {
    if (name !== 'cut-1') return;
    proxy.cut();
    makeClaims('cut-2', 'cut-3');
    proxy.open();
    makeClaims('cut-4');
  });
  await new Promise(resolve => setTimeout(resolve, 1000));
  makeClaims('cut-1');
  expect(await following).toEqual({ seen: ['work', 'cut-1', 'cut-2', 'cut-3', 'cut-4'], lists: 1 });
  proxy.close();
}, 120_000);

test('the API server is killed and started while a snapshot is waited for and claims are watched', async () => {
  await takeSnapshot(test_.cluster, { claim: 'work', class: 'slow', name: 'meanwhile' });
  const waiting = waitForSnapshot(test_.cluster, 'meanwhile');
  const start = await killApiServer();
  try {
    await expect(listSnapshots(test_.cluster)).rejects.toThrow(/The cluster (does not answer|refuses connections)/);
  } finally {
    await start();
  }
  expect((await waiting).isReady).toBe(true);
}, 240_000);

test('where the server has forgotten the place, the list is read again', async () => {
  const following = follow(test_.cluster, 'new-2');
  await new Promise(resolve => setTimeout(resolve, 1000));
  makeClaims('new-1');
  const start = await killApiServer();
  await forgetHistory();
  await start();
  makeClaims('new-2');
  const { seen, lists } = await following;
  expect(seen.slice(-2)).toEqual(['new-1', 'new-2']);
  expect(lists).toBe(2);
}, 240_000);
