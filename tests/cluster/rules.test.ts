// What a cluster forbids that a Role allows, and a login that expires in the middle of a run: in the words that a user sees. The API server answers as it
// would in a run; no pod is made, and none is waited for.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { ask, statusOf } from '../../server/src/kubernetes/access.js';
import { describeNoPod, describeRefusedPod } from '../../server/src/kubernetes/pods.js';
import { open } from '../../server/src/runners/argo.js';
import type { Engine, RemoteRun } from '../../server/src/runners/engine.js';
import { Store } from '../../server/src/store.js';
import { World } from '../../server/test/world.js';
import { makeNamespace, type TestCluster } from './cluster.js';

let test_: TestCluster;
let world: World;
beforeAll(async () => {
  test_ = await makeNamespace('rules');
  world = new World();
}, 120_000);
afterAll(() => {
  world?.remove();
  test_?.remove();
});

const pod: V1Pod = {
  metadata: { name: 'step' },
  spec: { containers: [{ name: 'main', image: 'localhost/python:sluice', resources: { limits: { memory: '1Gi' } } }] }
};

const rule = (kind: string, spec: object) => ({ apiVersion: 'v1', kind, metadata: { name: 'rule' }, spec });

/** Asks until the rule counts, which takes controllers a moment; resolves with what Sluice says of it, and the API server itself. */
async function refused(): Promise<{ readonly said: string; readonly raw: string }> {
  const { cluster, namespace } = test_;
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 100))) {
    const make = () => cluster.core.createNamespacedPod({ namespace, body: pod, dryRun: 'All' });
    const error = await ask({ verb: 'create', resource: 'pods', name: 'step', namespace }, make).then(() => undefined, (error: Error) => error);
    const body = (error?.cause as { body?: string } | undefined)?.body;
    // a quota that nobody has counted yet refuses as well
    if (error !== undefined && !/status unknown/.test(error.message)) return { said: error.message, raw: JSON.parse(body!).message };
  }
  throw new Error('the pod is allowed');
}

test.each<[what: string, rule: object | string, said: RegExp, ofStep: RegExp]>([
  [
    'a LimitRange',
    rule('LimitRange', { limits: [{ type: 'Container', max: { memory: '64Mi' } }] }),
    /^The cluster’s rules do not allow pods ‘step’ in namespace ‘rules-\w+’: maximum memory usage per Container is 64Mi, but limit is 1Gi\. Change what the steps ask for, or ask who runs the cluster\.$/,
    /^The cluster’s rules do not allow the step’s pod: maximum memory usage per Container is 64Mi, but limit is 1Gi\. Change what/
  ],
  [
    'a Pod Security standard',
    'pod-security.kubernetes.io/enforce=restricted',
    /^The cluster’s rules do not allow pods ‘step’ in namespace ‘rules-\w+’: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false .*\. Change what the steps ask for/,
    /^The cluster’s rules do not allow the step’s pod: violates PodSecurity "restricted:latest": .*\. Change what/
  ],
  [
    'a quota of pods',
    rule('ResourceQuota', { hard: { pods: '0' } }),
    /^The quota of namespace ‘rules-\w+’ does not allow another of pods ‘step’: rule, requested: pods=1, used: pods=0, limited: pods=0\. Remove something, or ask for more\.$/,
    /^The namespace’s quota has no room for the step’s pod: rule, requested: pods=1, used: pods=0, limited: pods=0\. It begins when something else has ended/
  ],
  [
    'a quota of something that pods do not name',
    rule('ResourceQuota', { hard: { 'limits.cpu': '4' } }),
    /^The quota ‘rule’ of namespace ‘rules-\w+’ wants each pod to say limits\.cpu for: main, and pods ‘step’ does not\. Ask for a LimitRange that says it for all\.$/,
    /must specify limits\.cpu/
  ]
])('%s', async (_, rule, said, ofStep) => {
  const { apply, kubectl, namespace } = test_;
  if (typeof rule === 'string') kubectl('label', 'namespace', namespace, rule);
  else apply(rule);
  try {
    const found = await refused();
    expect(found.said).toMatch(said);
    // Argo hands on what it was told
    expect((/exceeded quota/.test(found.raw) ? describeNoPod(found.raw) : describeRefusedPod(found.raw)?.message) ?? '').toMatch(ofStep);
  } finally {
    if (typeof rule === 'string') kubectl('label', 'namespace', namespace, `${rule.split('=')[0]}-`);
    else kubectl('delete', 'limitrange,resourcequota', 'rule', '--ignore-not-found');
  }
});

test('a token that has expired is renewed in the kubeconfig, and the run goes on and can be canceled', async () => {
  const { apply, kubectl, namespace } = test_;
  const workflow = { entrypoint: 'wait', suspend: true, templates: [{ name: 'wait', suspend: {} }] };
  apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name: 'long', labels: { 'sluice.dev/run': 'long', 'app.kubernetes.io/managed-by': 'sluice' } }, spec: workflow });
  const kubeconfig = join(world.folder, 'config');
  const logIn = async (token: string) => writeFileSync(kubeconfig, (await test_.withToken(token)).config.exportConfig());
  const store = new Store(world.folder, ':memory:');
  const run = {
    ...{ id: 'long', plan: { name: 'p', parameters: [], tasks: [], workspace: {} }, parameters: {}, place: { namespace } },
    ...{ position: () => undefined, state: () => undefined, notice: () => undefined }
  } as unknown as RemoteRun;
  const { signal } = new AbortController();
  const follow = async (engine: Engine) => {
    for await (const event of engine.follow('long', run, signal)) if (event.type === 'caught-up' || event.type === 'run-ended') return event.type;
    return undefined;
  };
  try {
    for (const attempt of [(engine: Engine) => engine.find(run), (engine: Engine) => engine.cancel('long', run), follow]) {
      const engine = open({ store, env: { ...world.env, KUBECONFIG: kubeconfig } });
      await logIn('expired');
      const error = await attempt(engine).then(() => undefined, (error: Error) => error);
      expect([statusOf(error), error?.message]).toEqual([401, 'The cluster does not know who you are: the token has expired or is wrong. Log in again.']);
      await logIn(kubectl('create', 'token', 'data-scientist'));
      expect(await attempt(engine).then(() => 'works')).toBe('works');
    }
    expect(kubectl('get', 'workflow', 'long', '-o', 'jsonpath={.spec.shutdown}')).toBe('Terminate');
  } finally {
    store.close();
  }
});
