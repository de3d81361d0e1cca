// What an analysis says about a notebook: each flow with its reason, each problem with its place and its cure.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer } from '../src/analyze';
import { toNotebook } from '../src/notebook';
import { parser } from './python/python';
import { analyzeText, notebookOf } from './steps';

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

/** `code severity text` of each diagnostic; the text is what its range marks. */
function diagnosticsOf(text: string): string[] {
  const { pipeline } = analyzeText(analyzer, text);
  const sources = text
    .split(/^--- .*\n?/m)
    .slice(1)
    .map(source => source.replace(/\n$/, ''));
  return pipeline.diagnostics.map(({ code, severity, range }) => {
    const marked = range ? (sources[range.cell] ?? '').slice(range.from, range.to) : '';
    return `${code} ${severity} ${marked}`.trim();
  });
}

test.each([
  ['a name that nothing binds', '--- a\nprint(foo)', ['undefined-name error foo']],
  [
    'in a branch it is a warning',
    '--- a\nif a1:\n    foo\n--- b\n1',
    ['undefined-name error a1', 'undefined-name warning foo']
  ],
  ['in a function that is not called it is nothing', '--- a\ndef f():\n    foo', []],
  ['in a function that is called', '--- a\ndef f():\n    return foo\nf()', ['undefined-name error foo']],
  ['a name that a later step binds', '--- a\nprint(x)\n--- b\nx = 1', ['used-before-definition error x']],
  ['a name that only a skipped cell binds', '--- skip\nx = 1\n--- a\nprint(x)', ['used-before-definition error x']],
  ['a deleted name', '--- a\nx = 1\n--- b\ndel x\n--- c\nprint(x)', ['no-longer-defined error x']],
  ['a generator', '--- a\ng = (i for i in [1])\n--- b\nlist(g)', ['cannot-travel error g']],
  ['a file that is only used in its step', '--- a\nf = open("x", "w")\nf.close()\n--- b\n1', []],
  ['prev to a later step', '--- b prev:a\nprint(1)\n--- a\nx = 1', ['order-contradiction error']],
  ['a broken line', '--- a\nx = 1\ny = )\n--- b\nprint(x)', ['syntax-error error )']],
  ['a star import', '--- a\nfrom math import *\nprint(pi)', ['star-import info from math import *']],
  ['code in a text that is not known', '--- a\ncode = input()\neval(code)', ['opaque-code warning eval(code)']],
  ['an unknown cell magic', '--- a\n%%nothing\nx', ['opaque-code warning %%nothing']],
  [
    'a setting in the midst of other code',
    '--- a\nimport os\ndef f():\n    os.chdir("x")\n    return 1\nn = f()\n--- b\n1',
    ['ambient-state warning os.chdir("x")']
  ],
  ['a parameter that a step rebinds', '--- pipeline-parameters\nn = 1\n--- a\nn = 2', ['parameter-reassigned info n']],
  [
    'a parameter that is no literal',
    '--- pipeline-parameters\nn = f"{1}"\nm = max(1, 2)\n--- a\nprint(m)',
    ['parameter-type info n = f"{1}"', 'parameter-type info m = max(1, 2)']
  ],
  ['a builtin that a notebook rebinds', '--- a\nlist = [1]\n--- b\nprint(list)', ['shadows-builtin info list']]
])('%s', (_, text, expected) => {
  expect(diagnosticsOf(text)).toEqual(expected);
});

test('a message says what is wrong, where, and what to do', () => {
  const { pipeline } = analyzeText(analyzer, '--- a\n1\n--- b\nprint(df)');
  expect(pipeline.diagnostics[0]!.message).toBe(
    'Step ‘b’ reads ‘df’, but no earlier step defines it. Tag the cell that creates ‘df’, or make it a pipeline parameter.'
  );
});

test('a flow says through which functions the name is read', () => {
  const cells = [
    {
      tags: ['step:load'],
      source: 'scale = 2\ndef normalise(x):\n    return x * scale\ndef fit(x):\n    return normalise(x)'
    },
    { tags: ['step:train'], source: 'print(fit(1))' }
  ];
  const { flows } = analyzer.analyze(notebookOf(cells)).pipeline;
  expect(flows.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'fit definition',
    'normalise definition',
    'scale value'
  ]);
  expect(flows[2]!.reason).toMatchObject({
    text: 'train reads scale in cell 1 line 3, through fit → normalise.',
    through: ['fit', 'normalise'],
    range: { cell: 0, from: cells[0]!.source.indexOf('scale', 20), to: cells[0]!.source.indexOf('scale', 20) + 5 },
    origin: { cell: 0, from: 0, to: 5 }
  });
});

