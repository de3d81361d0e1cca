// kaniko itself in a pod of the cluster: it takes its base from a registry, pip in it takes a package from an index, and a run on Argo takes the
// image by its digest. Steps with an image of their own install what it lacks, once for all of them, on the run's volume.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { indexArguments, makeContext } from '../../server/src/images/dockerfile.js';
import { buildWithKaniko } from '../../server/src/images/kaniko.js';
import { digestOf } from '../../server/test/registry.js';
import { makeNotebook, World } from '../../server/test/world.js';
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

const executor = 'localhost/kaniko:sluice';

/** Of a package that the index lacks. */
function buildLacking(): Promise<string> {
  const needs = { python: '3.11', requirements: ['nowhere==1.0'], constraints: ['nowhere==1.0'], modules: {}, missing: [], problems: [] };
  const args = indexArguments(world.env);
  return buildWithKaniko(makeContext(needs, base), `${mirror.registryHost}/team/lacking:1`, { cluster: test_.cluster, executor, args });
}

testWithKaniko('kaniko bakes the notebook’s packages; a run takes the image by its digest, and installs once a run for steps with another', async () => {
  const show = 'print("has", cloudpickle.__version__, cloudpickle.__file__)';
  const other = { image: base, env: { PIP_INDEX_URL: world.env.PIP_INDEX_URL, PIP_TRUSTED_HOST: world.env.PIP_TRUSTED_HOST } };
  const cells = ['imports | import cloudpickle', ...['baked', 'first', 'second'].map(step => `step:${step} | ${show}`)];
  world.write('nb.ipynb', JSON.stringify(makeNotebook(cells, 'python3', { sluice: { steps: { first: other, second: other } } })));
  const args = ['--tool', 'kaniko', '--executor', executor, '--base', base, '--name', `${mirror.registryHost}/team/nb`, '--json'];
  const [built] = await Promise.all([
    world.sluice('image', 'build', 'nb.ipynb', ...args),
    expect(buildLacking()).rejects.toThrow(
      /^The image ‘.*team\/lacking:1’ could not be built in the cluster: ERROR: Could not find a version that satisfies the requirement nowhere==1\.0 /
    )
  ]);
  expect([built.status, built.stderr]).toEqual([0, expect.stringContaining('Successfully installed cloudpickle-')]);
  const [{ image, digest, hash }] = built.events as [Record<string, string>];
  const { bytes } = mirror.registry.manifests.get(`team/nb:sluice-${hash}`)!;
  expect([image, digestOf(bytes)]).toEqual([`${mirror.registryHost}/team/nb:sluice-${hash}`, digest]);
  expect(mirror.asked.splice(0).sort()).toEqual(['/simple/cloudpickle/', '/simple/nowhere/', expect.stringMatching(/^\/wheels\/cloudpickle-.*\.whl$/)]);
  expect(test_.names('jobs,configmaps').filter(name => name.startsWith('sluice'))).toEqual([]);

  const run = await world.sluice('run', 'nb.ipynb', '--runner', 'argo', '--json');
  expect([run.status, run.status === 0 ? '' : run.stdout]).toEqual([0, '']);
  const found = ['baked', 'first', 'second'].map(step => run.events.find(e => e.type === 'log' && e.step === step)?.text);
  expect(found[0]).toMatch(/^has \d[\d.]+ \/usr\/local\/lib\/python3\.\d+\/dist-packages\/cloudpickle\//);
  expect(found[1]).toMatch(/^has \d[\d.]+ \/.*\/[0-9a-f]{16}\/cloudpickle\//);
  expect(found[2]).toBe(found[1]);
  const images = test_.kubectl('get', 'workflows', '-o', 'jsonpath={.items[*].spec.templates[*].container.image}');
  expect(images.split(' ')).toContain(`${mirror.registryHost}/team/nb@${digest}`);
  expect(mirror.asked.filter(path => path.endsWith('.whl'))).toHaveLength(1);
}, 300_000);
