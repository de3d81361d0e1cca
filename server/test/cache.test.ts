// What a step's outcome depends on, one line a thing: a change of it, and which steps are executed then and why. And the other way round:
// what changes nothing. Through the whole command line.
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '@sluice/core';
import { Runners } from '../src/runners/runners';
import { Service } from '../src/service';
import { Store } from '../src/store';
import { install, makeNotebook, World } from './world';

jest.setTimeout(120_000);

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

/** Run it, and show the run that came of it. */
async function run(...argv: string[]): Promise<RunSummary> {
  await world.sluice('run', 'a.ipynb', ...argv);
  return JSON.parse((await world.sluice('runs', 'show', 'last', '--json')).stdout);
}

/** `cached`, or why not; of the steps that were executed without a reason, their state. */
const told = ({ steps }: RunSummary) =>
  Object.fromEntries(steps.map(({ name, state, uncached }) => [name, uncached ?? state]));

const cached = 'cached';

describe('a step is executed when what it depends on has changed', () => {
  const cells = [
    'pipeline-parameters | n = 2',
    'step:load | rows = open("rows.txt").read().split()',
    'step:count | def twice(x): return x * 2\ntotal = twice(len(rows)) * n',
    'step:help | import helper\nhelped = helper.value',
    'step:list | import glob\nfound = len(glob.glob("data/*"))',
    'step:ask | import os, pathlib\nasked = [pathlib.Path("late.txt").exists(), os.path.getsize("rows.txt"), os.environ.get("MODE")]',
    'step:try | try:\n    import extra\nexcept ImportError:\n    extra = None',
    'step:c | import ctypes\ntry:\n    ctypes.CDLL("./lib.so")\nexcept OSError:\n    pass',
    'step:end | print(total, helped, found)'
  ];
  const all = {
    load: cached,
    c: cached,
    count: cached,
    help: cached,
    list: cached,
    ask: cached,
    try: cached,
    end: cached
  };
  const write = (cells: readonly string[]) => world.write('a.ipynb', cells);
  const edit = (from: string, to: string) => write(cells.map(cell => cell.replace(from, to)));

  test.each<[change: string, make: () => unknown, argv: string[], expected: object]>([
    ['nothing', () => undefined, [], {}],
    ['a cell put above', () => write(['skip | draft = 1', ...cells]), [], {}],
    ['a file that nobody reads', () => world.write('other.txt', 'x'), [], {}],
    ['a file written again, the same', () => world.write('rows.txt', 'a b c'), [], {}],
    [
      'a source, which gives the same value',
      () => edit('split()', 'split(None)'),
      [],
      { load: 'Since run 1: its source changed.' }
    ],
    ['a function', () => edit('x * 2', 'x + x + 0'), [], { count: 'Since run 1: its source changed.' }],
    [
      'a parameter',
      () => undefined,
      ['-p', 'n=5'],
      { count: 'Since run 1: ‘n’ is 5, was 2.', end: 'Since run 1: ‘total’ of step ‘count’ changed.' }
    ],
    [
      'a file, and with it a value',
      () => world.write('rows.txt', 'a b c d'),
      [],
      {
        load: 'Since run 1: ‘rows.txt’ changed.',
        ask: 'Since run 1: ‘rows.txt’ changed.',
        count: 'Since run 1: ‘rows’ of step ‘load’ changed.',
        end: 'Since run 1: ‘total’ of step ‘count’ changed.'
      }
    ],
    [
      'a module beside the notebook',
      () => world.write('helper.py', 'value = 2'),
      [],
      { help: 'Since run 1: ‘helper.py’ changed.', end: 'Since run 1: ‘helped’ of step ‘help’ changed.' }
    ],
    [
      'a file that it finds by its name',
      () => world.write('data/two.csv', ''),
      [],
      { list: 'Since run 1: there are other files in ‘data’.', end: 'Since run 1: ‘found’ of step ‘list’ changed.' }
    ],
    ['a file that it asks for', () => world.write('late.txt', ''), [], { ask: 'Since run 1: ‘late.txt’ is new.' }],
    ['a module that was not there', () => world.write('extra.py', ''), [], { try: 'Since run 1: ‘extra.py’ is new.' }],
    ['a library of C', () => world.write('lib.so', 'x'), [], { c: 'Since run 1: ‘lib.so’ is new.' }],
    [
      'an environment variable that its code reads',
      () => (world.env.MODE = 'fast'),
      [],
      { ask: 'Since run 1: the environment variable ‘MODE’ changed.' }
    ],
    ['an environment variable that nobody reads', () => (world.env.OTHER = 'fast'), [], {}],
    [
      'cache turned off for all',
      () => undefined,
      ['--no-cache'],
      Object.fromEntries(Object.keys(all).map(step => [step, 'The run was started without cache.']))
    ]
  ])('%s', async (_, make, argv, expected) => {
    world.write('rows.txt', 'a b c');
    world.write('helper.py', 'value = 1');
    world.write('data/one.csv', '');
    write(cells);
    expect(told(await run())).toMatchObject({ load: 'succeeded', end: 'succeeded' });
    make();
    const second = await run(...argv);
    expect(second.state).toBe('succeeded');
    expect(told(second)).toEqual({ ...all, ...expected });
  });
});

