// Through the whole command line: notebooks that run, notebooks and commands that are broken, each with its exit status and its words.
import { existsSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeNotebook, until, World, type Outcome } from './world';

jest.setTimeout(60_000);

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

const states = ({ events }: Outcome) =>
  Object.fromEntries(events.filter(event => event.type === 'step').map(event => [event.step, event.state]));
const failureOf = ({ events }: Outcome, step: string) =>
  events.find(event => event.type === 'step' && event.step === step && event.state === 'failed')?.error;
const last = ({ events }: Outcome) => events.at(-1)!;

describe('a run', () => {
  const notebook = [
    'parameters | n = 3',
    'step:load | xs = list(range(n))\nprint("loaded", n)',
    'step:square | squares = [x * x for x in xs]',
    'step:negate | negated = [-x for x in xs]',
    'step:total | total = sum(squares) + sum(negated)',
    'pipeline-metrics | total'
  ];

  test('prints its events one a line, with the fields that programs rely on', async () => {
    world.write('a.ipynb', notebook);
    const outcome = await world.sluice('run', 'a.ipynb', '--json', '-p', 'n=4');
    expect(outcome.stderr).toBe('');
    expect(outcome.status).toBe(0);
    const { events } = outcome;
    const run = events[0]!.run;
    expect(events[0]).toEqual({ type: 'run-started', run, steps: ['load', 'square', 'negate', 'total'] });
    expect(events).toContainEqual({ type: 'step', step: 'load', state: 'running' });
    expect(events).toContainEqual({ type: 'step', step: 'load', state: 'succeeded', durationMs: expect.any(Number) });
    expect(events).toContainEqual({ type: 'log', step: 'load', stream: 'stdout', text: 'loaded 4\n' });
    expect(events).toContainEqual({ type: 'metric', step: 'total', name: 'total', value: 8 });
    expect(last(outcome)).toEqual({ type: 'run-ended', run, state: 'succeeded', metrics: { total: 8 } });
    expect(new Set(events.map(event => event.type))).toEqual(
      new Set(['run-started', 'step', 'log', 'metric', 'run-ended'])
    );
  });

  test('prints a line for each change, then a table and the metrics', async () => {
    world.write('a.ipynb', notebook);
    world.env.SLUICE_LAB_HINT = '1';
    const { status, stdout } = await world.sluice('run', 'a.ipynb');
    expect(status).toBe(0);
    expect(stdout).toMatch(/✓ load {2}\d/);
    expect(stdout).toMatch(/\ntotal {3}succeeded {2}[\d.]+ s {5}total 2\n/);
    expect(stdout).toMatch(/metrics\n {2}total {2}2\n/);
    expect(stdout).toMatch(/Run 1 \(\d{8}-\d{6}-\w{4}\) succeeded in [\d.]+ s\n/);
    expect(stdout).toContain('make lab NOTEBOOK=a.ipynb');
  });

  test('runs a compiled pipeline as it runs the notebook', async () => {
    world.write('a.ipynb', notebook);
    expect((await world.sluice('compile', 'a.ipynb', '-o', 'a.yaml')).status).toBe(0);
    const outcome = await world.sluice('run', 'a.yaml', '--json', '-p', 'n=4');
    expect(last(outcome)).toMatchObject({ state: 'succeeded', metrics: { total: 8 } });
  });

  test('touches nothing in the notebook’s folder, and keeps what the steps wrote', async () => {
    world.write('data/in.csv', '1,2\n');
    world.write('untouched.csv', '3\n');
    world.write('a.ipynb', ['step:a | open("data/in.csv", "a").write("x")\nopen("out.txt", "w").write("y")']);
    const before = readFileSync(join(world.folder, 'a.ipynb'), 'utf8');
    const { status } = await world.sluice('run', 'a.ipynb', '--json');
    expect(status).toBe(0);
    expect(readdirSync(world.folder).sort()).toEqual(['.sluice', 'a.ipynb', 'data', 'untouched.csv']);
    expect(readFileSync(join(world.folder, 'data/in.csv'), 'utf8')).toBe('1,2\n');
    expect(readFileSync(join(world.folder, 'a.ipynb'), 'utf8')).toBe(before);
    const [run] = readdirSync(join(world.folder, '.sluice/runs'));
    const workspace = join(world.folder, '.sluice/runs', run!, 'workspace');
    expect(readdirSync(workspace, { recursive: true }).sort()).toEqual(['data', 'data/in.csv', 'out.txt']);
    expect(readFileSync(join(workspace, 'data/in.csv'), 'utf8')).toBe('1,2\nx');
  });

  test('finds what its steps name beside the notebook’s folder', async () => {
    world.write('data/in.csv', '1,2\n');
    world.write('nb/a.ipynb', [
      'step:a | text = open("../data/in.csv").read()\nopen("../data/out.csv", "w").write(text)'
    ]);
    const outcome = await world.sluice('run', 'nb/a.ipynb', '--json');
    expect(outcome.status).toBe(0);
    expect(readdirSync(join(world.folder, 'data'))).toEqual(['in.csv']);
  });

  test('keeps its records to its owner and out of git', async () => {
    world.write('a.ipynb', ['step:a | x = 1']);
    await world.sluice('run', 'a.ipynb', '--json');
    expect(statSync(join(world.folder, '.sluice')).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(world.folder, '.sluice/.gitignore'), 'utf8')).toBe('*\n');
  });

  test('independent steps run at the same time', async () => {
    const meet = (mine: string, other: string) =>
      `import time, os\nopen("".join(["${mine}"]), "w").close()\nfor _ in range(400):\n    if os.path.exists("".join(["${other}"])): break\n    time.sleep(0.05)\nelse: raise TimeoutError("alone")`;
    world.env.SLUICE_JOBS = '2';
    world.write('a.ipynb', [`step:left | ${meet('l', 'r')}`, `step:right | ${meet('r', 'l')}`]);
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(states(outcome)).toEqual({ left: 'succeeded', right: 'succeeded' });
  });

  test('a step that waits for a core says so, and what it takes is planned with the next time', async () => {
    world.env.SLUICE_JOBS = '1';
    const go = join(world.folder, 'go');
    const left = `import os, time\nwhile not os.path.exists("".join(["${go}"])): time.sleep(0.02)`;
    world.write('a.ipynb', [`step:left | ${left}`, 'step:right | x = 1']);
    const outcome = await world.sluiceWith(
      {
        onStdout: text => {
          if (text.includes('"pending"'))
            void world.sluice('runs', 'show', 'last').then(({ stdout }) => writeFileSync(go, stdout));
        }
      },
      ...['run', 'a.ipynb', '--json']
    );
    expect(readFileSync(go, 'utf8')).toMatch(/reasons\n {2}right {2}Waits for a core: 1 step is at work on 1 core\.\n/);
    expect(outcome.events).toContainEqual({
      type: 'step',
      step: 'right',
      state: 'pending',
      reason: 'Waits for a core: 1 step is at work on 1 core.'
    });
    expect(states(outcome)).toEqual({ left: 'succeeded', right: 'succeeded' });
    Object.assign(world.env, { SLUICE_JOBS: '2', SLUICE_MEMORY: '1kB' });
    const again = await world.sluice('run', 'a.ipynb', '--no-cache');
    expect(again.stdout).toMatch(/○ right {2}pending {2}Waits for memory: it takes \d+ MB, as in its last run, and/);
    expect(again.status).toBe(0);
    world.env.SLUICE_MEMORY = 'much';
    expect(await world.sluice('run', 'a.ipynb')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('SLUICE_MEMORY is ‘much’; write a size such as ‘5GB’.')
    });
  });
});

