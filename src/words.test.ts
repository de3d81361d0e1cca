// How runs are put into words.
import { nullTranslator } from '@jupyterlab/translation';
import type { RunSummary, StepRun, StepUsage, WorkspaceRecord } from '@sluice/core';
import {
  compareMetric,
  describeFailure,
  describeStepRun,
  describeUsage,
  describeWorkspace,
  formatMoment,
  resumableRun,
  summarizeRun
} from './words';

const trans = nullTranslator.load('jupyterlab_sluice');

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
  ['cached', { name: 'a', state: 'cached', startedAt: 1_000, durationMs: 3 }, 'cached'],
  ['skipped', { name: 'a', state: 'skipped' }, 'skipped']
])('a step: %s', (_, run, words) => expect(describeStepRun(run, 13_000, trans)).toBe(words));

test.each<[string, StepUsage, string]>([
  [
    'all of it',
    { cpuMs: 2_300, peakMemoryBytes: 412e6, bytesIn: 3.1e6, bytesOut: 12e6 },
    '2.3 s of CPU · 412 MB of memory at most · 3.1 MB in · 12 MB out'
  ],
  ['no values', { cpuMs: 40, peakMemoryBytes: 60e6, bytesIn: 0, bytesOut: 0 }, '0.0 s of CPU · 60 MB of memory at most']
])('what a step used: %s', (_, usage, words) => expect(describeUsage(usage, trans)).toBe(words));

test.each<[WorkspaceRecord['how'], number, string]>([
  ['copy', 12, 'a copy of the folder (12 files, 3.2 MB, 0.4 s)'],
  ['reflink', 1, 'a clone of the folder that shares its blocks (1 file, 3.2 MB, 0.4 s)'],
  ['overlay', 2, 'a layer over the folder (2 files, 3.2 MB, 0.4 s)']
])('a workspace by %s', (how, files, words) =>
  expect(describeWorkspace({ how, files, bytes: 3.2e6, durationMs: 400 }, trans)).toBe(words)
);

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
  ['a run without metrics', { createdAt: 0, endedAt: 34_000 }, 'succeeded · 34 s'],
  ['a run from cache', { steps: [{ name: 'load', state: 'cached' }] }, 'succeeded · all cached'],
  ['a run of a part', { steps: [...run.steps, { name: 'plot', state: 'skipped' }] }, 'succeeded · 2 of 3 steps'],
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
])('%s', (_, changes, summary) => expect(summarizeRun({ ...run, ...changes }, trans)).toBe(summary));

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