/** Steps that the panel says would come from cache. */
async function findFresh(): Promise<string[]> {
  const store = new Store(join(world.folder, '.sluice'));
  const runner = new Runners({ store, env: world.env, ...install });
  try {
    const service = new Service({ install, store, runner, root: world.folder, env: world.env });
    const steps = await service.freshness({ notebook: 'a.ipynb' });
    return steps.filter(({ state }) => state === 'fresh').map(({ step }) => step);
  } finally {
    store.close();
  }
}

test.each<[what: string, cells: readonly string[], change: (before: RunSummary) => unknown, expected: object]>([
  [
    'a step that failed is executed again, and its friends are not',
    ['step:a | x = 1', 'step:b | open("missing.txt").read() + str(x)'],
    () => world.write('missing.txt', ''),
    { a: cached, b: 'It failed in run 1.' }
  ],
  [
    'a step whose settings turn the cache off',
    ['step:a,cache:disabled | x = 1', 'step:b | y = x'],
    () => undefined,
    { a: 'Its settings turn the cache off.', b: cached }
  ],
  [
    'a step that follows one without taking anything that can be seen from it',
    ['step:a,cache:disabled | import this', 'step:b,prev:a | y = 1'],
    () => undefined,
    { a: 'Its settings turn the cache off.', b: 'Since run 1: step ‘a’ before it ran again.' }
  ],
  [
    'a step that follows one whose file it reads',
    ['step:a,cache:disabled | open("a.txt", "w").write("1")', 'step:b | open("a.txt").read()'],
    () => undefined,
    { a: 'Its settings turn the cache off.', b: cached }
  ],
  [
    'a step that only borrows an import or a function of one',
    ['step:a,cache:disabled | import math\ndef f(): return math.pi', 'step:b | x = f()'],
    () => undefined,
    { a: 'Its settings turn the cache off.', b: cached }
  ],
  [
    'a file that a later step has written over counts as each step left it',
    [
      'step:a | open("a.txt", "w").write("1")',
      'step:b | open("a.txt", "a").write("2")',
      'step:c,cache:disabled | print(open("a.txt").read())'
    ],
    () => undefined,
    { a: cached, b: cached, c: 'Its settings turn the cache off.' }
  ],
  [
    'a file that was not there',
    ['step:a | import os\ntry: x = open("late.txt").read()\nexcept OSError: x = 0'],
    () => world.write('late.txt', ''),
    { a: 'Since run 1: ‘late.txt’ is new.' }
  ],
  [
    'a file that is gone',
    ['step:a | import os\nx = [open(f).read() for f in ["rows.txt"] if os.path.exists(f)]'],
    () => rmSync(join(world.folder, 'rows.txt')),
    { a: 'Since run 1: ‘rows.txt’ is gone.' }
  ],
  [
    'a file that the step itself changes counts as it was before',
    ['step:a | open("rows.txt", "a").write("d")', 'step:b | print(open("rows.txt").read())'],
    () => undefined,
    { a: cached, b: cached }
  ],
  [
    'another program may read any file',
    ['step:a | !cat rows.txt', 'step:b | x = 1'],
    () => world.write('unseen.txt', ''),
    { a: 'Since run 1: files changed, and it uses subprocess.Popen, which may read any of them.', b: cached }
  ],
  [
    'another program, and no file changed',
    ['step:a | !cat rows.txt > copy.txt', 'step:b,prev:a | print(open("copy.txt").read())'],
    () => undefined,
    { a: cached, b: cached }
  ],
  [
    'what a step gave is damaged',
    ['step:a | x = [1, 2, 3]', 'step:b | y = sum(x)'],
    ({ id }) => truncateSync(join(world.folder, '.sluice/runs', id, 'steps/a/x'), 100),
    { a: 'What it gave in run 1 is gone or damaged.', b: cached }
  ],
  [
    'a file that a step wrote is damaged, and the snapshot after the step has it',
    ['step:a | open("a.txt", "w").write("1")', 'step:b | print(open("a.txt").read())'],
    ({ id }) => appendFileSync(join(world.folder, '.sluice/runs', id, 'workspace/a.txt'), '2'),
    { a: cached, b: cached }
  ],
  [
    'a random state that travels is a value like others',
    ['step:a | import random\nrandom.seed(open("rows.txt").read())', 'step:b | x = random.random()'],
    () => world.write('rows.txt', 'other'),
    { a: 'Since run 1: ‘rows.txt’ changed.', b: 'Since run 1: the state of random of step ‘a’ changed.' }
  ],
  [
    'a file that a step beside writes is no base, where a step may have seen it',
    [
      'step:a | open(str(len("abc")) + ".txt", "w").write("1")', // a name that nobody finds in its source
      ...Object.entries({
        'step:reads': 'print(open(name).read())',
        'step:lists': 'print(os.listdir("."))',
        'step:calls': '!cat rows.txt',
        'step:looks-elsewhere': 'print(os.listdir("data"), open("rows.txt").read())',
        'step:waits,prev:a': 'print(open(name).read(), os.listdir("."))\n!cat rows.txt'
      }).map(
        ([tags, source]) =>
          `${tags} | import os, posix, time\nname = str(len("abc")) + ".txt"\nwhile not posix.access(name, 0): time.sleep(0.02)\n${source}`
      )
    ],
    () => undefined,
    {
      ...{ a: cached, waits: cached, 'looks-elsewhere': cached },
      reads: 'Since run 1: ‘3.txt’ is of a step that it does not wait for.',
      lists: 'Since run 1: ‘3.txt’ is of a step that it does not wait for.',
      calls: expect.stringMatching(/of a step that it does not wait for|and other steps that ran then wrote files/)
    }
  ]
])('%s', async (_, cells, change, expected) => {
  world.write('rows.txt', 'a b c');
  world.write('data/one.csv', '');
  world.write('a.ipynb', cells);
  change(await run());
  const fresh = await findFresh();
  const second = told(await run());
  expect(second).toEqual(expected);
  // what is promised is kept; that what a step gave is damaged shows when it is read
  for (const step of fresh) expect([step, second[step]]).toEqual([step, expect.stringMatching(/^cached$|damaged/)]);
});

