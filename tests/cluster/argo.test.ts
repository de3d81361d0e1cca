// A notebook on Argo as a user meets it: `sluice run --runner argo` against the real controller and real pods, with no more rights than
// `sluice cluster rbac` asks for; what is shown while it runs, what is kept, and what becomes of it when something in between fails.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { makeNotebook, until, World, type Outcome } from '../../server/test/world.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

const repository = join(__dirname, '../..');
const image = 'localhost/python:sluice';

let test_: TestCluster;
let world: World;
let bundle: string;
/** of a user with the rights that are printed, and no others */
let kubeconfig: string;

/** says that it is a Kubernetes of long ago */
const old = createHttpServer((_, response) => response.end('{"gitVersion": "v1.20.4"}'));
let oldServer: string;

beforeAll(async () => {
  await new Promise<void>(resolve => old.listen(0, '127.0.0.1', resolve));
  oldServer = `http://127.0.0.1:${(old.address() as AddressInfo).port}`;
  test_ = await makeNamespace('argo');
  bundle = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
  for (const part of ['runtime', 'warm', 'packages'])
    symlinkSync(join(repository, 'jupyterlab_sluice', part), join(bundle, part));
  mkdirSync(join(bundle, 'node'));
  execFileSync('node', ['server/build.mjs', '--outdir', join(bundle, 'node')], { cwd: repository });
  kubeconfig = writeConfig((await test_.user('launcher', [])).config.exportConfig());
}, 120_000);
afterAll(() => {
  old.close();
  rmSync(bundle, { recursive: true, force: true });
  test_?.remove();
});
beforeEach(() => {
  world = new World();
  Object.assign(world.env, { KUBECONFIG: kubeconfig, SLUICE_SERVICE_ACCOUNT: 'steps', HOME: world.folder });
});
afterEach(() => world.remove());

