// How runs are put into words.
import type { RunSummary, StepRun } from '@sluice/core';
import {
  compareMetric,
  describeFailure,
  describeStepRun,
  formatDuration,
  formatMetric,
  formatMoment,
  lastLine,
  resumableRun,
  summarizeRun
} from './words';

test.each([
  [0, '0.0 s'],
  [400, '0.4 s'],
  [9_940, '9.9 s'],
  [12_400, '12 s'],
  [59_600, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [7_620_000, '2 h 07 min']
])('%d ms take %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

test.each([
  [0.9649122807, '0.9649'],
  [12, '12'],
  [1234.5678, '1235'],
  [0.00001234, '1.234e-5'],
  [2_500_000.5, '2.500e+6'],
  [Number.NaN, 'NaN'],
  ['good', 'good'],
  [true, 'true']
])('the metric %p reads %s', (value, text) => expect(formatMetric(value)).toBe(text));

test.each([
  ['a number that grew', 0.83, 0.82, { direction: 'up', text: '0.01' }],
  ['a number that fell', 1, 3, { direction: 'down', text: '2' }],
  ['a number that stayed', 5, 5, { direction: 'same', text: '=' }],
  ['nothing before', 5, undefined, undefined],
  ['a text', 'a', 'b', undefined]
])('%s', (_, value, before, delta) => expect(compareMetric(value, before)).toEqual(delta));

test.each<[string, StepRun | undefined, string]>([
  ['no run', undefined, 'not run'],
  ['running', { name: 'a', state: 'running', startedAt: 1_000 }, 'running · 12 s'],
  ['succeeded', { name: 'a', state: 'succeeded', startedAt: 1_000, durationMs: 1_200 }, 'succeeded · 1.2 s'],
  ['skipped', { name: 'a', state: 'skipped' }, 'skipped']
])('a step: %s', (_, run, words) => expect(describeStepRun(run, 13_000)).toBe(words));

const run: RunSummary = {
  id: 'r',
  number: 1,
  pipeline: 'p',
  runner: 'local',
  state: 'succeeded',
  createdAt: 0,
  parameters: {},
  steps: [
    { name: 'load', state: 'succeeded' },
    { name: 'train', state: 'succeeded' }
  ],
  metrics: {}
};

test.each<[string, Partial<RunSummary>, string]>([
  ['a run with metrics', { metrics: { table: { a: 1 }, accuracy: 0.83 } }, 'accuracy 0.83'],
  ['a run without metrics', {}, 'succeeded'],
  [
    'a run under way',
    { state: 'running', steps: [run.steps[0]!, { name: 'train', state: 'running' }] },
    '1 of 2 steps'
  ],
  [
    'a failed run',
    { state: 'failed', steps: [{ name: 'train', state: 'failed', error: "KeyError: 'Age'" }] },
    "train: KeyError: 'Age'"
  ],
  ['a canceled run', { state: 'canceled', reason: 'Canceled by the user.' }, 'Canceled by the user.']
])('%s', (_, changes, summary) => expect(summarizeRun({ ...run, ...changes })).toBe(summary));

test.each<[string, readonly RunSummary['state'][], number | undefined]>([
  ['the newest failed', ['failed', 'failed'], 0],
  ['it was canceled', ['canceled', 'succeeded'], 0],
  ['one is under way', ['running', 'failed'], 1],
  ['a part succeeded since', ['skipped', 'failed'], 1],
  ['the whole succeeded since', ['succeeded', 'failed'], undefined],
  ['none yet', [], undefined]
])('the run to resume, when %s', (_, states, index) => {
  // a run that succeeded though a step was skipped is the run of a part
  const runs = states.map((state): RunSummary =>
    state === 'skipped'
      ? { ...run, state: 'succeeded', steps: [{ name: 'load', state: 'skipped' }] }
      : { ...run, state }
  );
  expect(resumableRun(runs)).toBe(index === undefined ? undefined : runs[index]);
});

test.each([
  ['the last line', 'one\ntwo\n', 'two'],
  ['an overwritten progress bar', ' 10%\r 50%\r 99%', '99%'],
  ['terminal colours', '\u001b[31mred\u001b[0m\r\n', 'red'],
  ['nothing', '\n\n', '']
])('%s', (_, log, line) => expect(lastLine(log)).toBe(line));

test.each([
  ['an exception has its class before its message', 'KeyError', "'df'", "KeyError: 'df'"],
  ['an exception without a message is its class', 'MemoryError', '', 'MemoryError'],
  ['a code of ours is left out', 'interrupted', 'interrupted: it ended.', 'interrupted: it ended.'],
  ['so is one of two words', 'exit-status', 'The process ended.', 'The process ended.']
])('%s', (_, name, message, text) => expect(describeFailure({ name, message })).toBe(text));

test('a moment of today is a clock, an older one has its day', () => {
  const at = new Date(2026, 0, 5, 9, 7).getTime();
  expect(formatMoment(at, new Date(2026, 0, 5, 23, 0))).toBe('09:07');
  expect(formatMoment(at, new Date(2026, 0, 6, 0, 1))).toBe('2026-01-05 09:07');
});
