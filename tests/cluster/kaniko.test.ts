// kaniko itself in a pod of the cluster: it takes its base from a registry, pip in it takes a package from an index, and a run on Argo takes the
// image by its digest.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { digestOf } from '../../server/test/registry.js';
import { World } from '../../server/test/world.js';
import { folder, hasPods, makeNamespace, type TestCluster } from './cluster.js';
import { Mirror } from './mirror.js';

const hasKaniko = hasPods && existsSync(join(folder, 'image/kaniko.tar'));
if (hasPods && !hasKaniko) console.warn('Without kaniko: cluster/build.sh says why it could not be built.');
const testWithKaniko = hasKaniko ? test : test.skip;

let test_: TestCluster;
let world: World;
let mirror: Mirror;
let base: string;
beforeAll(async () => {
  if (!hasKaniko) return;
  world = new World();
  test_ = await makeNamespace('kaniko');
  mirror = new Mirror(world.env.SLUICE_PYTHON!, 'cloudpickle');
  await mirror.start();
  base = mirror.addBase('base', 'pip');
  const env = { PIP_INDEX_URL: `http://${mirror.indexHost}/simple`, PIP_TRUSTED_HOST: mirror.indexHost.split(':')[0] };
  Object.assign(world.env, { ...env, KUBECONFIG: test_.kubeconfig });
  const roles = await world.sluice('cluster', 'rbac', '--images', '--account', 'data-scientist');
  test_.apply(...parseAllDocuments(roles.stdout).map(document => document.toJS() as object));
}, 120_000);
afterAll(async () => {
  world?.remove();
  await mirror?.stop();
  test_?.remove();
});

const build = (name: string, ...more: string[]) => {
  const kaniko = ['--tool', 'kaniko', '--executor', 'localhost/kaniko:sluice'];
  return world.sluice('image', 'build', 'nb.ipynb', ...kaniko, '--name', `${mirror.registryHost}/${name}`, '--base', base, '--json', ...more);
};

testWithKaniko('kaniko bakes the notebook’s packages, and a run takes the image by its digest and installs nothing', async () => {
  world.write('nb.ipynb', ['imports | import cloudpickle', 'step:load | print("has", cloudpickle.__version__, cloudpickle.__file__)']);
  const built = await build('team/nb');
  expect([built.status, built.stderr]).toEqual([0, expect.stringContaining('Successfully installed cloudpickle-')]);
  const [{ image, digest, hash }] = built.events as [Record<string, string>];
  const { bytes } = mirror.registry.manifests.get(`team/nb:sluice-${hash}`)!;
  expect([image, digestOf(bytes)]).toEqual([`${mirror.registryHost}/team/nb:sluice-${hash}`, digest]);
  const asked = mirror.asked.splice(0);
  expect(asked).toEqual(['/simple/cloudpickle/', expect.stringMatching(/^\/wheels\/cloudpickle-.*\.whl$/)]);

  const run = await world.sluice('run', 'nb.ipynb', '--runner', 'argo', '--json');
  expect([run.status, run.status === 0 ? '' : run.stdout]).toEqual([0, '']);
  expect(run.stdout).toMatch(/has \d[\d.]+ \/usr\/local\/lib\/python3\.\d+\/dist-packages\/cloudpickle\//);
  const images = test_.kubectl('get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[*].image}');
  expect(images.split(' ')).toContain(`${mirror.registryHost}/team/nb@${digest}`);
  expect(mirror.asked).toEqual([]);
}, 300_000);
