// The report of `sluice check`, as JSON and as text, of an analysis written by hand: its words are a contract.
import type { Analysis } from '../src/analyze.js';
import type { Notebook } from '../src/notebook.js';
import { outlineNotebook } from '../src/outline.js';
import { describePlace } from '../src/place.js';
import { printCheck, printDiagnostics, reportCheck, reportUnreadable } from '../src/report.js';
import { toStepSettings } from '../src/step.js';

const sources = ['n = 3', 'df = n', 'more = 1', 'x = 1\n\ty = dff + df', 'z'];
const notebook: Notebook = {
  metadata: {},
  cells: sources.map((source, index) => ({ index, type: 'code', source, tags: [] }))
};
const settings = toStepSettings({}, {});
const cell = (index: number): { index: number; source: string; isMetrics: boolean } => ({
  index,
  source: sources[index]!,
  isMetrics: false
});
const bundle = { artifact: 'df', names: ['df', 'more'] };

const analysis: Analysis = {
  outline: outlineNotebook(notebook),
  pipeline: {
    name: 'p',
    description: '',
    workspace: {},
    parameters: [{ name: 'n', type: 'integer', default: 3, isNullable: false, range: { cell: 0, from: 0, to: 1 } }],
    steps: [
      { name: 'load', cells: [cell(1), cell(2)], after: [], parameters: ['n'], setup: [], outputs: [bundle], settings },
      {
        name: 'train',
        cells: [cell(3)],
        after: ['load'],
        parameters: [],
        setup: [
          { kind: 'source', range: { cell: 0, from: 0, to: 5 }, source: 'import a' },
          { kind: 'value', from: 'load', bundle }
        ],
        outputs: [],
        settings
      },
      { name: 'last', cells: [cell(4)], after: ['load', 'train'], parameters: [], setup: [], outputs: [], settings }
    ],
    flows: [
      {
        name: 'df',
        from: 'load',
        to: 'train',
        kind: 'value',
        certainty: 'possible',
        reason: {
          range: { cell: 3, from: 17, to: 19 },
          origin: { cell: 1, from: 0, to: 2 },
          isChanged: true,
          through: ['f'],
          text: 'train reads df in cell 4 line 2, through f.'
        }
      }
    ],
    diagnostics: [
      {
        code: 'undefined-name',
        severity: 'error',
        message: 'Step ‘train’ reads ‘dff’.',
        range: { cell: 3, from: 11, to: 14 }
      },
      { code: 'language', severity: 'warning', message: 'Hm.' }
    ]
  },
  stale: [],
  imports: [],
  starModules: []
};

test('the report has what DESIGN §7 promises', () => {
  expect(reportCheck(analysis, notebook)).toEqual({
    pipeline: 'p',
    parameters: [{ name: 'n', type: 'integer', default: 3 }],
    steps: [
      { name: 'load', cells: [1, 2], after: [], inputs: [], outputs: ['df', 'more'] },
      { name: 'train', cells: [3], after: ['load'], inputs: ['df', 'more'], outputs: [] },
      { name: 'last', cells: [4], after: ['load', 'train'], inputs: [], outputs: [] }
    ],
    flows: [
      {
        name: 'df',
        from: 'load',
        to: 'train',
        kind: 'value',
        certainty: 'possible',
        reason: {
          cell: 3,
          line: 2,
          column: 12,
          text: 'train reads df in cell 4 line 2, through f.',
          through: ['f'],
          origin: { cell: 1, line: 1, column: 1 }
        }
      }
    ],
    diagnostics: [
      { code: 'undefined-name', severity: 'error', message: 'Step ‘train’ reads ‘dff’.', cell: 3, line: 2, column: 6 },
      { code: 'language', severity: 'warning', message: 'Hm.', cell: null, line: null, column: null }
    ]
  });
});

test('a notebook that cannot be read has a report, too', () => {
  const report = reportUnreadable([{ code: 'notebook-not-json', severity: 'error', message: 'No.' }]);
  expect(report).toMatchObject({ pipeline: null, steps: [], diagnostics: [{ code: 'notebook-not-json', cell: null }] });
});

test('the text shows steps with reasons, then what is wrong at its place', () => {
  expect(printCheck(analysis, notebook)).toBe(`p: 3 steps, 1 parameter

  n: integer = 3

load (cells 2–3) → df, more

train (cell 4) ← df, more
  value from load (possible): train reads df in cell 4 line 2, through f. Changed last in cell 2 line 1.

last (cell 5)
  after load
  after train

error [undefined-name] in cell 4, line 2: Step ‘train’ reads ‘dff’.
  2 | \ty = dff + df
      \t    ^^^

warning [language]: Hm.
`);
});

test('colours are there only when asked for', () => {
  expect(printCheck(analysis, notebook)).not.toContain('\u001b');
  expect(printCheck(analysis, notebook, { colors: true })).toContain('\u001b[31merror\u001b[0m');
});

test('no diagnostics print nothing', () => expect(printDiagnostics([], notebook)).toBe(''));

test('a place is told as people count', () => {
  expect(describePlace({ cell: 3, from: 8, to: 9 }, notebook)).toBe('cell 4, line 2');
});
