// What core writes for Argo, judged by Argo: its controller reads every golden workflow, and real pods run what only a cluster can show —
// hostile parameters, secrets, volumes, shared memory, retries, a step at the end.
import { readdirSync, readFileSync } from 'node:fs';
import { compileWorkflow, type JsonValue, type Workflow } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { parse } from 'yaml';
import { Pipelines } from '../../server/src/pipelines.js';
import { install, makeNotebook } from '../../server/test/world.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

const golden = `${__dirname}/../../core/test/pipelines`;

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('documents');
}, 120_000);
afterAll(() => test_?.remove());

/** Suspended, a workflow is checked and then waits; their label keeps them apart from those that run. */
const suspended = (workflow: Workflow, name: string) => ({
  ...workflow,
  metadata: { ...workflow.metadata, generateName: undefined, name, labels: { ...workflow.metadata.labels, judged: 'here' } },
  spec: { ...workflow.spec, suspend: true }
});

const label = ['-l', 'judged=here'] as const;

/** What the controller says of each, and nothing of those it has nothing against. */
async function judge(workflows: readonly object[]): Promise<string[]> {
  test_.apply(...workflows);
  const columns = '{.metadata.name}{"\\t"}{.status.phase}{"\\t"}{.status.message}{"\\n"}';
  for (let tries = 0; tries < 200; tries++) {
    const lines = test_.kubectl('get', 'workflows', ...label, '-o', `jsonpath={range .items[*]}${columns}{end}`).split('\n');
    const rows = lines.map(line => line.split('\t') as [name: string, phase: string, message: string]);
    if (rows.length === workflows.length && rows.every(([, phase]) => phase && phase !== 'Pending')) {
      test_.kubectl('delete', 'workflows', ...label);
      return rows.filter(([, phase]) => phase !== 'Running').map(([name, phase, message]) => `${name}: ${phase}: ${message}`);
    }
    await new Promise(resolve => setTimeout(resolve, 500));
  }
  throw new Error(`The controller has not judged all of the ${workflows.length} workflows.`);
}

/** so many at once the controller takes on with room to spare; those above its limit it postpones */
const batch = 40;

testWithPods('the controller finds nothing wrong with any of the golden workflows, and something with a wrong one', async () => {
  const workflows = readdirSync(golden).map(name =>
    suspended(parse(readFileSync(`${golden}/${name}/workflow.yaml`, 'utf8'), { version: '1.1' }), name)
  );
  const { metadata, spec } = workflows[0]!;
  const wrong = { ...workflows[0]!, metadata: { ...metadata, name: 'wrong' }, spec: { ...spec, entrypoint: 'missing' } };
  const all = [...workflows, wrong];
  test_.kubectl('delete', 'workflows', ...label);
  const against: string[] = [];
  for (let start = 0; start < all.length; start += batch) against.push(...(await judge(all.slice(start, start + batch))));
  expect(against).toEqual([expect.stringMatching(/^wrong: .*: invalid spec: .*missing/)]);
}, 300_000);

async function run(name: string, cells: readonly string[], steps: object = {}, parameters: Record<string, JsonValue> = {}) {
  const metadata = { sluice: { defaults: { image: 'localhost/python:sluice' }, steps } };
  const pipelines = new Pipelines(install);
  const reading = await pipelines.read(JSON.stringify(makeNotebook(cells, 'python3', metadata)), 'nb.ipynb');
  const ir = readIr(await pipelines.compile(reading, 'nb.ipynb'));
  test_.claim(name);
  test_.apply(compileWorkflow(ir, { name, claim: name, serviceAccount: 'pipeline-runner', parameters }));
  for (let tries = 0; tries < 300; tries++) {
    const phase = test_.kubectl('get', 'workflow', name, '-o', 'jsonpath={.status.phase}');
    if (/Succeeded|Failed|Error/.test(phase)) return phase;
    await new Promise(resolve => setTimeout(resolve, 500));
  }
  throw new Error(`The workflow ${name} did not end.`);
}

const logOf = (workflow: string, step: string) =>
  test_.kubectl('logs', '-c', 'main', '--tail=-1', '-l', `workflows.argoproj.io/workflow=${workflow},sluice.dev/step=${step}`);

