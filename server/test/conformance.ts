// What every runner does alike: one list of stories, each a notebook or two that are run in the same folder, with the states, logs, metrics,
// outputs and values that they must come to. Who has a runner tells how one is started; server/test/conformance.test.ts does so for this
// machine and for Kubeflow, tests/cluster/conformance.test.ts for Argo.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeNotebook, type Outcome, type World } from './world';

/** What a run came to, without what differs from one runner to the other. */
export interface Tale {
  readonly status: number;
  readonly states: Readonly<Record<string, string>>;
  /** to stdout, by step */
  readonly printed: Readonly<Record<string, string>>;
  /** to stderr, by step */
  readonly warned: Readonly<Record<string, string>>;
  /** by step that failed */
  readonly errors: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly reason: string | undefined;
  /** the types of what steps gave, by step and name */
  readonly values: Readonly<Record<string, string>>;
  /** plain texts of the results that the executed notebooks hold, by step */
  readonly results: Readonly<Record<string, readonly string[]>>;
}

interface Story {
  readonly cells: readonly string[];
  readonly args?: readonly string[];
  /** pressed when this text is printed */
  readonly interruptedAt?: string;
  readonly expected: Partial<Tale>;
}

const failing = (isCorrected: boolean) => [
  'step:load | a = [1, 2]\nprint("loading")',
  `step:train | b = sum(a)\nprint("training")\n${isCorrected ? 'b += 1' : 'raise ValueError("no data")'}`,
  'step:report | print(a, b)',
  'step:other | print("alone")',
  `step:open | import builtins\nfile = ${isCorrected ? '"closed"' : 'next(value for name, value in vars(builtins).items() if name == "open")("/dev/null")'}`,
  'step:read | print(file)',
  'step:clean,at-end | print("cleaned")'
];

export const stories: readonly (readonly [title: string, stories: readonly Story[]])[] = [
  [
    'parameters, values that share, functions, metrics and results',
    [
      {
        cells: [
          'imports | import math',
          'functions | def area(r):\n    return scale * math.pi * r ** 2',
          'pipeline-parameters | n = 3\nrate = 0.5\nname = "Maße"\nflag = False\nitems = [1, "a"]\nabout = {}\nmaybe: int = None\nother: int = None',
          'step:load | rows = list(range(n))\nalias = rows\nscale = 2\nprint(name, flag, items, about, maybe, other)',
          'step:grow | alias.append(area(1))\nprint(len(rows))',
          'step:count | count = n * 2',
          'step:report | print(rows[:2], round(rows[-1], 2), count)\nrate',
          'pipeline-metrics | print("rate", rate)\n{"rows": len(rows), "inner": {"top": round(max(rows), 3)}}'
        ],
        args: [
          ...[
            'n=4',
            'rate=1e-7',
            'name=a "b" $(HOME) $$ {{x}} é',
            'flag=true',
            'items=[2]',
            'about={"k": [1.5]}',
            'maybe=5'
          ].flatMap(value => ['-p', value])
        ],
        expected: {
          status: 0,
          states: { load: 'succeeded', grow: 'succeeded', count: 'succeeded', report: 'succeeded' },
          printed: {
            load: 'a "b" $(HOME) $$ {{x}} é True [2] {\'k\': [1.5]} 5 None\n',
            grow: '5\n',
            report: '[0, 1] 6.28 8\nrate 1e-07\n'
          },
          errors: {},
          metrics: { rate: 1e-7, rows: 5, 'inner.top': 6.283 },
          reason: undefined,
          values: {
            'load rows': 'list',
            'load alias': 'list',
            'load scale': 'int',
            'grow rows': 'list',
            'count count': 'int'
          },
          results: { load: [], grow: [], count: [], report: ['1e-07', "{'rows': 5, 'inner': {'top': 6.283}}"] }
        }
      }
    ]
  ],
  [
    'steps that fail by an exception and by a value that cannot travel, what needs them, what does not, and what runs at the end; then the run goes on from there',
    [
      {
        cells: failing(false),
        expected: {
          status: 1,
          states: {
            ...{ load: 'succeeded', train: 'failed', report: 'skipped', other: 'succeeded' },
            ...{ open: 'failed', read: 'skipped', clean: 'succeeded' }
          },
          printed: {
            load: 'loading\n',
            train: 'training\n',
            other: 'alone\n',
            clean: 'cleaned\n'
          },
          warned: {
            train: expect.stringMatching(/^Traceback [^]*\nValueError: no data\n$/) as string,
            open: expect.stringMatching(/‘file’ is an open file/) as string
          },
          errors: {
            train: 'ValueError: no data (cell 2, line 3)',
            open: expect.stringMatching(
              /^Step ‘open’ cannot give ‘file’ to later steps\. ‘file’ is an open file/
            ) as string
          },
          reason: 'Steps ‘train’ and ‘open’ failed.'
        }
      },
      {
        cells: failing(true),
        args: ['--resume', 'last'],
        expected: {
          status: 0,
          states: {
            ...{ load: 'cached', train: 'succeeded', report: 'succeeded', other: 'cached' },
            ...{ open: 'succeeded', read: 'succeeded', clean: 'succeeded' }
          },
          printed: { train: 'training\n', report: '[1, 2] 4\n', read: 'closed\n', clean: 'cleaned\n' },
          errors: {}
        }
      }
    ]
  ],
  [
    'Ctrl+C ends what runs, and nothing begins after it',
    [
      {
        cells: ['step:wait | import time\nprint("begun")\ntime.sleep(90)', 'step:after,prev:wait | print(1)'],
        interruptedAt: 'begun',
        expected: {
          status: 130,
          states: { wait: 'canceled', after: 'canceled' },
          reason: 'Canceled with Ctrl+C.'
        }
      }
    ]
  ]
];

