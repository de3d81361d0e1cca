// The pipeline is held to the notebook by running both; where inference is misled on purpose, the first difference is named.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Difference, Verification } from '@sluice/core';
import { World } from './world';

jest.setTimeout(120_000);

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

async function verify(...cells: string[]): Promise<{ readonly status: number; readonly result: Verification }> {
  world.write('a.ipynb', cells);
  const { status, stdout, stderr } = await world.sluice('verify', 'a.ipynb', '--json');
  if (stdout === '') throw new Error(stderr);
  return { status, result: JSON.parse(stdout) as Verification };
}

const unsteady = ({ steps }: Verification) => steps.flatMap(step => step.unsteady.map(({ name }) => name));

describe('the pipeline does what the notebook does', () => {
  test('in an untidy notebook, and its run is kept like any other', async () => {
    world.write('a.ipynb', readFileSync(join(__dirname, '../../examples/untidy.ipynb'), 'utf8'));
    const { status, stdout } = await world.sluice('verify', 'a.ipynb');
    expect(stdout).toMatch(/✓ clean: 5 values, no outputs equal\n/);
    expect(stdout).toContain('The pipeline does what the notebook does');
    expect(status).toBe(0);
    expect((await world.sluice('runs')).stdout).toContain('succeeded');
    expect(readdirSync(join(world.folder, '.sluice')).filter(name => name.startsWith('verify-'))).toEqual([]);
  });

  test('with parameters, functions, skipped cells, sets, files and the folder’s path', async () => {
    const { status, result } = await verify(
      'imports | import os, pathlib',
      'parameters | n = 3',
      'functions | def double(x): return 2 * x',
      'step:load | xs = {f"key{i}" for i in range(n)}\nprint(xs, os.getcwd())\nhere = pathlib.Path.cwd() / "out.txt"',
      'skip | xs.clear()',
      'step:write | here.write_text(str(double(n)))\nlog = [object()]\nlog',
      'pipeline-metrics | n'
    );
    expect(result).toMatchObject({ outcome: 'same', first: null });
    expect(result.steps.map(step => [step.name, step.state, step.values])).toEqual([
      ['load', 'same', 2],
      ['write', 'same', 1]
    ]);
    expect(status).toBe(0);
  });
});

describe('what differs first is named', () => {
  const cases: [string, string[], Partial<Difference>, string[]][] = [
    [
      'a computed text that changes what another step has',
      [
        'step:a | rate = 1\nbase = 10',
        'step:b | exec("".join(["ra", "te = 2"]))',
        'step:c | total = base * rate\nprint(total)'
      ],
      { step: 'c', kind: 'printed', notebook: '20', pipeline: '10' },
      ['Step ‘a’ gives it ‘rate’ as 1, the notebook has 2; in the notebook step ‘b’ changed it last.']
    ],
    [
      'a list that only the garbage collector leads to',
      [
        'step:a | xs = ["mine"]',
        'step:b | import gc\nfor found in gc.get_objects():\n    if type(found) is list and found[:1] == ["mine"]: found.append(1)\ndel found',
        'step:c | total = len(xs)'
      ],
      { step: 'c', kind: 'value', name: 'total', notebook: '2', pipeline: '1' },
      []
    ]
  ];
  test.each(cases)('%s', async (_, cells, expected, hints) => {
    const { status, result } = await verify(...cells);
    expect(result.first).toMatchObject(expected);
    expect(result.steps.find(step => step.name === expected.step)!.hints).toEqual(expect.arrayContaining(hints));
    expect(result.outcome).toBe('different');
    expect(status).toBe(1);
  });

  test('what is random without a seed is named, and not held against the pipeline', async () => {
    const { status, result } = await verify(
      'step:a | import random\ndraw = random.random()',
      'step:b | half = draw / 2\nfixed = 5'
    );
    expect(unsteady(result)).toEqual(['draw', 'half']);
    expect(result).toMatchObject({ outcome: 'same', first: null });
    expect(status).toBe(0);
  });
});

test('a notebook that fails must fail alike', async () => {
  const { status, result } = await verify('step:a | x = 1', 'step:b | print(x)\n1 / 0', 'step:c | y = x');
  expect(result.outcome).toBe('failed');
  expect(result.steps.map(step => step.state)).toEqual(['same', 'failed', 'unreached']);
  expect(status).toBe(1);
});

test('an invalid notebook is explained, with exit status 2', async () => {
  world.write('a.ipynb', ['x = 1']);
  const { status, stderr } = await world.sluice('verify', 'a.ipynb');
  expect([status, stderr]).toEqual([2, expect.stringContaining('no steps')]);
});
