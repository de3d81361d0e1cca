// A run is reduced from its events; each case is a list of events and what of the summary they come to.
import type { RunEventBody, RunSummary } from '../src/protocol.js';
import { reduceRun, startRun } from '../src/run.js';

const start = startRun({
  id: 'r1',
  number: 3,
  pipeline: 'p',
  notebook: 'p.ipynb',
  runner: 'local',
  createdAt: 1000,
  parameters: { n: 1 },
  steps: ['a', 'b']
});

/** The n-th event happens at 1000 + 100 n. */
const after = (...events: RunEventBody[]): RunSummary =>
  events.reduce((summary, event, i) => reduceRun(summary, { ...event, seq: i + 1, at: 1100 + i * 100 }), start);

const started: RunEventBody = { type: 'run-started', run: 'r1', steps: ['a', 'b'] };
const step = (name: string, state: string, more: object = {}): RunEventBody =>
  ({ type: 'step', step: name, state, ...more }) as RunEventBody;
const ended = (state: string, more: object = {}): RunEventBody =>
  ({ type: 'run-ended', run: 'r1', state, metrics: {}, ...more }) as RunEventBody;

test('nothing has happened', () => {
  expect(start).toEqual({
    id: 'r1',
    number: 3,
    pipeline: 'p',
    notebook: 'p.ipynb',
    runner: 'local',
    state: 'pending',
    createdAt: 1000,
    parameters: { n: 1 },
    steps: [
      { name: 'a', state: 'pending' },
      { name: 'b', state: 'pending' }
    ],
    metrics: {}
  });
});

const failure = { name: 'ValueError', message: 'no', cell: 4, line: 2 };

test.each<[string, RunEventBody[], object]>([
  ['a run starts', [started], { state: 'running' }],
  ['a step runs', [started, step('a', 'running')], { a: { name: 'a', state: 'running', startedAt: 1200 } }],
  [
    'a step succeeds',
    [started, step('a', 'running'), step('a', 'succeeded', { durationMs: 42 })],
    { a: { name: 'a', state: 'succeeded', startedAt: 1200, durationMs: 42 } }
  ],
  [
    'a step’s duration is measured where it is not told',
    [started, step('a', 'running'), step('a', 'succeeded')],
    { a: { name: 'a', state: 'succeeded', startedAt: 1200, durationMs: 100 } }
  ],
  [
    'a step comes from cache',
    [step('a', 'cached', { reason: 'Run 2' })],
    { a: { name: 'a', state: 'cached', reason: 'Run 2' } }
  ],
  [
    'a cell runs',
    [step('a', 'running'), { type: 'cell', step: 'a', cell: 4, state: 'running' }],
    { a: { name: 'a', state: 'running', startedAt: 1100, cell: 4 } }
  ],
  [
    'a cell ends',
    [
      step('a', 'running'),
      { type: 'cell', step: 'a', cell: 4, state: 'running' },
      { type: 'cell', step: 'a', cell: 4, state: 'succeeded' }
    ],
    { a: { name: 'a', state: 'running', startedAt: 1100, cellsDone: 1 } }
  ],
  [
    'a step fails in its cell',
    [
      step('a', 'running'),
      { type: 'cell', step: 'a', cell: 4, state: 'running' },
      { type: 'cell', step: 'a', cell: 4, state: 'failed' },
      step('a', 'failed', { error: 'ValueError: no', failure, durationMs: 7 })
    ],
    { a: { name: 'a', state: 'failed', startedAt: 1100, durationMs: 7, cell: 4, error: 'ValueError: no', failure } }
  ],
  [
    'a failed step is tried again',
    [step('a', 'running'), step('a', 'failed', { error: 'E', failure }), step('a', 'running')],
    { a: { name: 'a', state: 'running', startedAt: 1300 } }
  ],
  [
    'metrics are gathered',
    [
      { type: 'metric', step: 'a', name: 'acc', value: 0.5 },
      { type: 'metric', step: 'b', name: 'acc', value: 0.7 },
      { type: 'metric', step: 'b', name: 'n', value: 'x' }
    ],
    { metrics: { acc: 0.7, n: 'x' } }
  ],
  [
    'a run succeeds',
    [started, ended('succeeded', { metrics: { z: 1 } })],
    { state: 'succeeded', endedAt: 1200, metrics: { z: 1 } }
  ],
  [
    'a run fails and skips what waits',
    [started, step('a', 'failed'), ended('failed', { reason: 'Step ‘a’ failed.' })],
    { state: 'failed', reason: 'Step ‘a’ failed.', b: { name: 'b', state: 'skipped', reason: 'Step ‘a’ failed.' } }
  ],
  [
    'a canceled run cancels all that has not ended',
    [started, step('a', 'running'), ended('canceled', { reason: 'You canceled it.' })],
    {
      a: { name: 'a', state: 'canceled', startedAt: 1200, durationMs: 100, reason: 'You canceled it.' },
      b: { name: 'b', state: 'canceled', reason: 'You canceled it.' }
    }
  ],
  [
    'a run that dies fails the step at work',
    [started, step('a', 'running'), ended('failed')],
    {
      a: {
        name: 'a',
        state: 'failed',
        startedAt: 1200,
        durationMs: 100,
        reason: 'The run ended.',
        error: 'The run ended.'
      }
    }
  ],
  ['a step that nobody named before', [step('c', 'running')], { c: { name: 'c', state: 'running', startedAt: 1100 } }]
])('%s', (_, events, expected) => {
  const summary = after(...events);
  const byName = Object.fromEntries(summary.steps.map(step => [step.name, step]));
  for (const [key, value] of Object.entries(expected))
    expect(key in byName ? byName[key] : summary[key as keyof RunSummary]).toEqual(value);
});

test.each<RunEventBody>([
  { type: 'log', step: 'a', stream: 'stdout', text: 'x' },
  { type: 'output', step: 'a', cell: 0, output: { output_type: 'stream' } },
  { type: 'artifact', step: 'a', artifact: { name: 'x', kind: 'file', path: 'x', sizeBytes: 1 } }
])('$type changes nothing in the summary', event => expect(after(event)).toBe(start));

test('reducing does not change what it was given', () => {
  const before = JSON.stringify(start);
  after(started, step('a', 'running'), ended('succeeded'));
  expect(JSON.stringify(start)).toBe(before);
});
