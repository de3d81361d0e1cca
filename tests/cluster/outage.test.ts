// What happens while the cluster is away: connections are cut, the API server is killed and comes back, and it has forgotten where a watch
// stood. Nothing may be lost, told twice or ended by it. And what is said where a part of it is missing. Runs alone, since all other tests need
// the API server and all of its parts.
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import type { V1PersistentVolumeClaim } from '@kubernetes/client-node';
import type { Cluster } from '../../server/src/kubernetes/access.js';
import { listSnapshots, takeSnapshot, waitForSnapshot } from '../../server/src/kubernetes/snapshots.js';
import { watchObjects } from '../../server/src/kubernetes/watch.js';
import { makeNotebook, World } from '../../server/test/world.js';
import { folder, forgetHistory, killApiServer, makeNamespace, type TestCluster } from './cluster.js';

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

const storage = join(__dirname, '../../cluster/manifests/storage.yaml');
const classes = 'volumesnapshotclasses.snapshot.storage.k8s.io';

describe('what a cluster lacks is told before the run, and nothing is left', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    const config = { KUBECONFIG: join(folder, 'kubeconfig'), SLUICE_CONTEXT: 'admin', SLUICE_NAMESPACE: test_.namespace };
    Object.assign(world.env, config, { SLUICE_SERVICE_ACCOUNT: 'pipeline-runner' });
  });
  afterEach(() => world.remove());

  function write(sluice: object): string {
    const image = 'localhost/python:sluice';
    const notebook = makeNotebook(['step:a | 1'], 'python3', { sluice: { defaults: { image }, ...sluice } });
    writeFileSync(join(world.folder, 'nb.ipynb'), JSON.stringify(notebook));
    return 'nb.ipynb';
  }

  async function run(sluice: object): Promise<string> {
    write(sluice);
    const before = test_.names('pvc,pods,workflows');
    const { status, stderr } = await world.sluice('run', 'nb.ipynb', '--runner', 'argo');
    expect(status).toBe(1);
    expect(test_.names('pvc,pods,workflows')).toEqual(before);
    return stderr;
  }

  test('a default StorageClass', async () => {
    test_.kubectl('annotate', 'storageclass', 'standard', 'storageclass.kubernetes.io/is-default-class-');
    try {
      expect(await run({})).toContain('The cluster has no default StorageClass. Name one with SLUICE_STORAGE_CLASS: there is ‘on-first-use’, ‘standard’.');
      const { stdout } = await world.sluice('cluster', 'check');
      expect(stdout).toContain('✗ The cluster has no default StorageClass.');
    } finally {
      test_.kubectl('apply', '-f', storage);
    }
  });

  test('the definitions of VolumeSnapshots', async () => {
    test_.kubectl('delete', 'crd', classes);
    try {
      world.env.SLUICE_STORAGE_CLASS = 'on-first-use'; // whose volumes can't be cloned instead
      expect(await run({ snapshots: 'each-step' })).toContain('The StorageClass ‘on-first-use’ makes a volume only when a pod needs it');
      // who wants no snapshots needs none of it
      const onStdout = (text: string) => (/^Run 1/.test(text) ? world.interrupt() : undefined);
      const off = await world.sluiceWith({ onStdout }, 'run', write({}), '--runner', 'argo');
      expect([off.stdout, off.stderr, off.status]).toEqual([expect.stringMatching(/^Run 1 of nb\n/), '', 130]);
      const check = await world.sluice('cluster', 'check');
      expect(check.stdout).toContain(`– The cluster does not know ‘${classes}’: support for VolumeSnapshots is not installed there.`);
      const { stderr } = await world.sluice('cluster', 'snapshots', 'take', 'work');
      expect(stderr).toContain('The cluster has no VolumeSnapshots: their definitions (snapshot.storage.k8s.io/v1) are not installed. For a copy, make a claim with ‘work’ as its data source.');
    } finally {
      test_.kubectl('apply', '-f', join(folder, 'crds', `snapshot.storage.k8s.io_volumesnapshotclasses.yaml`));
      test_.kubectl('wait', `crd/${classes}`, '--for=condition=Established', '--timeout=30s');
      test_.kubectl('apply', '-f', storage);
    }
  });
});
