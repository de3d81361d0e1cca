// What every runner does alike, on Argo with real pods: the stories of server/test/conformance.ts.
import { parseAllDocuments } from 'yaml';
import { conform, stories } from '../../server/test/conformance.js';
import { World } from '../../server/test/world.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

let test_: TestCluster;
let world: World;

beforeAll(async () => {
  test_ = await makeNamespace('conformance');
  world = new World();
  world.env.KUBECONFIG = test_.kubeconfig;
  const { stdout } = await world.sluice('cluster', 'rbac', '--runner', 'argo', '--account', 'data-scientist');
  test_.apply(...parseAllDocuments(stdout).map(document => document.toJS() as object));
}, 120_000);
afterAll(() => {
  world?.remove();
  test_?.remove();
});

const metadata = { defaults: { image: 'localhost/python:sluice' } };

for (const [title, list] of stories)
  testWithPods(title, () => conform(world, list, { args: ['--runner', 'argo', '--no-cache'], metadata }), 300_000);
