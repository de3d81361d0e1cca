// Two runs side by side.
import { compareRuns } from '../src/compare.js';
import { startRun } from '../src/run.js';
import type { RunSummary } from '../src/protocol.js';

const run: RunSummary = startRun({
  id: 'a',
  number: 1,
  pipeline: 'p',
  runner: 'local',
  createdAt: 0,
  parameters: {},
  steps: ['load', 'fit']
});
const [load, fit] = run.steps;

test.each<[string, Partial<RunSummary>, Partial<RunSummary>, object]>([
  [
    'parameters as JSON, missing ones as null',
    { parameters: { rate: 0.1, name: 'a' } },
    { parameters: { rate: 0.2, depth: null } },
    {
      parameters: [
        { name: 'rate', values: ['0.1', '0.2'] },
        { name: 'name', values: ['"a"', null] },
        { name: 'depth', values: [null, 'null'] }
      ]
    }
  ],
  [
    'metrics in few digits',
    { metrics: { auc: 0.123456 } },
    { metrics: { auc: 0.9 } },
    { metrics: [{ name: 'auc', values: ['0.1235', '0.9'] }] }
  ],
  [
    'metrics in full where few digits hide what differs',
    { metrics: { auc: 0.123456 } },
    { metrics: { auc: 0.123457 } },
    { metrics: [{ name: 'auc', values: ['0.123456', '0.123457'] }] }
  ],
  [
    'steps with state and time',
    { steps: [{ ...load!, state: 'cached' }] },
    { steps: [{ ...load!, state: 'succeeded', durationMs: 1200 }, fit!] },
    {
      steps: [
        { name: 'load', values: ['cached', 'succeeded 1.2 s'] },
        { name: 'fit', values: [null, 'pending'] }
      ]
    }
  ]
])('%s', (_, a, b, expected) => expect(compareRuns({ ...run, ...a }, { ...run, ...b })).toMatchObject(expected));