describe('a step that goes wrong', () => {
  /** a step each, and its settings: how the record says that it ended */
  const ends: Record<string, [source: string, name: string, error: string, settings?: object]> = {
    raises: ['x = 1\n1 / 0', 'ZeroDivisionError', 'ZeroDivisionError: division by zero (cell 2, line 2)'],
    leaves: [
      'import sys\nsys.exit(3)',
      'SystemExit',
      expect.stringMatching(/^SystemExit: 3: sys\.exit\(\) ends Python, .* \(cell 3, line 2\)$/) as unknown as string
    ],
    recurses: [
      'def f(): return f()\nf()',
      'RecursionError',
      'RecursionError: maximum recursion depth exceeded (cell 4, line 1)'
    ],
    exits: [
      'import os\nos._exit(3)',
      'exit-status',
      'The step’s process ended with status 3 by os._exit or a crash in cell 5.'
    ],
    'exits-as-if-done': [
      'import os, time\ntime.sleep(1.2)\nos._exit(0)',
      'exit-status',
      'The step’s process ended with status 0 by os._exit or a crash in cell 6, before it had given its outputs.'
    ],
    killed: ['import os\nos.kill(os.getpid(), 9)', 'signal', 'The step’s process was ended by SIGKILL in cell 7.'],
    terminated: [
      'import os\nos.kill(os.getpid(), 15)',
      'interrupted',
      'The step was ended by SIGTERM before its last cell was done.'
    ],
    crashes: [
      'import ctypes\nctypes.string_at(0)',
      'signal',
      'The step’s process was ended by SIGSEGV in cell 9 (a crash in native code).'
    ],
    hangs: [
      'import time\ntime.sleep(60)',
      'timeout',
      'The step ran longer than its timeout of 4 s, in cell 10. Raise the timeout, or give the step less to do.',
      { timeout: 4 }
    ],
    fills: [
      'x = b"x" * (600 << 20)',
      'out-of-memory',
      expect.stringMatching(/^The step needed more than its memory limit of 200 MB in cell 11/) as unknown as string,
      { memory_limit: '200M' }
    ]
  };

  test('each way to end has its reason, and ends the run with 1', async () => {
    const steps = Object.entries(ends);
    const cells = ['step:first | a = 1', ...steps.map(([step, [source]]) => `step:${step} | ${source}\nprint(a)`)];
    const settings = Object.fromEntries(steps.map(([step, [, , , given = {}]]) => [step, given]));
    const metadata = { sluice: { version: 1, steps: settings } };
    const notebook = makeNotebook(
      [...cells, 'step:after,prev:raises | 1', 'step:beside | print(a)'],
      'python3',
      metadata
    );
    world.write('a.ipynb', JSON.stringify(notebook));
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(outcome.stderr).toBe('');
    const [run] = (await world.sluice('runs', 'show', 'last', '--json')).events as unknown as [
      { steps: { name: string; state: string; error?: string; failure?: { name: string } }[] }
    ];
    const told = Object.fromEntries(run.steps.map(({ name, failure, error }) => [name, [failure?.name, error]]));
    expect(told).toMatchObject(Object.fromEntries(steps.map(([step, [, name, error]]) => [step, [name, error]])));
    for (const [step, [, , error]] of steps) expect(failureOf(outcome, step)).toEqual(error);
    const failed = Object.fromEntries(steps.map(([step]) => [step, 'failed']));
    expect(states(outcome)).toEqual({ first: 'succeeded', ...failed, after: 'skipped', beside: 'succeeded' });
    const reason = 'Steps ‘raises’, ‘leaves’, ‘recurses’, ‘exits’ and 6 more failed.';
    expect(last(outcome)).toMatchObject({ type: 'run-ended', state: 'failed', reason });
    expect(outcome.status).toBe(1);
  });

  test('a kernel that goes while the run is at work', async () => {
    const python = join(world.folder, 'python');
    symlinkSync(world.env.SLUICE_PYTHON!, python);
    world.write('jupyter/kernels/brief/kernel.json', JSON.stringify({ argv: [python, '-m', 'ipykernel_launcher'] }));
    Object.assign(world.env, { JUPYTER_PATH: join(world.folder, 'jupyter'), SLUICE_WARM: '0' });
    world.write('a.ipynb', [`step:a | import os\nos.remove("${python}")`, 'step:b,prev:a | 1'], 'brief');
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(failureOf(outcome, 'b')).toBe(
      `The step’s process could not be started: the kernel’s Python ‘${python}’ is gone. Install it again, or choose another kernel for the notebook.`
    );
    expect(outcome.status).toBe(1);
  });

  test('a step at the end runs when all others have ended, however they did', async () => {
    world.write('end.ipynb', ['step:bad | 1 / 0', 'step:after,prev:bad | 1', 'step:end,at-end | print("the end")']);
    const outcome = await world.sluice('run', 'end.ipynb', '--json');
    expect(outcome.status).toBe(1);
    expect(states(outcome)).toEqual({ bad: 'failed', after: 'skipped', end: 'succeeded' });
    expect(outcome.stdout).toContain('the end');
  });

  test('a crash shows what the process said last', async () => {
    world.write('a.ipynb', ['step:a | import ctypes\nctypes.string_at(0)']);
    const { stdout } = await world.sluice('run', 'a.ipynb');
    expect(stdout).toMatch(/Step ‘a’ failed, cell 1:\n[^]*Fatal Python error: Segmentation fault/);
  });

  const withSettings = (settings: object, ...cells: string[]) =>
    world.write(
      'a.ipynb',
      JSON.stringify(makeNotebook(cells, 'python3', { sluice: { version: 1, steps: { a: settings } } }))
    );

  test('is tried again as often as its settings say', async () => {
    const count = join(world.folder, 'count');
    withSettings(
      { retries: 2 },
      `step:a | f = open("${count}", "a"); f.write("x"); f.close()\nassert len(open("${count}").read()) == 3`
    );
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(outcome.status).toBe(0);
    const running = outcome.events.filter(event => event.type === 'step' && event.state === 'running');
    expect(running).toHaveLength(3);
    expect((await world.sluice('runs', 'show', '1', '--json')).events[0]).toMatchObject({
      steps: [{ state: 'succeeded' }]
    });
  });

  test('a value that cannot be pickled names itself, its type and both steps', async () => {
    world.write('a.ipynb', [
      'step:make | import threading\ndef build(): return [threading.Lock()]\nlocks = build()',
      'step:use | print(len(locks))'
    ]);
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(outcome.status).toBe(1);
    expect(failureOf(outcome, 'make')).toMatch(/‘locks’.*lock/);
    expect(states(outcome)).toEqual({ make: 'failed', use: 'skipped' });
  });

  test('shows the last lines of the traceback and the place', async () => {
    world.write('a.ipynb', ['step:a | def f():\n    raise KeyError("gone")\nf()']);
    const { stdout } = await world.sluice('run', 'a.ipynb');
    expect(stdout).toMatch(/Step ‘a’ failed, cell 1, line [23]:\n/);
    expect(stdout).toContain("KeyError: 'gone'");
    expect(stdout).not.toContain('\u001b[');
  });

  test('its children end with it', async () => {
    world.write('a.ipynb', ['step:a | import subprocess\nprint(subprocess.Popen(["sleep", "300"]).pid)']);
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(outcome.status).toBe(0);
    const pid = String(outcome.events.find(event => event.type === 'log')!.text).trim();
    await until(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  });

  test('what a step prints is seen at once, and many lines do not take long', async () => {
    world.env.PYTHONUNBUFFERED = '1';
    world.write('a.ipynb', [
      'step:a | import time\nprint("first")\ntime.sleep(1.5)\nfor i in range(200_000): print(i)'
    ]);
    const seen: string[] = [];
    const running = world.sluiceWith({ onStdout: text => seen.push(text) }, 'run', 'a.ipynb', '--json');
    await until(() => seen.some(text => text.includes('"log"')));
    expect(seen.find(text => text.includes('"log"'))).toContain('"text":"first\\n"');
    // whoever comes later sees the same, and what follows
    const followed: string[] = [];
    const onStdout = () => followed.push(seen.some(text => text.includes('run-ended')) ? 'ended' : 'running');
    const { stdout, status } = await world.sluiceWith({ onStdout }, 'runs', 'logs', 'last', 'a', '--follow');
    expect(followed[0]).toBe('running');
    expect(stdout.split('\n')).toHaveLength(200_002);
    expect([status, (await running).status]).toEqual([0, 0]);
    expect((await world.sluice('runs', 'logs', 'last', 'a', '--tail', '2')).stdout).toBe('199998\n199999\n');
  });

  test('100 MB of print are in the log, and only their beginning and end in the events', async () => {
    world.write('a.ipynb', [
      'step:a | line = "x" * 9999 + "\\n"\nimport sys\nfor _ in range(9999): sys.stdout.write(line)\nprint("the end".rjust(9999, "."))'
    ]);
    const outcome = await world.sluice('run', 'a.ipynb', '--json');
    expect(outcome.status).toBe(0);
    const live = outcome.events.filter(event => event.type === 'log').map(event => String(event.text));
    expect(live.join('').length).toBeLessThan(300_000);
    expect(live.join('')).toMatch(
      /… there is more: the whole log is in .*a\.log\n… and ends with:\n\.{7992}the end\n$/
    );
    const [run] = readdirSync(join(world.folder, '.sluice/runs'));
    expect(statSync(join(world.folder, '.sluice/runs', run!, 'a.log')).size).toBe(100_000_000);
    const { stdout } = await world.sluice('runs', 'logs', 'last', 'a');
    expect(stdout.length).toBe(100_000_000);
  });
});

describe('a notebook or a command that is broken ends with 2 and leaves no run', () => {
  test.each<[name: string, notebook: string | readonly string[], argv: string[], said: RegExp]>([
    ['not JSON', '{oops', [], /not valid JSON/],
    ['no steps', ['x = 1'], [], /no steps/],
    ['a syntax error in one cell', ['step:a | x = (', 'step:b | y = 1'], [], /error \[.*cell 1, line 1/],
    ['a prev: to nothing', ['step:a,prev:ghost | x = 1'], [], /‘ghost’/],
    ['a cycle', ['step:a,prev:b | x = 1', 'step:b,prev:a | y = 1'], [], /error/],
    [
      'a parameter of the wrong type',
      ['parameters | n = 3', 'step:a | print(n)'],
      ['-p', 'n=many'],
      /‘n’ must be a whole number.*‘many’/
    ],
    [
      'an unknown parameter',
      ['parameters | rate = 0.1', 'step:a | print(rate)'],
      ['-p', 'rat=1'],
      /no parameter ‘rat’.*‘rate’/
    ],
    ['a parameter without a value', ['parameters | n = 3', 'step:a | print(n)'], ['-p', 'n'], /-p NAME=VALUE/],
    ['an unknown step', ['step:a | x = 1'], ['--step', 'b'], /no step ‘b’.*‘a’/],
    ['an unknown option', ['step:a | x = 1'], ['--stop', 'b'], /no option ‘--stop’\. Did you mean ‘--step’\?/],
    ['an unknown runner', ['step:a | x = 1'], ['--runner', 'kubeflw'], /runner ‘kubeflw’.*Did you mean ‘kubeflow’\?/],
    ['a run to resume that is not there', ['step:a | x = 1'], ['--resume', '7'], /no run ‘7’/]
  ])('%s', async (_, notebook, argv, said) => {
    world.write('a.ipynb', notebook);
    const { status, stdout, stderr } = await world.sluice('run', 'a.ipynb', ...argv);
    expect(stderr).toMatch(said);
    expect(stdout).toBe('');
    expect(status).toBe(2);
    expect((await world.sluice('runs', '--json')).events).toEqual([{ runs: [] }]);
  });

  test('a kernel that does not exist', async () => {
    world.write('a.ipynb', ['step:a | x = 1'], 'julia-1.10');
    const { status, stderr } = await world.sluice('run', 'a.ipynb');
    expect(stderr).toMatch(/kernel ‘julia-1.10’, which is not installed here.*ipykernel install/);
    expect(status).toBe(2);
  });

  test.each<[argv: string[], said: string | RegExp]>([
    [['check', 'b.ipynb'], 'There is no file ‘b.ipynb’.'],
    [['check', 'a'], 'There is no file ‘a’. Did you mean ‘a.ipynb’?'],
    [['check', 'link.ipynb'], '‘link.ipynb’ is a link to ‘nowhere.ipynb’, which is not there.'],
    [['check', 'a.py'], '‘a.py’ is not a notebook. Name one, which is a file that ends with .ipynb as a rule.'],
    [
      ['check', 'latin1.ipynb'],
      '‘latin1.ipynb’ is not text in UTF-8, as notebooks are. Restore the file, or save it again.'
    ],
    [['check', 'folder'], '‘folder’ is a folder. Name a notebook in it.'],
    [['compile', 'a.ipynb', '-o', 'folder'], '‘folder’ can’t be written: it is a folder. Name another file.'],
    [
      ['compile', 'a.ipynb', '-o', 'a.py/x'],
      /‘a\.py\/x’ can’t be written: ‘.*\/a\.py’ is no folder\. Name another file\./
    ]
  ])('a file that can’t be read or written: %p', async (argv, said) => {
    world.write('a.ipynb', ['step:a | x = 1']);
    world.write('a.py', 'x = 1\n');
    world.write('folder/b.ipynb', ['step:a | x = 1']);
    writeFileSync(join(world.folder, 'latin1.ipynb'), Buffer.from('{"cells": "é"}', 'latin1'));
    symlinkSync('nowhere.ipynb', join(world.folder, 'link.ipynb'));
    const { status, stderr } = await world.sluice(...argv);
    expect(stderr).toMatch(said);
    expect(status).toBe(2);
  });

  test.each([
    ['SLUICE_JOBS', 'zero', 'SLUICE_JOBS is ‘zero’; write a whole number, 1 or more.', 2],
    ['SLUICE_PROCESSES', 'two', 'SLUICE_PROCESSES is ‘two’; write a whole number, 1 or more.', 2],
    ['SLUICE_MEMORY', '1.2.3GB', 'SLUICE_MEMORY is ‘1.2.3GB’; write a size such as ‘5GB’.', 2],
    ['SLUICE_WORKSPACE_LIMIT', 'lots', 'SLUICE_WORKSPACE_LIMIT is ‘lots’; write a size such as ‘5GB’.', 2],
    [
      'SLUICE_HOME',
      'a.ipynb',
      /Records can’t be kept in ‘.*a\.ipynb’: a part of that path is a file\. Set SLUICE_HOME/,
      1
    ],
    ['SLUICE_HOME', '/proc/nope', 'Records can’t be kept in ‘/proc/nope’: it can’t be made there. Set SLUICE_HOME', 1]
  ])('the variable %s as %s', async (name, value, said, expected) => {
    world.write('a.ipynb', ['step:a | x = 1']);
    world.env[name] = value;
    const { status, stderr } = await world.sluice('run', 'a.ipynb');
    expect(stderr).toMatch(said);
    expect(status).toBe(expected);
  });

  test('commands that only look make no records', async () => {
    for (const argv of [['runs'], ['snapshots'], ['fsck'], ['gc']])
      expect((await world.sluice(...argv)).status).toBe(0);
    expect(readdirSync(world.folder)).toEqual([]);
  });

  test('IR with a misspelt key', async () => {
    world.write('a.ipynb', ['step:a | x = 1']);
    const { stdout } = await world.sluice('compile', 'a.ipynb');
    world.write('a.yaml', stdout.replace('componentRef:', 'componentReff:'));
    const { status, stderr } = await world.sluice('run', 'a.yaml');
    expect(stderr).toMatch(/unknown key ‘componentReff’/);
    expect(status).toBe(2);
  });

  test('a folder too large to copy', async () => {
    world.write('a.ipynb', ['step:a | x = 1']);
    world.write('huge.bin', 'x'.repeat(200_000));
    world.env.SLUICE_WORKSPACE_LIMIT = '100k';
    const { status, stderr } = await world.sluice('run', 'a.ipynb');
    expect(stderr).toMatch(
      /holds 200 kB in 2 files, more than the limit of 100 kB\. Largest: ‘huge.bin’ \(200 kB\).*\.sluiceignore/
    );
    expect(status).toBe(2);
    world.write('.sluiceignore', '*.bin\n');
    expect((await world.sluice('run', 'a.ipynb')).status).toBe(0);
  });
});

test('a step named twice apart is refused', async () => {
  world.write('a.ipynb', ['step:a | x = 1', 'step:b | y = 1', 'step:a | print(x)']);
  const outcome = await world.sluice('run', 'a.ipynb', '--json');
  expect(outcome.stderr).toMatch(/error \[duplicate-step\] in cell 3, line 1: Step ‘a’/);
  expect(outcome.status).toBe(2);
});

describe('parts of a pipeline', () => {
  const notebook = [
    'parameters | n = 2',
    'step:load | print("load")\nxs = [n] * 3',
    'step:left | print("left")\na = sum(xs)',
    'step:right | print("right")\nb = len(xs)',
    'step:end | c = a + b',
    'pipeline-metrics | c'
  ];
  const executed = ({ events }: Outcome) =>
    events.filter(event => event.type === 'step' && event.state === 'running').map(event => event.step);

  let shared: World;
  beforeAll(async () => {
    shared = new World();
    shared.write('a.ipynb', notebook);
    await shared.sluice('run', 'a.ipynb');
  });
  afterAll(() => shared.remove());

  const all = { load: 'cached', left: 'cached', right: 'cached', end: 'cached' };
  // beside run 1, which executed all with n = 2
  test.each<[argv: string[], ran: string[], rest: object]>([
    [['--step', 'left'], ['left'], { load: 'cached', right: 'skipped', end: 'skipped' }],
    [['--step', 'end', '--resume', '1'], ['end'], { load: 'skipped', left: 'cached', right: 'cached' }],
    [['--step', 'load', '-p', 'n=5'], ['load'], { left: 'skipped', right: 'skipped', end: 'skipped' }],
    [['--from', 'left'], ['left', 'end'], { load: 'cached', right: 'cached' }],
    [['--from', 'left', '--resume', '1', '-p', 'n=2'], ['left', 'end'], { load: 'cached', right: 'cached' }],
    [['--from', 'load', '-p', 'n=5'], ['load', 'left', 'right', 'end'], {}],
    [['--to', 'right'], [], { load: 'cached', right: 'cached', left: 'skipped', end: 'skipped' }],
    [['--to', 'right', '-p', 'n=6'], ['load', 'right'], { left: 'skipped', end: 'skipped' }],
    [['--to', 'right', '--no-cache'], ['load', 'right'], { left: 'skipped', end: 'skipped' }],
    [['--from', 'load', '--to', 'left'], ['load', 'left'], { right: 'skipped', end: 'skipped' }],
    [['--resume', '1'], [], all],
    [['--resume', '1', '--no-cache'], [], all],
    [['--resume', '1', '-p', 'n=7'], ['load', 'left', 'right', 'end'], {}],
    [['--no-cache'], ['load', 'left', 'right', 'end'], {}]
  ])('%p', async (argv, ran, rest) => {
    const outcome = await shared.sluice('run', 'a.ipynb', '--json', ...argv);
    expect(outcome.stderr).toBe('');
    expect(outcome.status).toBe(0);
    expect(executed(outcome).sort()).toEqual([...ran].sort());
    expect(states(outcome)).toMatchObject({ ...rest, ...Object.fromEntries(ran.map(step => [step, 'succeeded'])) });
  });

  test.each<[argv: string[], said: string | RegExp]>([
    [
      ['--step', 'left', '--from', 'load'],
      'Choose either one step, or a part of the pipeline by its first or last step.'
    ],
    [['--step', 'left', '--step', 'right'], '‘--step’ can be given once only.'],
    [['--from', 'right', '--to', 'left'], 'Step ‘left’ does not depend on step ‘right’: there is nothing to run.'],
    [['--step', 'lfet'], 'There is no step ‘lfet’ in this pipeline. Did you mean ‘left’?'],
    [['--step'], 'argument missing'],
    [['--step', 'left', '--resume', '99'], 'There is no run ‘99’'],
    [
      ['--step', 'end', '--resume', '1', '-p', 'n=9'],
      'The chosen steps need values of step ‘load’, which run 1 made with n = 2; now it is 9. Start from step ‘load’, or set ‘n’ to 2.'
    ],
    [['--from', 'left', '-p', 'n=9'], /need values of step ‘load’, which run \d+ made with n = \d; now it is 9\./]
  ])('refused: %p', async (argv, said) => {
    const { status, stdout, stderr } = await shared.sluice('run', 'a.ipynb', '--json', ...argv);
    expect(stderr).toMatch(said);
    expect([status, stdout]).toEqual([2, '']);
  });

  test('take a parameter as the notebook has it now, unless it was given to the run whose values they take', async () => {
    const wide = [...notebook, 'parameters | factor = 1', 'step:last | d = c * factor', 'pipeline-metrics | d'];
    world.write('a.ipynb', wide);
    await world.sluice('run', 'a.ipynb', '-p', 'n=3');
    world.write(
      'a.ipynb',
      wide.map(cell => cell.replace('factor = 1', 'factor = 10').replace('a + b', 'b + a'))
    );
    const outcome = await world.sluice('run', 'a.ipynb', '--step', 'last', '--json');
    expect(last(outcome)).toMatchObject({ state: 'succeeded', metrics: { d: 120 } });
    expect((await world.sluice('runs', 'show', 'last', '--json')).events[0]).toMatchObject({
      parameters: { n: 3, factor: 10 },
      steps: expect.arrayContaining([
        expect.objectContaining({ name: 'end', state: 'cached', reason: 'From run 1. It has changed since.' })
      ])
    });
  });

  test('take their values from a run that has them, also through a run that took them itself', async () => {
    world.write('a.ipynb', notebook);
    await world.sluice('run', 'a.ipynb', '-p', 'n=10');
    await world.sluice('run', 'a.ipynb', '--from', 'left');
    const outcome = await world.sluice('run', 'a.ipynb', '--step', 'end', '--json');
    expect(last(outcome)).toMatchObject({ state: 'succeeded', metrics: { c: 33 } });
  });

  test('say what is missing where no run has it', async () => {
    world.write('a.ipynb', notebook);
    const { status, stderr } = await world.sluice('run', 'a.ipynb', '--step', 'end');
    expect(stderr).toMatch(/need values of ‘left’, ‘right’, and no past run/);
    expect(status).toBe(2);
  });

  test('--resume goes on where the last run of this notebook failed, not of another', async () => {
    world.write('a.ipynb', [...notebook.slice(0, 3), 'step:right | b = 1 / 0', ...notebook.slice(4)]);
    world.write('other.ipynb', ['step:load | x = 1']);
    expect((await world.sluice('run', 'a.ipynb')).status).toBe(1);
    const none = await world.sluice('run', 'other.ipynb', '--resume', 'last');
    expect(none.stderr).toMatch(/There is no run of ‘other.ipynb’ yet/);
    expect((await world.sluice('run', 'other.ipynb')).status).toBe(0);
    world.write('a.ipynb', notebook);
    const outcome = await world.sluice('run', 'a.ipynb', '--resume', 'last', '--json');
    expect(executed(outcome)).toEqual(['right', 'end']);
    expect(last(outcome)).toMatchObject({ metrics: { c: 9 } });
  });
});

describe('cancel', () => {
  const slow = ['step:slow | import time\nprint("begun", flush=True)\ntime.sleep(60)', 'step:after,prev:slow | y = 1'];

  test('Ctrl+C ends the run cleanly with 130', async () => {
    world.write('a.ipynb', slow);
    const outcome = await world.sluiceWith(
      { onStdout: text => (text.includes('begun') ? world.interrupt() : undefined) },
      ...['run', 'a.ipynb', '--json']
    );
    expect(outcome.status).toBe(130);
    expect(states(outcome)).toEqual({ slow: 'canceled', after: 'canceled' });
    expect(last(outcome)).toMatchObject({ type: 'run-ended', state: 'canceled', reason: 'Canceled with Ctrl+C.' });
  });

  test('a run of another process, by its number', async () => {
    world.write('a.ipynb', slow);
    let isBegun = false;
    const running = world.sluiceWith(
      { onStdout: text => void (isBegun ||= text.includes('begun')) },
      'run',
      'a.ipynb',
      '--json'
    );
    await until(() => isBegun);
    const canceled = await world.sluice('runs', 'cancel', '1');
    expect(canceled).toMatchObject({ status: 0, stdout: 'Run 1 canceled.\n' });
    expect((await running).status).toBe(130);
    expect((await world.sluice('runs', 'cancel', '1')).stderr).toContain('has ended already: canceled');
  });
});

describe('runs', () => {
  test('are listed, shown and compared', async () => {
    world.write('a.ipynb', ['parameters | n = 3', 'step:a | print("hello"); m = n * 2', 'pipeline-metrics | m']);
    expect((await world.sluice('runs')).stdout).toMatch(/no run yet/);
    await world.sluice('run', 'a.ipynb');
    world.write('a.ipynb', ['parameters | n = 3', 'step:a | print("hello"); m = 2 * n', 'pipeline-metrics | m']);
    await world.sluice('run', 'a.ipynb', '-p', 'n=5');
    const list = (await world.sluice('runs', 'list')).stdout;
    expect(list).toMatch(/^run {2}id .*\n2 .* a\.ipynb .*succeeded .*m 10\n1 .* m 6\n$/);
    const shown = (await world.sluice('runs', 'show', 'last')).stdout;
    expect(shown).toMatch(/parameters\n {2}n = 5\n/);
    expect((await world.sluice('runs', 'show', '1', '--json')).events[0]).toMatchObject({
      number: 1,
      metrics: { m: 6 },
      notebook: 'a.ipynb'
    });
    expect((await world.sluice('runs', 'logs', '1')).stdout).toBe('── a\nhello\n');
    const diff = (await world.sluice('runs', 'diff', '1', '2')).stdout;
    expect(diff).toMatch(/ {2}n +3 +5 +\*\n/);
    expect(diff).toMatch(/ {2}m +6 +10 +\*\n/);
    const lines = '- print("hello"); m = n * 2\n+ print("hello"); m = 2 * n\n  m\n';
    expect(diff.endsWith(`\n\nstep a: the source has changed\n${lines}`)).toBe(true);
    const [json] = (await world.sluice('runs', 'diff', '1', 'last', '--json')).events;
    expect(json).toMatchObject({ parameters: [{ name: 'n', values: ['3', '5'] }], code: [{ step: 'a' }] });
  });
});

describe('help and guesses', () => {
  test.each([
    [['--version'], 0, /^sluice 0\.0\.0-test\n$/, /^$/],
    [['--help'], 0, /sluice check NOTEBOOK/, /^$/],
    [['run', '--help'], 0, /--resume RUN/, /^$/],
    [[], 2, /^$/, /sluice check NOTEBOOK/],
    [['chekc', 'a.ipynb'], 2, /^$/, /no command ‘chekc’\. Did you mean ‘check’\?/],
    [['runs', 'lsit'], 2, /^$/, /Did you mean ‘list’\?/],
    [['runs', 'diff', '1'], 2, /^$/, /Write sluice runs diff RUN RUN\./],
    [['runs', 'show', '1', '-f'], 2, /^$/, /--follow goes with logs/],
    [['runs', 'logs', '1', '--tail', 'x'], 2, /^$/, /--tail takes a number of lines instead of ‘x’/],
    [['runs', 'list', 'x'], 2, /^$/, /Write sluice runs list\./],
    [
      ['snapshots', 'remove'],
      2,
      /^$/,
      /‘sluice snapshots’ has no ‘remove’\. It has list, show, files, diff, restore\./
    ],
    [['cluster', 'snapshots', 'list', 'x'], 2, /^$/, /Write sluice cluster snapshots list\./],
    [['cluster', 'snapshot'], 2, /^$/, /‘sluice cluster’ has no ‘snapshot’\. Did you mean ‘snapshots’\?/],
    [['runs', 'show', '9'], 2, /^$/, /no run ‘9’/],
    [['check'], 2, /^$/, /NOTEBOOK is missing/],
    [['check', 'a', 'b'], 2, /^$/, /‘b’ is too much/],
    [['snapshots', 'list'], 0, /^There is no snapshot yet in /, /^$/]
  ])('sluice %p', async (argv, status, stdout, stderr) => {
    const outcome = await world.sluice(...argv);
    expect(outcome.stderr).toMatch(stderr);
    expect(outcome.stdout).toMatch(stdout);
    expect(outcome.status).toBe(status);
  });
});
