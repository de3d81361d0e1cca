// Building an image in the cluster: what the API server, the Job controller and a quota say to it. kaniko.test.ts has kaniko
// itself.
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildContext } from '../../server/src/images/dockerfile.js';
import { buildWithKaniko } from '../../server/src/images/kaniko.js';
import { findLacks, rightsFor, userRights, type Right } from '../../server/src/kubernetes/rights.js';
import { makeNamespace, type TestCluster } from './cluster.js';

let test_: TestCluster;
beforeAll(async () => void (test_ = await makeNamespace('image')), 60_000);
afterAll(() => test_?.remove());

const context: BuildContext = { files: { Dockerfile: 'FROM scratch\n' }, hash: '0123456789abcdef', base: 'scratch' };

test('who lacks a right is told which, a Job that gets no pod is told why, and neither leaves anything', async () => {
  test_.kubectl('delete', 'resourcequota', 'none', '--ignore-not-found'); // of an earlier try
  const rights = rightsFor(userRights, ['images']);
  const rules = rights.map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs }));
  const lackingOne = rights.map(async ({ resource, group, why }, i) => {
    const user = `without-${i}`;
    const cluster = await test_.user(user, rules.filter((_, other) => other !== i));
    await allowed(user, rights.filter((_, other) => other !== i));
    const what = `${resource}${group && `.${group}`}`;
    await expect(buildWithKaniko(context, 'registry/nb:1', { cluster })).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(
        new RegExp(`^You may not [^.]* ${what.replace('.', '\\.')} in namespace ‘${test_.namespace}’, which is needed ${why}\\. \`sluice cluster rbac --images\` prints the Role`)
      )
    });
  });
  await Promise.all(lackingOne);
  const cluster = await test_.user('builder', rules);
  await allowed('builder', rights);
  // of a secret that is not there, so that the pod waits until the user does not
  const stop = new AbortController();
  const canceled = buildWithKaniko(context, 'registry/nb:1', { cluster, secret: 'none', signal: stop.signal });
  const awaited = expect(canceled).rejects.toThrow(/^The operation was aborted/);
  while (test_.names('jobs').length === 0) await sleep(100);
  stop.abort();
  await awaited;
  const spec = { hard: { pods: '0' } };
  test_.apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec });
  test_.kubectl('wait', 'resourcequota/none', '--for=jsonpath={.status.hard.pods}=0', '--timeout=30s');
  await expect(buildWithKaniko(context, 'registry/nb:1', { cluster })).rejects.toThrow(
    /^The image ‘registry\/nb:1’ can’t be built in the cluster: .*exceeded quota: none, requested: pods=1, used: pods=\d, limited: pods=0\.$/
  );
  expect(test_.names('jobs,configmaps').filter(name => name.startsWith('sluice'))).toEqual([]);
}, 60_000);

/** The API server reads Roles a moment after they were made. */
async function allowed(user: string, rights: readonly Right[]): Promise<void> {
  const cluster = await test_.as(user);
  while ((await findLacks(cluster, rights)).length > 0) await sleep(100);
}
