// Building an image in the cluster: what the API server, the Job controller and a quota say to it. Kaniko itself is not there: that needs a
// registry with images.
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildContext } from '../../server/src/images/dockerfile.js';
import { buildWithKaniko } from '../../server/src/images/kaniko.js';
import { makeNamespace, type TestCluster } from './cluster.js';

let test_: TestCluster;
beforeAll(async () => void (test_ = await makeNamespace('image')), 60_000);
afterAll(() => test_?.remove());

const context: BuildContext = { files: { Dockerfile: 'FROM scratch\n' }, hash: '0123456789abcdef', base: 'scratch' };
const verbOf: Readonly<Record<string, string>> = { configmaps: 'create', events: 'list' };
const rules = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'delete'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] },
  { apiGroups: [''], resources: ['pods', 'events'], verbs: ['list'] }
];

function isAllowed(resource: string, account: string): boolean {
  try {
    return test_.kubectl('auth', 'can-i', verbOf[resource]!, resource, account) === 'yes';
  } catch {
    return false; // it ends with 1 where the answer is no
  }
}

test('who may not is told which right lacks; a Job that gets no pod is told why; and neither leaves anything', async () => {
  const build = async (user: string, allowed: readonly { resources: readonly string[] }[]) => {
    const cluster = await test_.user(user, allowed);
    const account = `--as=system:serviceaccount:${test_.namespace}:${user}`;
    const last = allowed.at(-1)?.resources.at(-1);
    // the API server reads Roles a moment after they were made
    while (last !== undefined && !isAllowed(last, account)) await sleep(100);
    return buildWithKaniko(context, 'registry/nb:1', { cluster });
  };
  await expect(build('nobody-at-all', [])).rejects.toThrow(
    /^You may not create configmaps ‘sluice-image-.*’ in namespace ‘image-.*’\. Ask for a Role/
  );
  await expect(build('halfway', rules.slice(0, 1))).rejects.toThrow(/^You may not create jobs\.batch ‘sluice-image-/);
  const spec = { hard: { pods: '0' } };
  test_.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec });
  test_.kubectl('wait', 'resourcequota/none', '--for=jsonpath={.status.hard.pods}=0', '--timeout=30s');
  await expect(build('builder', rules)).rejects.toThrow(
    /^The image ‘registry\/nb:1’ can’t be built in the cluster: .*exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0\.$/
  );
  expect(test_.names('jobs,configmaps').filter(name => name.startsWith('sluice'))).toEqual([]);
}, 60_000);
