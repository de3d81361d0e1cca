// A notebook whose folder is on a volume of the cluster: the run works on a copy of that volume, made at its start, and leaves it alone. Found
// by Sluice itself in a notebook's pod; named in the metadata, from anywhere else.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Finding, VolumeSnapshotInfo } from '@sluice/core';
import { makeApp } from '../../server/src/app.js';
import { makeCopy } from '../../server/src/volumes/make.js';
import { listSnapshots } from '../../server/src/kubernetes/snapshots.js';
import { withVolumePod } from '../../server/src/kubernetes/transfer.js';
import type { RemoteStart } from '../../server/src/runners/engine.js';
import { Runners } from '../../server/src/runners/runners.js';
import { Service } from '../../server/src/service.js';
import { Store } from '../../server/src/store.js';
import { install, makeNotebook, World, type Outcome } from '../../server/test/world.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

const repository = join(__dirname, '../..');
const image = 'localhost/python:sluice';

let test_: TestCluster;
let world: World;
beforeAll(async () => {
  test_ = await makeNamespace('workspace');
  world = new World();
  await test_.user('notebook', []);
  Object.assign(world.env, { KUBECONFIG: test_.kubeconfig, SLUICE_SERVICE_ACCOUNT: 'steps', HOME: world.folder });
  const roles = await world.sluice('cluster', 'rbac', '--account', 'notebook', '--service-account', 'steps');
  test_.apply(...parseAllDocuments(roles.stdout).map(document => document.toJS() as object));
  const token = test_.kubectl('create', 'token', 'notebook');
  const config = (await test_.withToken(token)).config.exportConfig();
  writeFileSync((world.env.KUBECONFIG = join(world.folder, 'config')), config);
}, 120_000);
afterAll(() => {
  world?.remove();
  test_?.remove();
});

const write = (cells: readonly string[], sluice: object) =>
  JSON.stringify(makeNotebook(cells, 'python3', { sluice: { defaults: { image }, ...sluice } }));

const momentsOf = async (run: string) =>
  (await listSnapshots(test_.cluster, { run })).map(({ claim, moment, step, kind }) =>
    [kind, moment, step, 'of', claim?.includes(run) ? 'its own' : claim].filter(Boolean).join(' ')
  );

const states = ({ events }: Outcome) =>
  events.filter(e => e.type === 'step' && e.state !== 'pending').map(e => `${e.step} ${e.state}`);

// as Jupyter's extension starts the server, and asks it for what the panel offers to take over
const askServer = `import http.client, json, os, socket, subprocess
args = ["/program/node", "--disable-warning=ExperimentalWarning", "/bundle/node/main.mjs", "--socket", "/tmp/s", "--root", "/home/jovyan"]
server = subprocess.Popen(args, env={**os.environ, "SLUICE_SECRET": "x"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
server.stdout.readline()
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect("/tmp/s")
connection.request("GET", "/sluice/api/v1/surroundings", headers={"x-sluice-secret": "x"})
print("SURROUNDINGS " + connection.getresponse().read().decode())
server.kill()`;