test('another version of a package, and another package', async () => {
  world.env.PYTHONPATH = join(world.folder, 'packages');
  world.write('packages/rides-1.0.dist-info/METADATA', '');
  world.write('a.ipynb', ['step:a | x = 1']);
  await run();
  expect(told(await run())).toEqual({ a: cached });
  renameSync(join(world.folder, 'packages/rides-1.0.dist-info'), join(world.folder, 'packages/rides-1.1.dist-info'));
  expect(told(await run())).toEqual({ a: 'Since run 1: rides is 1.1, was 1.0.' });
  world.write('packages/Other_Tool-2.dist-info/METADATA', '');
  expect(told(await run())).toEqual({ a: 'Since run 3: other-tool is new.' });
});

test('an environment variable of the settings', async () => {
  const write = (value: string) =>
    world.write(
      'a.ipynb',
      JSON.stringify(
        makeNotebook(['step:a | x = 1'], 'python3', { sluice: { steps: { a: { env: { MODE: value } } } } })
      )
    );
  write('fast');
  await run();
  write('slow');
  expect(told(await run())).toEqual({ a: 'Since run 1: the environment variable ‘MODE’ changed.' });
});

test('a run from cache shows and holds what the run before it did', async () => {
  const cells = (end: string) => [
    'step:make | import pathlib\npathlib.Path("out/deep").mkdir(parents=True)\nopen("out/deep/a.txt", "w").write("made")\nopen("gone.txt")\nimport os\nos.remove("gone.txt")\nprint("making")\nm = 42\nm',
    'pipeline-metrics | m',
    `step:use | print(open("out/deep/a.txt").read(), os.path.exists("gone.txt")${end})`
  ];
  world.write('gone.txt', '');
  world.write('a.ipynb', cells(''));
  const first = await run();
  expect(told(first)).toEqual({ make: 'succeeded', use: 'succeeded' });
  world.write('a.ipynb', ['skip | draft', ...cells(', 1')]);
  const second = await run();
  expect(told(second)).toEqual({ make: cached, use: 'Since run 1: its source changed.' });
  expect(second.steps[0]!.reason).toBe('Unchanged since run 1.');
  expect(second.metrics).toEqual({ m: 42 });
  const logs = (await world.sluice('runs', 'logs', 'last')).stdout;
  expect(logs).toBe('── make\nmaking\n── use\nmade False 1\n');
  const path = join(world.folder, '.sluice/runs', second.id, 'steps/make/sluice_notebook');
  const notebook = JSON.parse(readFileSync(path, 'utf8'));
  const made = notebook.cells.find((cell: { metadata: object }) => 'sluice' in cell.metadata);
  expect(made.metadata.sluice.index).toBe(1);
  expect(JSON.stringify(made.outputs)).toMatch(/making.*42/);
  // the third takes from the second what that took from the first
  rmSync(join(world.folder, '.sluice/runs', first.id), { recursive: true });
  expect(told(await run())).toEqual({ make: cached, use: cached });
});