testWithPods('parameters and variables arrive as they were given, whatever is in them, also where Argo has replaced all that it would', async () => {
  const text = 'a "quoted" $(HOME) $$ {{workflow.name}} {{=1+1}} {\u2060{{x}} \\u0041 ü 😀 \x07 <b>\n';
  const show = "import os\nprint(ascii([text, n, rate, flag, xs, d, o, given, os.environ['A']]))";
  const cells = [
    "pipeline-parameters | text = ''\nn = 1\nrate = 1e-3\nflag = True\nxs = [1]\nd = {'a': 1}\no: str = None\ngiven: str = None",
    `step:show | ${show}`,
    `step:again,prev:show | ${show}`
  ];
  const env = { A: '$(HOME) $$ {{workflow.name}} {{{=1+1}}' };
  const given = { text, n: -3, flag: false, xs: ['$(X)', null, '{{workflow.name}}'], d: { k: '{{x}}' }, given: 'None so far' };
  expect(await run('parameters', cells, { show: { env }, again: { env } }, given)).toBe('Succeeded');
  for (const step of ['show', 'again'])
    expect(logOf('parameters', step)).toContain(
      String.raw`['a "quoted" $(HOME) $$ {{workflow.name}} {{=1+1}} {\u2060{{x}} \\u0041 \xfc \U0001f600 \x07 <b>\n', -3, 0.001, False, ['$(X)', None, '{{workflow.name}}'], {'k': '{{x}}'}, None, 'None so far', '$(HOME) $$ {{workflow.name}} {{{=1+1}}']`
    );
}, 200_000);

testWithPods('a step has what it asks for; it is tried again; the step at the end runs after a failure', async () => {
  test_.kubectl('create', 'secret', 'generic', 'db', '--from-literal=user=me');
  test_.claim('data');
  const steps = {
    '1-load': {
      ...{ memory: '64Mi', memory_limit: '256Mi', cpu: '50m', shared_memory: '8Mi', env: { A: 'b' }, timeout: 100 },
      ...{ labels: { team: 'a' }, annotations: { note: 'b c' }, security_context: { runAsUser: 1000 }, image_pull_secrets: ['none'] },
      ...{ tolerations: [{ key: 'gpu', operator: 'Exists' }], node_selector: { 'kubernetes.io/os': 'linux' } },
      secrets: [
        { name: 'db', key: 'user', env: 'DB_USER' },
        { name: 'db', path: '/etc/db' },
        { name: 'none', key: 'x', env: 'NONE', optional: true }
      ],
      volumes: [
        { pvc_name: 'data', path: '/data', sub_path: 'raw' },
        { pvc_name: 'data', path: '/frozen', read_only: true },
        { pvc_name: 'own', path: '/own' }
      ]
    },
    flaky: { retries: 1, retry_delay: 1 }
  };
  const cells = [
    "step:1-load | import os\nos.listdir('/own'), os.listdir('/data')\ntry:\n    open('/frozen/x', 'w')\nexcept OSError as error:\n    print(error.strerror)\nshm = os.statvfs('/dev/shm')\nprint(os.environ['DB_USER'], open('/etc/db/user').read(), os.environ['A'], 'NONE' in os.environ, shm.f_blocks * shm.f_frsize, os.getuid(), os.getcwd())\nrows = [1, 2]",
    "step:flaky | import os\nif not os.path.exists('tried'):\n    open('tried', 'w').close()\n    raise ValueError('the first try')\ntotal = sum(rows)",
    'step:bad | total / 0',
    'step:after,prev:bad | print("never")',
    'step:end,at-end | print("the end")'
  ];
  test_.claim('own');
  expect(await run('asking', cells, steps)).toBe('Failed');
  const printed = logOf('asking', '1-load');
  expect(printed).toContain('Read-only file system');
  expect(printed).toContain('me me b False 8388608 1000 /sluice/workspace');
  expect(logOf('asking', 'flaky')).toContain('the first try');
  expect(logOf('asking', 'end')).toContain('the end');
  const states = JSON.parse(test_.kubectl('get', 'workflow', 'asking', '-o', 'json')).status.nodes as Record<string, { displayName: string; phase: string }>;
  const byName = Object.fromEntries(Object.values(states).map(({ displayName, phase }) => [displayName, phase]));
  expect(byName).toMatchObject({ 'step-1-load': 'Succeeded', flaky: 'Succeeded', 'flaky(0)': 'Failed', bad: 'Failed', after: 'Omitted', 'asking.onExit': 'Succeeded' });
}, 300_000);