/** Sluice as it is installed, in a pod that has the claim ‘home’, with the bundle and Node from this machine. */
function runInPod(name: string, folder: string, commands: readonly string[], home: object): string {
  const bundle = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
  try {
    for (const part of ['runtime', 'warm', 'packages'])
      cpSync(join(repository, 'jupyterlab_sluice', part), join(bundle, part), { recursive: true });
    mkdirSync(join(bundle, 'node'));
    execFileSync('node', ['server/build.mjs', '--outdir', join(bundle, 'node')], { cwd: repository });
    mkdirSync(join(bundle, 'lib')); // which the pods' image lacks
    for (const [, path] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/=> (\S+\/lib(?:stdc\+\+|gcc_s|atomic)\S+)/g))
      cpSync(realpathSync(path!), join(bundle, 'lib', basename(path!)));
    const host = (name: string, path: string) => ({ name, hostPath: { path } });
    const container = {
      ...{ name: 'main', image, workingDir: folder },
      command: ['sh', '-c', [`python3 -c '${askServer}'`, ...commands.map(args => `/program/node --disable-warning=ExperimentalWarning /bundle/node/cli.mjs ${args}`)].join('; ')],
      env: [
        ...Object.entries({ LD_LIBRARY_PATH: '/bundle/lib', SLUICE_HOME: '/tmp/sluice', SLUICE_SERVICE_ACCOUNT: 'steps', LEVEL: '3' }).map(([name, value]) => ({ name, value })),
        { name: 'BUCKET', valueFrom: { secretKeyRef: { name: 's3', key: 'bucket' } } }
      ],
      volumeMounts: [
        home,
        { name: 'keys', mountPath: '/keys' },
        { name: 'bundle', mountPath: '/bundle' },
        { name: 'program', mountPath: '/program' }
      ]
    };
    const volumes = [
      { name: 'home', persistentVolumeClaim: { claimName: 'home' } },
      { name: 'keys', secret: { secretName: 's3' } },
      host('bundle', bundle),
      host('program', dirname(realpathSync(process.execPath)))
    ];
    const spec = { serviceAccountName: 'notebook', restartPolicy: 'Never', volumes, containers: [container] };
    test_.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
    test_.kubectl('wait', `pod/${name}`, '--for=jsonpath={.status.containerStatuses[0].state.terminated}', '--timeout=200s');
    return test_.kubectl('logs', name);
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

testWithPods('in a notebook’s pod, the volume that the folder is on is found, copied, and left alone', async () => {
  const cells = [
    'step:load | rows = open("rows.txt").read().split()\nmore = open("/home/jovyan/shared/more.txt").read()\nprint(len(rows), more)',
    'step:store | open("/data/stored.txt", "w").write(str(len(rows)))\nopen("rows.txt", "a").write("c")\nopen("new.txt", "w").write("n")'
  ];
  const steps = { store: { volumes: [{ pvc_name: 'data', path: '/data', snapshot: 'each-step' }] } };
  test_.claim('home');
  test_.claim('data');
  test_.write('home', { 'me/project/a.ipynb': write(cells, { snapshots: 'start', steps }), 'me/project/rows.txt': 'a b', 'me/shared/more.txt': 'more' });
  test_.kubectl('create', 'secret', 'generic', 's3', '--from-literal=bucket=mine');
  // as Kubeflow has it, where several notebooks share a claim
  const home = { name: 'home', mountPath: '/home/jovyan', subPath: 'me' };
  const log = runInPod(`notebook-${randomBytes(2).toString('hex')}`, '/home/jovyan/project', ['cluster rbac', 'cluster check', 'run a.ipynb --runner argo --json'], home);
  const surroundings = JSON.parse(/^SURROUNDINGS (.*)$/m.exec(log)![1]!);
  expect(surroundings).toMatchObject({
    pod: expect.stringMatching(/^notebook-/),
    env: expect.arrayContaining([{ name: 'LEVEL', value: '3' }]),
    secrets: [{ env: 'BUCKET', name: 's3', key: 'bucket' }],
    secretFolders: [{ name: 's3', path: '/keys' }],
    volumes: [{ pvc_name: 'home', path: '/home/jovyan', sub_path: 'me' }]
  });
  expect(log).not.toContain('mine');
  expect(log).toContain('subjects:\n  - kind: ServiceAccount\n    name: notebook\n'); // who is in the pod gets the rights
  expect(log).toContain('✓ This folder is on the volume ‘home’: runs work on a copy of it\n');
  const events = log.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line));
  expect(events.filter(e => e.type === 'log').map(e => e.text).join('')).toBe('2 more\n');
  expect(events.at(-1)).toMatchObject({ type: 'run-ended', state: 'succeeded' });
  const { run } = events.find(e => e.type === 'run-started');
  expect(await momentsOf(run)).toEqual(['snapshot start of home', 'snapshot before store of data', 'snapshot after store of data']);
  expect(test_.read('home', 'me/project/rows.txt')).toBe('a b');
  expect(existsSync(join(test_.volume('home'), 'me/project/new.txt'))).toBe(false);
  expect(test_.read('data', 'stored.txt')).toBe('2');
}, 300_000);