/** How a runner is asked: what is said besides on the command line, and in the notebook's metadata. */
export interface Asking {
  readonly args: readonly string[];
  readonly metadata?: object;
}

/** Runs the stories of one title, one after the other, in the world's folder. */
export async function conform(world: World, list: readonly Story[], { args, metadata }: Asking): Promise<void> {
  for (const story of list) {
    writeFileSync(
      join(world.folder, 'nb.ipynb'),
      JSON.stringify(makeNotebook(story.cells, 'python3', metadata === undefined ? {} : { sluice: metadata }))
    );
    const { interruptedAt } = story;
    let isInterrupted = false; // a second time means to go at once
    const onStdout = (text: string) => {
      if (isInterrupted || interruptedAt === undefined || !text.includes(interruptedAt)) return;
      isInterrupted = true;
      world.interrupt();
    };
    const outcome = await world.sluiceWith({ onStdout }, 'run', 'nb.ipynb', '--json', ...args, ...(story.args ?? []));
    const tale = await tell(world, outcome);
    const keys = Object.keys(story.expected) as (keyof Tale)[];
    expect(Object.fromEntries(keys.map(key => [key, tale[key]]))).toEqual(story.expected);
  }
}

async function tell(world: World, { status, stderr, events }: Outcome): Promise<Tale> {
  if (events.length === 0) throw new Error(`It did not run: ${stderr}`);
  const states: Record<string, string> = {};
  const errors: Record<string, string> = {};
  const printed: Record<string, string> = {};
  const warned: Record<string, string> = {};
  for (const { type, step, state, error, text, stream } of events) {
    if (type === 'step') states[String(step)] = String(state);
    if (type === 'step' && error !== undefined) errors[String(step)] = String(error);
    const said = stream === 'stderr' ? warned : printed;
    if (type === 'log') said[String(step)] = (said[String(step)] ?? '') + String(text);
  }
  const { reason, metrics } = events.at(-1) as { reason?: string; metrics: Record<string, unknown> };
  const { artifacts } = JSON.parse((await world.sluice('runs', 'show', 'last', '--json')).stdout) as {
    artifacts: { step: string; name: string; path: string; variables?: { name: string; type: string }[] }[];
  };
  const values = artifacts.flatMap(({ step, variables = [] }) =>
    variables.map(({ name, type }) => [`${step} ${name}`, type])
  );
  const notebooks = artifacts.filter(({ name }) => name === 'sluice_notebook');
  const results = notebooks.map(({ step, path }) => [step, resultsIn(readFileSync(path, 'utf8'))]);
  return {
    ...{ status, states, printed, warned, errors, metrics, reason },
    values: Object.fromEntries(values),
    results: Object.fromEntries(results)
  };
}

function resultsIn(notebook: string): string[] {
  const { cells } = JSON.parse(notebook) as {
    cells: { outputs: { output_type: string; data: Record<string, string> }[] }[];
  };
  return cells
    .flatMap(({ outputs }) => outputs)
    .filter(({ output_type }) => output_type === 'execute_result')
    .map(({ data }) => data['text/plain']!);
}