function writeConfig(text: string): string {
  const path = join(bundle, `config-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, text);
  return path;
}

function write(name: string, cells: readonly string[], defaults: object = {}): void {
  writeFileSync(
    join(world.folder, name),
    JSON.stringify(makeNotebook(cells, 'python3', { sluice: { defaults: { image, ...defaults } } }))
  );
}

const training = [
  'imports | import csv, sys, time',
  'pipeline-parameters | rate = 0.5\nname = "Maße"',
  'step:load | rows = [[float(x) for x in row] for row in csv.reader(open("data/points.csv"))]\nprint(name, len(rows), end=" ")\nprint("rows")',
  'step:train | weight = 0.0\nfor epoch in range(6):\n    weight += rate * sum(y for x, y in rows)\n    print("epoch", epoch)\n    time.sleep(1)\nprint("few rows", file=sys.stderr)',
  'pipeline-metrics | print(weight)',
  'step:report | open("report.txt", "w").write(f"{weight}")\nweight'
];

function writeTraining(cells = training): void {
  mkdirSync(join(world.folder, 'data'), { recursive: true });
  writeFileSync(join(world.folder, 'data/points.csv'), '1,2\n3,4\n');
  write('training.ipynb', cells);
}

const states = ({ events }: Outcome) =>
  events.filter(e => e.type === 'step' && e.state !== 'pending').map(e => `${e.step} ${e.state}`);
const text = ({ events }: Outcome, step: string, stream: string) =>
  events
    .filter(e => e.type === 'log' && e.step === step && e.stream === stream)
    .map(e => e.text)
    .join('');

/** What is in the namespace of ours, besides workflows, which stay for people to look at. */
const left = () => test_.names('pods,pvc');

test('what is missing is said by name, before there is a run, and the Roles that are printed grant it', async () => {
  const before = await world.sluice('cluster', 'check');
  expect(before.status).toBe(1);
  expect(before.stdout).toMatch(/^✓ Context ‘launcher’, namespace ‘argo-\w+’: https:.*, Kubernetes v1\./);
  expect(before.stdout).toContain(
    `✗ You may not ‘get’, ‘create’ pods/exec in namespace ‘${test_.namespace}’, which is needed to send the workspace.\n`
  );
  writeTraining();
  const refused = await world.sluice('run', 'training.ipynb', '--runner', 'argo');
  expect(refused.status).toBe(2);
  expect(refused.stderr).toMatch(/You may not ‘create’, .* workflows.argoproj.io .*`sluice cluster rbac` prints the Role/);
  expect((await world.sluice('runs')).stdout).toContain('There is no run yet');

  const roles = await world.sluice('cluster', 'rbac', '--account', 'launcher');
  test_.apply(...parseAllDocuments(roles.stdout).map(document => document.toJS() as object));
  const after = await world.sluice('cluster', 'check');
  expect(after.stdout).toContain('✓ You may do all that Sluice has to\n✓ Argo Workflows is installed\n');
  expect(after.stdout).not.toContain('✗');
  expect(after.status).toBe(0);
});

test.each<[what: string, change: (config: string) => string, said: RegExp]>([
  ['a server that is not there', config => config.replace(/server":"[^"]*"/, 'server":"https://127.0.0.1:16499"'), /at ‘https:\/\/127.0.0.1:16499’ refuses connections/],
  ['a token that is none', config => config.replace(/token":"[^"]*"/, 'token":"expired"'), /does not know who you are/],
  ['a certificate that nobody vouches for', config => config.replace(/"certificate-authority-data":"[^"]*",?/, ''), /certificate that is not trusted/],
  ['a server that is too old', config => config.replace(/"server":"[^"]*"/, `"server":"${oldServer}"`).replace('verify":false', 'verify":true'), /^sluice: Kubernetes v1\.20\.4 is too old: Sluice needs v1\.25 or later\. Choose another cluster\.$/m],
  ['a server by http', config => config.replace(/"server":"[^"]*"/, `"server":"${oldServer}"`), /is named by http, over which anybody can read your token\. Write https/],
  ['a namespace that is not there', config => config.replace(/namespace":"[^"]*"/, 'namespace":"nowhere"'), /You may not .* in namespace ‘nowhere’/]
])('%s is told of within 5 seconds, and nothing is left', async (_, change, said) => {
  writeTraining();
  world.env.KUBECONFIG = writeConfig(change(JSON.stringify(JSON.parse(readFileSync(kubeconfig, 'utf8')))));
  const start = Date.now();
  const { status, stderr } = await world.sluice('run', 'training.ipynb', '--runner', 'argo');
  expect(stderr).toMatch(said);
  expect(status).toBeGreaterThan(0);
  expect(Date.now() - start).toBeLessThan(20_000); // five, and what a busy machine adds
});

testWithPods('a notebook runs to success, with its logs as they come, and leaves records as a run here does', async () => {
  writeTraining();
  const seen: string[] = [];
  const whenSeen = (chunk: string) => seen.push(...chunk.split('\n').filter(line => line.includes('"epoch 0')));
  const run = await world.sluiceWith({ onStdout: whenSeen }, 'run', 'training.ipynb', '--runner', 'argo', '-p', 'rate=2', '--json');
  expect(run.stderr).toBe('');
  expect(states(run)).toEqual(['load running', 'load succeeded', 'train running', 'train succeeded', 'report running', 'report succeeded']);
  expect(text(run, 'load', 'stdout')).toBe('Maße 2 rows\n');
  expect(text(run, 'train', 'stdout')).toBe('epoch 0\nepoch 1\nepoch 2\nepoch 3\nepoch 4\nepoch 5\n72.0\n');
  expect(text(run, 'train', 'stderr')).toBe('few rows\n');
  expect(seen[0]).not.toContain('epoch 5'); // it was told while the step went on
  expect(run.events.at(-1)).toMatchObject({ type: 'run-ended', state: 'succeeded', metrics: { weight: 72 } });
  expect(run.status).toBe(0);
  const { stdout } = await world.sluice('runs', 'show', 'last', '--json');
  const { artifacts, steps, remote } = JSON.parse(stdout);
  expect(remote.place).toMatchObject({ context: 'launcher', namespace: test_.namespace });
  expect(steps[1]).toMatchObject({ cellsDone: 2, usage: { cpuMs: expect.any(Number) } });
  const values = artifacts.find((artifact: { kind: string }) => artifact.kind === 'values');
  expect(values).toMatchObject({ step: 'load', variables: [{ name: 'rows', type: 'list' }], path: expect.stringMatching(/^pvc:/) });
  const notebook = artifacts.find((artifact: { name: string; step: string }) => artifact.step === 'report' && artifact.name === 'sluice_notebook');
  expect(readFileSync(notebook.path, 'utf8')).toContain('"text/plain": "72.0"');
  expect(left()).toEqual([expect.stringMatching(/^training-/)]); // for the next run
  const here = await world.sluice('run', 'training.ipynb', '--resume', 'last');
  expect(here.stderr).toContain('Run 1 ran on ‘argo’, and its values are there. Resume it there, with --runner argo.');
  test_.kubectl('delete', 'workflows,pvc', '--all');
}, 240_000);

testWithPods('a run whose follower is killed, and whose server is away for a while, is told once and to its end', async () => {
  writeTraining();
  const proxy = await Proxy.start(JSON.parse(readFileSync(kubeconfig, 'utf8')).clusters[0].cluster.server);
  world.env.KUBECONFIG = writeConfig(readFileSync(kubeconfig, 'utf8').replace(/127.0.0.1:\d+/, `127.0.0.1:${proxy.port}`));
  try {
    const first = sluice('run', 'training.ipynb', '--runner', 'argo', '--json');
    await until(() => first.said().includes('epoch 1'), 120_000);
    first.child.kill('SIGKILL');
    const second = sluice('runs', 'follow', 'last', '--json');
    await until(() => second.said().includes('epoch 3'), 60_000);
    proxy.stop();
    await new Promise(resolve => setTimeout(resolve, 4000));
    await proxy.listen();
    await until(() => second.child.exitCode !== null, 120_000);
    const logs = await world.sluice('runs', 'logs', 'last', 'train');
    expect(logs.stdout).toBe('epoch 0\nepoch 1\nepoch 2\nepoch 3\nepoch 4\nepoch 5\nfew rows\n18.0\n');
    const { stdout } = await world.sluice('runs', 'show', 'last', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ state: 'succeeded', metrics: { weight: 18 } });
    expect(left()).toEqual([expect.stringMatching(/^training-/)]);
  } finally {
    proxy.stop();
  }
}, 400_000);

testWithPods('steps that need more memory and more of a volume than there is, and print more than a log shows', async () => {
  write('greedy.ipynb', [
    'step:big | data = b"x" * 500_000_000',
    'step:full | open("/dev/shm/x", "wb").write(b"x" * 9_000_000)',
    'step:much | for i in range(20): print("x" * 1_000_000)\n"y" * 18_000_000'
  ], { memory_limit: '200Mi', shared_memory: '8Mi' });
  const greedy = await world.sluice('run', 'greedy.ipynb', '--runner', 'argo', '--json');
  const ends = greedy.events.filter(e => e.type === 'step' && (e.state === 'failed' || e.state === 'succeeded'));
  expect(ends.find(e => e.step === 'big')).toMatchObject({ state: 'failed', error: expect.stringContaining('The step needed more than its memory limit of 200Mi.') });
  expect(ends.find(e => e.step === 'full')!.error).toMatch(/^OSError: \[Errno 28\] No space left on device\. One of its volumes is full: claim ‘greedy-\S+’ at \/sluice, 8Mi at \/dev\/shm\. Free some space there/);
  expect(ends.find(e => e.step === 'much')).toMatchObject({ state: 'succeeded' });
  // what is too large for the log is read from the volume
  const { artifacts } = JSON.parse((await world.sluice('runs', 'show', 'last', '--json')).stdout) as { artifacts: { step: string; name: string; sizeBytes: number }[] };
  expect(artifacts.find(({ step, name }) => step === 'much' && name === 'sluice_notebook')!.sizeBytes).toBeGreaterThan(18_000_000);
  test_.kubectl('delete', 'workflows,pvc', '--all');
}, 300_000);

testWithPods('an image that is not there, or has no Python, is told of, and nothing is left', async () => {
  const cases: readonly [image: string, said: RegExp][] = [
    ['localhost/none:here', /The image ‘localhost\/none:here’ can’t be pulled/],
    ['localhost/argoexec:sluice', /could not be started in the image ‘localhost\/argoexec:sluice’: exec: "python3": executable file not found in \$PATH\. It must have Python 3\.9/]
  ];
  const runs = cases.map(([name], i) => {
    write(`image-${i}.ipynb`, ['step:a | 1'], { image: name });
    return world.sluice('run', `image-${i}.ipynb`, '--runner', 'argo');
  });
  for (const [i, { stdout, status }] of (await Promise.all(runs)).entries()) {
    expect(stdout).toMatch(cases[i]![1]);
    expect(status).toBe(1);
  }
  await until(() => left().length === 0, 90_000);
}, 200_000);

/** The command as a process of its own, that can be killed. */
function sluice(...args: string[]): { readonly child: ChildProcess; said(): string } {
  const argv = ['--disable-warning=ExperimentalWarning', join(bundle, 'node/cli.mjs'), ...args];
  const child = spawn('node', argv, { cwd: world.folder, env: world.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout!.on('data', chunk => (said += String(chunk)));
  return { child, said: () => said };
}

/** Stands before the API server, so that it can be away without disturbing other tests. */
class Proxy {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  port = 0;

  private constructor(private readonly target: URL) {}

  static async start(server: string): Promise<Proxy> {
    const proxy = new Proxy(new URL(server));
    await proxy.listen();
    return proxy;
  }

  async listen(): Promise<void> {
    this.server = createServer(client => {
      const server = connect(Number(this.target.port), this.target.hostname);
      for (const [from, to] of [[client, server], [server, client]] as const) {
        this.sockets.add(from);
        from.pipe(to).on('error', () => undefined);
        from.on('error', () => undefined).on('close', () => to.destroy());
      }
    });
    await new Promise<void>(resolve => this.server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as { port: number }).port;
  }

  stop(): void {
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }
}
