// What stands on the screen: a terminal of 40 columns, to which the live progress of a run is written.
import { reduceRun, startRun, type RunEventBody, type RunSummary } from '@sluice/core';
import { makeProgress, painter, printEnd } from '../src/terminal';
import { formatDuration, formatMetric } from '../src/words';

/** Keeps lines as a terminal would, for the few sequences that we write. */
class Screen {
  readonly isTTY = true;
  readonly columns = 40;
  readonly rows = 10;
  private lines = [''];
  private row = 0;

  write(text: string): boolean {
    // eslint-disable-next-line no-control-regex
    for (const [part, sequence] of text.matchAll(/\u001b\[(\d*[A-Z]|[\d;]*m)|\n|[^\u001b\n]+/g)) {
      if (part === '\n') this.lines[++this.row] ??= '';
      else if (sequence?.endsWith('A')) this.row -= Number(sequence.slice(0, -1));
      else if (sequence?.endsWith('J')) this.lines = [...this.lines.slice(0, this.row), ''];
      else if (sequence === undefined) this.lines[this.row] += part;
    }
    return true;
  }

  get text(): string {
    return this.lines.join('\n');
  }
}

let summary: RunSummary;
let seq: number;
beforeEach(() => {
  seq = 0;
  summary = startRun({
    ...{ id: 'r', number: 4, pipeline: 'p', runner: 'local', createdAt: 1000, parameters: {} },
    steps: ['load', 'train', 'judge']
  });
});

function apply(body: RunEventBody) {
  const event = { ...body, seq: ++seq, at: 1000 + seq * 100 };
  summary = reduceRun(summary, event);
  return event;
}

test('each step has one line, which changes; what steps print goes by above', () => {
  const screen = new Screen();
  const progress = makeProgress(
    screen,
    painter(true),
    new Map([
      ['train', ['load']],
      ['judge', ['load', 'train']]
    ])
  );
  const show = (body: RunEventBody) => progress.show(apply(body), summary);
  show({ type: 'run-started', run: 'r', steps: ['load', 'train', 'judge'] });
  show({ type: 'step', step: 'load', state: 'running' });
  show({ type: 'log', step: 'load', stream: 'stdout', text: 'one\nhal' });
  show({ type: 'log', step: 'load', stream: 'stdout', text: 'f\n 10%\r 99%\n\u001b[2Kup\u001b[A\n' });
  expect(screen.text.replace(/ {2}[\d.]+ (s|min|h).*/, '')).toBe(
    [
      ...['  load │ one', '  load │ half', '  load │  99%', '  load │ up'],
      ...['  ◐ load ', '  ○ train  waits for load', '  ○ judge  waits for load, train', '']
    ].join('\n')
  );
  show({ type: 'step', step: 'load', state: 'succeeded', durationMs: 400 });
  show({
    type: 'step',
    step: 'train',
    state: 'failed',
    durationMs: 1200,
    error: 'ValueError: a message that is longer than the screen'
  });
  show({ type: 'step', step: 'judge', state: 'skipped', reason: 'Needs ‘train’.' });
  progress.dispose();
  progress.dispose();
  expect(screen.text).toBe(
    [
      ...['  load │ one', '  load │ half', '  load │  99%', '  load │ up'],
      ...['  ✓ load   0.4 s', '  ✗ train  failed  1.2 s  ValueError: a', '  – judge  skipped  Needs ‘train’.', '']
    ].join('\n')
  );
});

test('a screen that is too low shows the first steps', () => {
  const screen = new Screen();
  const steps = Array.from({ length: 20 }, (_, i) => `s${i}`);
  const progress = makeProgress(screen, painter(false), new Map());
  progress.show(apply({ type: 'run-started', run: 'r', steps }), summary);
  progress.show(apply({ type: 'step', step: 's0', state: 'running' }), summary);
  progress.dispose();
  expect(screen.text.trimEnd().split('\n')).toHaveLength(8);
  expect(screen.text).toContain('  … and 16 more\n');
});

test('the end has a table, the metrics, what failed and the outcome', () => {
  apply({ type: 'run-started', run: 'r', steps: ['load', 'train', 'judge'] });
  apply({ type: 'step', step: 'load', state: 'succeeded', durationMs: 400 });
  apply({ type: 'metric', step: 'load', name: 'rows', value: 150 });
  apply({
    type: 'step',
    step: 'train',
    state: 'failed',
    durationMs: 1200,
    error: 'E: x (cell 3, line 2)',
    failure: { name: 'E', message: 'x', cell: 2, line: 2, traceback: ['\u001b[31mE\u001b[0m: x'] }
  });
  apply({ type: 'run-ended', run: 'r', state: 'failed', reason: 'Step ‘train’ failed.', metrics: { rows: 150 } });
  expect(printEnd(summary, [{ step: 'load', name: 'rows', value: 150 }], painter(false))).toBe(`
step   state      duration  metrics
load   succeeded  0.4 s     rows 150
train  failed     1.2 s
judge  skipped

metrics
  rows  150

Step ‘train’ failed, cell 3, line 2:
  E: x

Run 4 (r) failed in 0.5 s: Step ‘train’ failed.
`);
});

test('a duration that is not known is empty', () => expect(formatDuration(undefined)).toBe(''));

test('a long metric is cut', () => expect(formatMetric('a'.repeat(70))).toBe(`${'a'.repeat(59)}…`));
