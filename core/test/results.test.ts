// What cells have shown, by the numbers that IPython counts from top to bottom: who takes what, and what the steps' shells are told. Running
// such notebooks is tests/equivalence/results.txt.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer } from '../src/analyze';
import { parser } from './python/python';
import { analyzeText, notebookOf, readCells } from './steps';

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

test.each<[string, string, readonly string[]]>([
  ['by number', '--- a\n[1]\n--- b\nOut[1]', ['_1 a→b']],
  ['by the name with the number', '--- a\n[1]\n--- b\nprint(_1)', ['_1 a→b']],
  ['the last one', '--- a\n[1]\n--- b\nprint(_)', ['_ a→b']],
  ['a constant', '--- a\n1\n--- b\nprint(_)', ['_ a→b']],
  ['None is not shown', '--- a\n1\n--- b\nNone\n--- c\nprint(_)', ['_ a→c']],
  ['the last but one, of two steps', '--- a\n[1]\n--- b\n[2]\n--- c\nprint(__, _)', ['_ a→b', '__ b→c', '_ b→c']],
  ['nobody asks', '--- a\n[1]\n--- b\n[2]\n--- c\n[3]', []]
])('%s', (_, text, flows) => {
  const { pipeline } = analyzeText(analyzer, text);
  expect(pipeline.flows.map(({ name, from, to }) => `${name} ${from}→${to}`).sort()).toEqual([...flows].sort());
  expect(pipeline.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('steps are told numbers and results only where a cell asks for a number', () => {
  const told = (text: string): unknown =>
    analyzeText(analyzer, text).pipeline.steps.map(({ cells, results }) => [cells.map(cell => cell.number), results]);
  expect(told('--- imports\nimport os\n--- a\n[1]\n--- a\n\n--- b\nOut[2]')).toEqual([
    [[2, undefined], undefined],
    [[3], ['_2']]
  ]);
  expect(told('--- a\n[1]\n--- b\nprint(_)')).toEqual([
    [[undefined], undefined],
    [[undefined], ['_']]
  ]);
  expect(told('--- a\nx = [1]\nx\n--- b\nprint(x)')).toEqual([
    [[undefined], undefined],
    [[undefined], undefined]
  ]);
});

test('numbers follow an edit', () => {
  const cells = readCells('--- a\n[1]\n--- b\nprint(Out[1])');
  const codes = (list: typeof cells): string[] =>
    analyzer
      .analyze(notebookOf(list))
      .pipeline.diagnostics.filter(({ severity }) => severity === 'error')
      .map(({ code }) => code);
  expect(codes(cells)).toEqual([]);
  expect(codes([{ tags: ['step:z'], source: 'y = 1' }, ...cells])).toEqual(['session-history']);
  expect(codes([{ tags: ['step:z'], source: '' }, ...cells])).toEqual([]);
  expect(codes([{ tags: ['skip'], source: '1' }, ...cells])).toEqual(['session-history']);
  expect(codes(cells)).toEqual([]);
});

test.each<[string, string, RegExp]>([
  [
    'a number of a cell that shows nothing',
    '--- a\nx = 1\n--- b\nOut[1]',
    /^‘Out\[1\]’ is what the cell of that number shows/
  ],
  [
    'a number below a skipped cell',
    '--- skip\n1\n--- a\n[1]\n--- b\n_1',
    /^‘_1’ counts the cells that have run, .* ‘skip’/
  ],
  ['all of them', '--- a\n[1]\n--- b\nlen(Out)', /^‘Out’ is what this session has run/],
  ['what was run', '--- a\n[1]\n--- b\nprint(_i1)', /^‘_i1’ is what this session has run/]
])('%s is refused', (_, text, message) => {
  const [problem, ...others] = analyzeText(analyzer, text).pipeline.diagnostics;
  expect(problem).toMatchObject({
    code: 'session-history',
    severity: 'error',
    message: expect.stringMatching(message) as string
  });
  expect(others).toEqual([]);
});