test('a step is not taken for one of the same name with other arrays whose sums are the same', async () => {
  const cells = (order: string) => [
    `step:make | import numpy\nx = numpy.eye(1024, dtype="int64")\nx[[0, 1]] = x[[${order}]]`,
    'step:use | print(int(x[0, 0]))'
  ];
  world.write('a.ipynb', cells('0, 1'));
  await run();
  world.write('a.ipynb', cells('1, 0'));
  expect(told(await run())).toMatchObject({ use: 'Since run 1: ‘x’ of step ‘make’ changed.' });
  world.write('a.ipynb', cells('1, 0 '));
  expect(told(await run())).toMatchObject({ make: 'Since run 2: its source changed.', use: cached });
});

describe('a past run', () => {
  const cells = [
    'step:load | x = open("rows.txt").read()\nopen("kept.txt", "w").write(x)',
    'step:fail | y = 1 / 0\nz = x',
    'step:end | print(z + open("kept.txt").read())'
  ];
  const mended = cells.map(cell => cell.replace('1 / 0', '1'));

  test('is continued from the step that failed, with the files that were written before it', async () => {
    world.write('rows.txt', 'a');
    world.write('a.ipynb', cells);
    expect((await run()).state).toBe('failed');
    world.write('a.ipynb', mended);
    const second = await run('--resume', '1', '--no-cache');
    expect(second.steps.map(({ state }) => state)).toEqual(['cached', 'succeeded', 'succeeded']);
    expect((await world.sluice('runs', 'logs', 'last', 'end')).stdout).toBe('aa\n');
  });

  test('gives nothing that rests on files that have changed since', async () => {
    world.write('rows.txt', 'a');
    world.write('a.ipynb', cells);
    await run();
    world.write('rows.txt', 'b');
    world.write('a.ipynb', mended);
    expect(told(await run('--resume', '1'))).toMatchObject({ load: 'Since run 1: ‘rows.txt’ changed.' });
    expect((await world.sluice('runs', 'logs', 'last', 'end')).stdout).toBe('bb\n');
  });

  test('gives one step what it had, whatever has changed since', async () => {
    world.write('rows.txt', 'a');
    world.write('a.ipynb', mended);
    await run();
    world.write('rows.txt', 'b');
    await run();
    const third = await run('--step', 'end', '--resume', '1');
    expect(told(third)).toEqual({ load: cached, fail: cached, end: 'It was chosen to run.' });
    expect((await world.sluice('runs', 'logs', 'last', 'end')).stdout).toBe('aa\n');
  });
});