test('steps hold their cells, parameters, setup and outputs', () => {
  const { pipeline } = analyzeText(
    analyzer,
    '--- imports\nimport os\n--- pipeline-parameters\nn = 3\n--- a\nimport json\nx = [n]\ny = x\n--- b prev:a\nprint(json.dumps(y), x)\n--- pipeline-metrics\nprint(n)'
  );
  expect(pipeline.parameters).toMatchObject([{ name: 'n', type: 'integer', default: 3, isNullable: false }]);
  const [a, b] = pipeline.steps;
  expect(a).toMatchObject({ name: 'a', after: [], parameters: ['n'], outputs: [{ artifact: 'x', names: ['x', 'y'] }] });
  expect(b).toMatchObject({
    name: 'b',
    after: ['a'],
    parameters: ['n'],
    cells: [
      { index: 3, isMetrics: false },
      { index: 4, isMetrics: true }
    ],
    setup: [
      { kind: 'source', source: 'import os' },
      { kind: 'source', source: 'import json' },
      { kind: 'value', from: 'a', bundle: { artifact: 'x', names: ['x', 'y'] } }
    ],
    outputs: []
  });
});

test('independent steps stay independent', () => {
  const { pipeline } = analyzeText(
    analyzer,
    '--- a\nx = [1]\n--- b\ny = sum(x)\n--- c\nz = len(x)\n--- d\nprint(y, z)'
  );
  expect(pipeline.steps.map(({ after }) => after)).toEqual([[], ['a'], ['a'], ['b', 'c']]);
});

test('of seventy cells that were read before, only one that changed is parsed again', async () => {
  const cells = Array.from({ length: 70 }, (_, i) => ({
    tags: i % 10 === 0 ? [`step:s${i}`] : [],
    source: [
      'import pandas as pd',
      `x${i} = pd.DataFrame({'a': [${i}]})`,
      `def f${i}(v):`,
      '    for k in v:',
      `        if k > x${i}.a.sum():`,
      `            v[k] = ${i % 5 === 0 ? 'str' : `f${i - 1}`}(v)`,
      '    return v',
      `y${i} = f${i}(x${i})`,
      `x${i}['b'] = y${i}.a * 2`
    ].join('\n')
  }));
  const parse = await parser();
  const parsed: string[] = [];
  const counting = makeAnalyzer((source, log) => {
    parsed.push(source);
    return parse(source, log);
  });
  const changed = { tags: [], source: 'print(y68)' };
  const analyses = [cells, cells, [...cells.slice(0, -1), changed]].map(list => {
    parsed.length = 0;
    return { analysis: counting.analyze(notebookOf(list)), parsed: [...parsed] };
  });
  expect(analyses.map(({ parsed }) => parsed.length)).toEqual([70, 0, 1]);
  expect(analyses[2]!.parsed[0]).toContain('print(y68)');
  expect(analyses[1]!.analysis).toEqual(analyses[0]!.analysis);
});

test.each<[string, Record<string, unknown>, { tags: string[]; source: string }[], string[]]>([
  [
    'a notebook in another language is told as that alone',
    { kernelspec: { name: 'ir', language: 'R' } },
    [{ tags: ['step:a'], source: 'x <- c(1, 2)' }],
    ['language']
  ],
  [
    'a step in two places is told as that alone',
    {},
    [
      { tags: ['step:a'], source: 'x = 1' },
      { tags: ['step:b'], source: 'y = x' },
      { tags: ['step:a'], source: 'print(y)' }
    ],
    ['duplicate-step']
  ]
])('%s', (_, metadata, cells, codes) => {
  const json = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata,
    cells: cells.map(({ tags, source }) => ({ cell_type: 'code', metadata: { tags }, source }))
  };
  const { diagnostics } = analyzer.analyze(toNotebook(json).notebook!).pipeline;
  expect(diagnostics.map(({ code }) => code)).toEqual(codes);
});
