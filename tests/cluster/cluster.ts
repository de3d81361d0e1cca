// The cluster that the tests run on: a namespace of their own with users of their own, looking at it with kubectl, and at volumes’ files as
// they are on the disk.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster, type Cluster } from '../../server/src/kubernetes/access.js';

export const folder = process.env.SLUICE_CLUSTER_DIR ?? join(homedir(), '.cache/sluice-cluster');
const source = join(__dirname, '../../cluster');

export const port = Number(process.env.SLUICE_CLUSTER_PORT ?? 16443);

const pidFile = join(folder, 'run/pid/kube-apiserver');

/** Resolves with what starts the same again, and waits until it answers. */
export async function killApiServer(): Promise<() => Promise<void>> {
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const [program, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  process.kill(pid, 'SIGKILL');
  while (existsSync(`/proc/${pid}/fd/0`)) await sleep(50);
  return async () => {
    const log = openSync(join(folder, 'run/log/kube-apiserver'), 'a');
    const server = spawn(program!, args, { detached: true, stdio: ['ignore', log, log] });
    server.unref();
    writeFileSync(pidFile, String(server.pid));
    const kubectl = [join(folder, 'bin/kubectl'), '--kubeconfig', join(folder, 'kubeconfig')] as const;
    while (spawnSync(kubectl[0], [...kubectl.slice(1), 'get', '--raw', '/readyz'], { timeout: 10_000 }).status !== 0)
      await sleep(200);
  };
}

/** Only how things are now is kept: who asks for what changed since an earlier version is refused. */
export async function forgetHistory(): Promise<void> {
  const etcd = async (path: string, body: object) => {
    const url = `http://127.0.0.1:${port + 1}/v3/kv/${path}`;
    return (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).json();
  };
  const { header } = (await etcd('range', { key: 'AA==' })) as { header: { revision: string } };
  await etcd('compaction', { revision: header.revision, physical: true });
}

/** Real pods need root. */
export const hasPods = process.env.SLUICE_CLUSTER_PODS !== '';
export const testWithPods = hasPods ? test : test.skip;

export interface TestCluster {
  /** with the data scientist's rights */
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly kubeconfig: string;
  as(user: string): Promise<Cluster>;
  withToken(token: string): Promise<Cluster>;
  /** the data scientist, where the API server would be elsewhere */
  at(server: string): Promise<Cluster>;
  /** the administrator's kubectl, in the namespace */
  kubectl(...args: string[]): string;
  apply(...objects: object[]): void;
  /** path of a file that holds the object */
  file(object: object): string;
  /** of all objects of these kinds that are not on their way out, sorted */
  names(kinds: string): string[];
  /** an empty volume, bound */
  claim(name: string, spec?: object): void;
  /** where the files of a claim's volume are on this machine */
  volume(claim: string): string;
  write(claim: string, files: Readonly<Record<string, string>>): void;
  read(claim: string, path: string): string;
  /** a user who may do what the rules say, and nothing else */
  user(name: string, rules: readonly object[]): Promise<Cluster>;
  remove(): void;
}

/** A namespace with the users of cluster/manifests/users.yaml. */
export async function makeNamespace(prefix: string): Promise<TestCluster> {
  const namespace = `${prefix}-${randomBytes(3).toString('hex')}`;
  const folderOfConfig = mkdtempSync(join(tmpdir(), 'sluice-cluster-'));
  const run = (args: readonly string[], input?: string) =>
    execFileSync(join(folder, 'bin/kubectl'), args, {
      env: { ...process.env, KUBECONFIG: join(folder, 'kubeconfig'), KUBECACHEDIR: join(folderOfConfig, 'cache') },
      encoding: 'utf8',
      maxBuffer: 1 << 28, // each pod has the whole runtime in it
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input })
    }).trim();
  const kubectl = (...args: string[]) => run(['-n', namespace, ...args]);
  const apply = (...objects: object[]) => void run(['-n', namespace, 'apply', '-f', '-'], objects.map(o => JSON.stringify(o)).join('\n---\n'));
  // the bindings to cluster roles are the cluster's: each namespace has one of its own
  const users = readFileSync(join(source, 'manifests/users.yaml'), 'utf8')
    .replaceAll('team-a', namespace)
    .replace('kind: ClusterRoleBinding\nmetadata: {name: storage-classes}', `kind: ClusterRoleBinding\nmetadata: {name: storage-classes-${namespace}}`);
  run(['apply', '-f', '-'], users);
  const config = JSON.parse(run(['config', 'view', '--raw', '-o', 'json']));
  const open = (user: string, token: string, server?: string) => {
    const clusters = structuredClone(config.clusters);
    if (server !== undefined) clusters[0].cluster.server = server;
    const users = [{ name: user, user: { token } }];
    const contexts = [{ name: user, context: { cluster: clusters[0].name, user, namespace } }];
    const path = join(folderOfConfig, `${user}-${randomBytes(3).toString('hex')}`);
    writeFileSync(path, JSON.stringify({ ...config, clusters, users, contexts, 'current-context': user }));
    return path;
  };
  const as = (user: string) => openCluster({ kubeconfig: open(user, kubectl('create', 'token', user)) });
  const volume = (claim: string) => {
    const name = kubectl('get', 'pvc', claim, '-o', 'jsonpath={.spec.volumeName}');
    return join(folder, 'run/csi/vol', run(['get', 'pv', name, '-o', 'jsonpath={.spec.csi.volumeHandle}']));
  };
  const token = kubectl('create', 'token', 'data-scientist');
  const kubeconfig = open('data-scientist', token);
  const cluster = await openCluster({ kubeconfig });
  return {
    file(object) {
      const path = join(folderOfConfig, `${randomBytes(4).toString('hex')}.json`);
      writeFileSync(path, JSON.stringify(object));
      return path;
    },
    names: kinds =>
      kubectl('get', kinds, '--no-headers', '-o', 'custom-columns=:.metadata.name,:.metadata.deletionTimestamp')
        .split('\n')
        .map(row => row.trim().split(/\s+/))
        .flatMap(([name, leaves]) => (leaves === '<none>' ? [name!] : []))
        .sort(),
    withToken: token => openCluster({ kubeconfig: open('somebody', token) }),
    at: server => openCluster({ kubeconfig: open('data-scientist', token, server) }),
    ...{ cluster, namespace, kubeconfig, as, kubectl, apply, volume },
    claim(name, spec = {}) {
      const requests = { storage: '1Gi' };
      apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests }, ...spec } });
      kubectl('wait', `pvc/${name}`, '--for=jsonpath={.status.phase}=Bound', '--timeout=60s');
    },
    write(claim, files) {
      for (const [path, text] of Object.entries(files)) {
        const whole = join(volume(claim), path);
        mkdirSync(dirname(whole), { recursive: true });
        writeFileSync(whole, text);
      }
    },
    read: (claim, path) => readFileSync(join(volume(claim), path), 'utf8'),
    user(name, rules) {
      const subject = { kind: 'ServiceAccount', name };
      apply(
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
        { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name }, rules },
        { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }, subjects: [subject] }
      );
      return as(name);
    },
    remove() {
      run(['delete', 'clusterrolebinding', `storage-classes-${namespace}`, '--ignore-not-found']);
      run(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
      rmSync(folderOfConfig, { recursive: true, force: true });
    }
  };
}