/** For who starts pipelines, too. */
function showClasses(): void {
  const subject = { kind: 'ServiceAccount', name: 'notebook', namespace: test_.namespace };
  const patch = [{ op: 'add', path: '/subjects/-', value: subject }];
  test_.kubectl('patch', 'clusterrolebinding', `storage-classes-${test_.namespace}`, '--type=json', '-p', JSON.stringify(patch));
}

testWithPods('from anywhere else the claim is named; a run that goes on has the volume as it was before the step that failed', async () => {
  const cells = (correct: boolean) => [
    'step:load | rows = open("rows.txt").read().split()\nopen("rows.txt", "a").write(" loaded")',
    `step:train | known = open("rows.txt").read()\nopen("rows.txt", "a").write(" trained")\nopen("half.txt", "w").write("x")\n${correct ? '' : '1 / 0'}`,
    'step:other | len(rows)',
    'step:report | print(known, len(rows))'
  ];
  const volumes = [{ pvc_name: 'work', path: '/home/jovyan', workspace: 'project' }];
  const steps = { train: { volumes: [{ pvc_name: 'shared', path: '/shared', snapshot: 'each-step' }] } };
  const sluice = { snapshots: { policy: 'each-step', clone: true }, volumes, steps };
  test_.claim('work');
  test_.claim('shared');
  test_.write('work', { 'project/rows.txt': 'a b', 'workspace/mine.txt': 'mine' });
  writeFileSync(join(world.folder, 'a.ipynb'), write(cells(false), sluice));
  const failed = await world.sluice('run', 'a.ipynb', '--runner', 'argo');
  expect(failed.stdout).toContain('of the run can be mounted on one node only (ReadWriteOnce): the steps’ pods are placed on one node.');
  const { id: run, steps: ended } = JSON.parse((await world.sluice('runs', 'show', 'last', '--json')).stdout);
  expect(ended.map(({ name, state }: Record<string, string>) => `${name} ${state}`)).toEqual(['load succeeded', 'train failed', 'other succeeded', 'report skipped']);
  expect((await momentsOf(run)).sort()).toEqual([
    ...['clone after load of its own', 'clone after other of its own', 'clone after train of its own', 'clone after train of shared'],
    ...['clone before load of its own', 'clone before other of its own', 'clone before train of its own', 'clone before train of shared']
  ]);
  writeFileSync(join(world.folder, 'a.ipynb'), write(cells(true), sluice));
  const again = await world.sluice('run', 'a.ipynb', '--runner', 'argo', '--resume', 'last', '--json');
  const store = new Store(join(world.folder, '.sluice'));
  const notices = store.events(store.find('last').id).flatMap(event => (event.type === 'notice' ? [event.text] : []));
  store.close();
  expect(notices.join('\n')).not.toContain('could run at the same time'); // ‘other’ does not run again
  expect(notices.join('\n')).toMatch(/The volume ‘shared’ is as it is now: what ‘train’ wrote to it in run \d+ stays. As it was before ‘train’: `sluice cluster snapshots restore \S+-train-before-shared --to/);
  expect(states(again)).toEqual(['load cached', 'other cached', 'train running', 'train succeeded', 'report running', 'report succeeded']);
  expect(again.events.filter(e => e.type === 'log').map(e => e.text).join('')).toContain('a b loaded 2\n');
  expect(test_.read('work', 'project/rows.txt')).toBe('a b');
}, 400_000);

/** As the panel asks, of the records in the world’s folder. */
async function askPanel(method: string, path: string, body?: object) {
  const store = new Store(join(world.folder, '.sluice'));
  const runner = new Runners({ store, env: world.env, ...install });
  const app = makeApp(new Service({ install, store, runner, root: world.folder, env: world.env }), { secret: 'x' });
  await new Promise<void>(resolve => app.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}/sluice/api/v1${path}`;
    const init = { method, headers: { 'x-sluice-secret': 'x' }, ...(body && { body: JSON.stringify(body) }) };
    const text = await (await fetch(url, init)).text();
    const events = text.split('\n').filter(line => line.startsWith('data: ')).map(line => JSON.parse(line.slice(6)));
    return events.length > 0 ? events : JSON.parse(text);
  } finally {
    app.close();
    store.close();
  }
}

testWithPods('the panel checks the cluster, lists, compares and restores what that run left, and loads what the next one was given', async () => {
  const { findings } = await askPanel('GET', `/runners/argo/check?namespace=${test_.namespace}`);
  expect(findings.filter(({ isOk, isOptional }: Finding) => isOk === false && !isOptional)).toEqual([]);
  expect(findings).toContainEqual({ isOk: true, message: 'Argo Workflows is installed' });
  const [again, failed] = (await askPanel('GET', '/runs?notebook=a.ipynb')).runs;
  const path = `/runs/${failed.id}/volume-snapshots`;
  const { snapshots } = await askPanel('GET', path);
  expect(snapshots).toHaveLength(8);
  const [before, after] = ['before', 'after'].map(
    moment => snapshots.find((one: VolumeSnapshotInfo) => one.step === 'train' && one.moment === moment && one.claim !== 'shared').name
  );
  const claims = test_.names('pvc');
  const compared = await askPanel('GET', `${path}/${before}/diff/${after}`);
  expect(compared.map(({ text }: { text?: string }) => text)).toEqual(['Making volumes of the snapshots.', expect.stringContaining(image), undefined]);
  expect(compared.at(-1).result).toMatchObject({ added: expect.arrayContaining(['project/half.txt']), changed: ['project/rows.txt'], removed: [] });
  expect(test_.names('pvc')).toEqual(claims);
  const restored = await askPanel('POST', `${path}/${before}/restore`, { to: 'again' });
  expect(restored.at(-1)).toEqual({ type: 'done', result: { claim: 'again', snapshot: before, namespace: test_.namespace } });
  expect(test_.read('again', 'project/rows.txt')).toBe('a b loaded');
  expect((await askPanel('POST', `${path}/${before}/restore`, { to: 'again' })).at(-1).message).toContain('There already is persistentvolumeclaims ‘again’');
  // ‘load’ was taken from the run before
  const { names } = await askPanel('GET', `/runs/${again.id}/steps/train/load`);
  expect(names).toEqual(expect.arrayContaining(['known', 'rows']));
  expect(existsSync(join(world.folder, '.sluice/runs', again.id, 'steps/load/rows'))).toBe(true);
}, 120_000);

testWithPods('what a volume is restored from is there until a pod has it, as some classes make it only then', async () => {
  const { cluster } = test_;
  const keeping = {
    volume: { size: '1Gi', storageClass: 'on-first-use', accessModes: ['ReadWriteOnce' as const] },
    ...{ own: { policy: 'off' as const }, copy: { how: 'snapshot' as const } }
  };
  test_.claim('early');
  test_.write('early', { 'rows.txt': 'a b' });
  const workspace = { claim: 'early', path: '/home/jovyan', folder: '' };
  const run = { id: 'late', place: { workspace: JSON.stringify(workspace) }, notice: () => undefined } as unknown as RemoteStart;
  const { signal } = new AbortController();
  const { taken } = await makeCopy(cluster, run, { name: 'late', keeping }, signal);
  const pod = { name: 'late-first', claim: 'late', mountPath: '/late', image, belonging: { run: 'late' } };
  await withVolumePod(cluster, pod, { notice: () => undefined, signal }, () => Promise.resolve());
  expect(test_.read('late', 'rows.txt')).toBe('a b');
  expect(taken!.name).toBe('late-start');
}, 120_000);

/** A package of one module, as pip installs one. */
function writeWheel(folder: string, name: string, source: string): void {
  const about = `${name}-1.0.dist-info`;
  const files = {
    [`${name}.py`]: source,
    [`${about}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
    [`${about}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${about}/RECORD`]: `${name}.py,,\n${about}/METADATA,,\n${about}/WHEEL,,\n${about}/RECORD,,\n`
  };
  const program = 'import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w") as wheel:\n    for path, text in json.loads(sys.argv[2]).items(): wheel.writestr(path, text)';
  execFileSync('python3', ['-c', program, join(folder, `${name}-1.0-py3-none-any.whl`), JSON.stringify(files)]);
}

testWithPods('packages are installed once, and the next run is sent only what changed', async () => {
  const wheels = join(world.folder, 'wheels');
  mkdirSync(wheels);
  writeWheel(wheels, 'sluicetrial', 'def double(x):\n    return 2 * x\n');
  test_.claim('wheels');
  cpSync(wheels, test_.volume('wheels'), { recursive: true });
  // the pods' image has no pip of its own
  const python = join(repository, '.venv/bin/python');
  const pip = execFileSync(python, ['-c', 'import os, pip; print(os.path.dirname(pip.__file__))'], { encoding: 'utf8' }).trim();
  const kernel = join(world.folder, 'kernel');
  execFileSync(python, ['-m', 'venv', '--without-pip', kernel]);
  execFileSync(python, ['-m', 'pip', '--python', join(kernel, 'bin/python'), 'install', '-q', '--no-index', '--find-links', wheels, 'sluicetrial']);
  cpSync(pip, join(test_.volume('wheels'), 'pip'), { recursive: true });
  const env = { PYTHONPATH: '/wheels', PIP_NO_INDEX: '1', PIP_FIND_LINKS: '/wheels' };
  const defaults = { image, env, volumes: [{ pvc_name: 'wheels', path: '/wheels', read_only: true }] };
  const project = join(world.folder, 'project');
  mkdirSync(project);
  const cells = [
    'imports | import sluicetrial',
    'step:one | one = sluicetrial.double(int(open("n.txt").read()))\nopen("n.txt", "a").write("0")',
    'step:two | print(one, sluicetrial.__file__)'
  ];
  writeFileSync(join(project, 'p.ipynb'), write(cells, { defaults }));
  writeFileSync(join(project, 'large.bin'), Buffer.alloc(5_000_000, 'x'));
  writeFileSync(join(project, 'n.txt'), '4');
  const before = world.env.SLUICE_PYTHON;
  world.env.SLUICE_PYTHON = join(kernel, 'bin/python');
  const first = await world.sluice('run', 'project/p.ipynb', '--runner', 'argo');
  expect(first.stdout).toContain('Sending 3 files (5 MB) to the cluster.');
  expect(first.stdout).toContain('succeeded');
  const [claim] = test_.names('pvc').filter(name => name.startsWith('p-'));
  const environments = () => readdirSync(join(test_.volume(claim!), 'environments'));
  expect(environments()).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);

  writeFileSync(join(project, 'new.txt'), 'n');
  const second = await world.sluice('run', 'project/p.ipynb', '--runner', 'argo');
  expect(second.stdout).toContain('Sending 2 of 4 files (2 bytes) to the cluster.');
  const { stdout } = await world.sluice('runs', 'logs', 'last', 'two');
  expect(stdout).toMatch(/^8 \/sluice\/environments\/[0-9a-f]{16}\/sluicetrial.py\n$/);
  expect(test_.names('pvc').filter(name => name.startsWith('p-'))).toHaveLength(1);
  world.env.SLUICE_PYTHON = before;
}, 300_000);

describe('where the classes can be seen', () => {
  beforeAll(showClasses);

test.each<[what: string, sluice: object, said: RegExp]>([
  ['a claim that is not there', { volumes: [{ pvc_name: 'gone', path: '/home/jovyan', workspace: '.' }] }, /There is no volume claim ‘gone’/],
  ['one that a step mounts', { volumes: [{ pvc_name: 'gone', path: '/data' }] }, /There is no volume claim ‘gone’/],
  ['a class of snapshots that is not there', { snapshots: { policy: 'start', class: 'fast' } }, /There is no VolumeSnapshotClass ‘fast’/],
  ['clones of a volume that comes with its first pod', { snapshots: { policy: 'start', clone: true } }, /makes a volume only when a pod needs it/]
])('%s is told of before the run', async (_, sluice, said) => {
  writeFileSync(join(world.folder, 'b.ipynb'), write(['step:a | 1'], sluice));
  world.env.SLUICE_STORAGE_CLASS = 'on-first-use';
  const { status, stderr } = await world.sluice('run', 'b.ipynb', '--runner', 'argo');
  delete world.env.SLUICE_STORAGE_CLASS;
  expect(stderr).toMatch(said);
  expect(status).toBeGreaterThan(0);
});
});
