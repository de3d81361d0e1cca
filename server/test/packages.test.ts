// What a run elsewhere is given of packages, from the notebook to the container that runs a step.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { readIr } from '@sluice/core/ir/read';
import { findNeeds, imageOf, withPackages, type Needs } from '../src/packages';
import { defaultImage, Pipelines } from '../src/pipelines';
import { readPlan } from '../src/runners/plans';
import { env, install, makeNotebook, World } from './world';

jest.setTimeout(60_000);

const world = new World();
afterAll(() => world.remove());

async function compile(...cells: string[]): Promise<string> {
  const path = world.write('nb.ipynb', cells);
  const pipelines = new Pipelines(install);
  return pipelines.compile(await pipelines.read(JSON.stringify(makeNotebook(cells)), path), 'nb.ipynb');
}

const options = { env, packagesFolder: install.packagesFolder, folder: world.folder };

interface Container {
  readonly image: string;
  readonly command: readonly string[];
}

function containersOf(ir: string): Container[] {
  const { executors } = readIr(ir).pipeline.deploymentSpec as unknown as {
    executors: Record<string, { container: Container }>;
  };
  return Object.values(executors).map(({ container }) => container);
}

test('a step’s container brings what the kernel has of what its cells import, and its image is the kernel’s Python', async () => {
  world.write('helpers.py', 'LIMIT = 3\n');
  const ir = await compile(
    'imports | import helpers\nimport cloudpickle',
    'step:load | x = helpers.LIMIT',
    'step:train | print(cloudpickle.dumps(x))'
  );
  const needs = await findNeeds(await readPlan(ir), options);
  const python = execFileSync(env.SLUICE_PYTHON!, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
    encoding: 'utf8'
  }).trim();
  expect(needs).toMatchObject({ python, modules: { 'helpers.py': 'LIMIT = 3\n' }, missing: [], problems: [] });
  expect(needs.requirements).toEqual([expect.stringMatching(/^cloudpickle==\d/)]);
  const [before] = containersOf(ir);
  const containers = containersOf(await withPackages(ir, needs, options));
  expect(containers.map(({ image }) => image)).toEqual([`python:${python}`, `python:${python}`]);
  for (const { command } of containers) {
    expect(command.slice(4)).toEqual(before!.command);
    expect(JSON.parse(inflateSync(Buffer.from(command[3]!, 'base64')).toString('utf8'))).toEqual({
      python,
      requirements: needs.requirements,
      constraints: needs.constraints,
      modules: needs.modules
    });
  }
});

const none: Needs = { python: '3.11', requirements: [], constraints: [], modules: {}, missing: [], problems: [] };

test('a step that needs nothing is as it was, but for its image', async () => {
  const ir = await compile('step:load | x = 1');
  const [before] = containersOf(ir);
  const [after] = containersOf(await withPackages(ir, none, options));
  expect(after).toEqual({ ...before, image: imageOf(none) });
});

test('an image that the user names stays', async () => {
  const ir = (await compile('step:load | x = 1')).replace(defaultImage, 'registry.example.com/mine:1');
  const [after] = containersOf(await withPackages(ir, none, options));
  expect(after!.image).toBe('registry.example.com/mine:1');
});

test('modules that no command could carry are refused', async () => {
  const ir = await compile('step:load | x = 1');
  const noise = randomBytes(150_000).toString('base64');
  await expect(withPackages(ir, { ...none, modules: { 'big.py': noise } }, options)).rejects.toThrow(
    'The modules beside the notebook are too large to travel with its steps.'
  );
});

test('what can’t be had elsewhere is said before the run', async () => {
  world.write('huge.py', `x = '${'a'.repeat(1 << 20)}'\n`);
  const plan = await readPlan(await compile('step:load | import huge'));
  await expect(findNeeds(plan, options)).rejects.toMatchObject({ code: 'packages' });
});
