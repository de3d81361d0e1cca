// What breaks while one types keeps what it meant: the flows through a half-typed line stay, the other lines are read as
// they are, and what was never good counts for nothing.
import { makeAnalyzer } from '../src/analyze';
import type { Analysis } from '../src/analyze';
import { position } from '../src/diagnostic';
import { parser } from './python/python';
import { notebookOf } from './steps';

/** Each text in turn is the middle of three cells: `load` makes df, `use` reads y and df. */
async function type(...texts: readonly string[]): Promise<Analysis> {
  const analyzer = makeAnalyzer(await parser());
  const analyses = texts.map(source =>
    analyzer.analyze(
      notebookOf([
        { id: 'a', tags: ['step:load'], source: 'import math\ndf = [1]\nrate = 2' },
        { id: 'b', tags: ['step:work'], source },
        { id: 'c', tags: ['step:use'], source: 'print(y, df)' }
      ])
    )
  );
  return analyses.at(-1)!;
}

const flowsOf = ({ pipeline }: Analysis): string[] =>
  pipeline.flows.map(({ name, from, to }) => `${name} ${from}→${to}`).sort();

const whole = ['df load→work', 'df load→use', 'y work→use'].sort();

test.each<[string, string[], string[]]>([
  ['a line that one is typing', ['y = df[0]', 'y = df[0]\ndf.'], whole],
  ['an open parenthesis', ['y = sum(df)', 'y = sum(df', 'y = sum('], whole],
  ['an open parenthesis above good lines', ['x = 1\ny = sum(df)', 'x = max(\ny = sum(df)'], whole],
  ['a string without an end that swallows the rest', ['x = 1\ny = sum(df)', 'x = """\ny = sum(df)'], whole],
  ['a function whose body breaks', ['def f():\n    return df[0]\ny = f()', 'def f():\n    return df[\ny = f()'], whole],
  ['the line before last breaks as well', ['x = 1\ny = df[0]', 'x = (\ny = df[0]', 'x = (\ny = df['], whole],
  [
    'good lines are read as they are',
    ['y = df[0]\nz = 1', 'y = df[0]\nz = (', 'y = rate\nz = ('],
    ['df load→use', 'rate load→work', 'y work→use']
  ],
  ['a cell magic', ['%%time\ny = df[0]\nx = 1', '%%time\ny = df[0]\nx = ('], whole],
  ['a line that was deleted is gone', ['y = df[0]\nz = 1', 'z = 1', 'z = 1\nx = ('], ['df load→use']],
  [
    'a line that is good again is read',
    ['y = df[0]', 'y = df[', 'y = rate'],
    ['df load→use', 'rate load→work', 'y work→use']
  ],
  ['a cell that was never good', ['y = df['], ['df load→use']],
  ['an import and a definition stay what they are', ['import os\ny = df[0]', 'import os.\ny = df[0]'], whole]
])('%s', async (_, texts, expected) => {
  expect(flowsOf(await type(...texts))).toEqual([...expected].sort());
});

test('what is kept keeps its kind, its place and its quiet', async () => {
  const { pipeline, stale } = await type('x = 1\ny = df[0] + nothing', 'x = 1\ny = df[0] + nothing(');
  expect(stale).toEqual([{ cell: 1, from: 6, to: 26 }]);
  expect(pipeline.diagnostics).toMatchObject([
    {
      code: 'syntax-error',
      message: 'Unclosed ‘(’. Meanwhile its flows are those last read before line 2 broke.',
      range: { cell: 1, from: 25, to: 26 }
    }
  ]);
  const { range } = pipeline.flows.find(({ to, name }) => to === 'work' && name === 'df')!.reason;
  expect(position('x = 1\ny = df[0] + nothing(', range.from)).toEqual({ line: 2, column: 5 });
});

test('one reading alone knows of no better time', async () => {
  const { stale, pipeline } = await type('y = df[');
  expect(stale).toEqual([]);
  expect(pipeline.diagnostics.map(({ code }) => code)).toEqual(['syntax-error', 'undefined-name']);
});
