// What `from module import *` binds: read from a module's source, told by whoever could look into it, or unknown; and what then travels.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer } from '../src/analyze';
import { planLoad } from '../src/load';
import { findExports, type StarNames } from '../src/python/stars';
import { parseCell } from '../src/python/parse';
import { parser } from './python/python';
import { notebookOf, readCells } from './steps';

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

const exportsOf = async (source: string, isPackage = false): Promise<unknown> =>
  findExports(parseCell(await parser(), source), { isPackage });

test.each<[string, string, readonly string[] | undefined]>([
  [
    'names that it binds',
    'import os\ndef f(): pass\nclass A: pass\nx: int = 1\nfor i in []: pass',
    ['os', 'f', 'A', 'x', 'i']
  ],
  ['names with an underscore stay inside', '_a = 1\n__b = 2\nc = 3', ['c']],
  ['names of functions stay inside', 'def f():\n  inner = 1', ['f']],
  ['a name that is deleted', 'a = b = 1\ndel a', ['b']],
  ['a name that is deleted and bound again', 'a = 1\ndel a\na = 2', ['a']],
  ['either branch', 'try:\n  import fast as impl\nexcept ImportError:\n  impl = None', ['impl']],
  ['a list', '__all__ = ["f", "_g"]\ndef f(): pass\ndef h(): pass', ['f', '_g']],
  ['a tuple with a type', '__all__: tuple = ("f",)', ['f']],
  [
    'a list that grows',
    '__all__ = ["a"]\n__all__ += ["b"]\n__all__.append("c")\n__all__.extend(("d",))',
    ['a', 'b', 'c', 'd']
  ],
  ['lists put together', '__all__ = ["a"] + [*("b", "c")]', ['a', 'b', 'c']],
  ['the last list counts', '__all__ = ["a"]\n__all__ = ["b"]', ['b']],
  ['a list that is made by running', '__all__ = [n for n in dir()]', undefined],
  ['a list that grows by what another module says', '__all__ = ["a"]\n__all__ += other.__all__', undefined],
  ['a list that is changed in a way that is not read', '__all__ = ["a"]\n__all__.remove("a")', undefined],
  ['a list on some path', 'if x:\n  __all__ = ["a"]', undefined],
  ['broken source', 'def f(:\n  pass', undefined]
])('a module gives %s', async (_, source, names) =>
  expect(await exportsOf(source)).toEqual(names && { names, modules: [] })
);

test('a module gives what it has from others, and a package its submodules', async () => {
  expect(await exportsOf('from .parts import x\nfrom math import *', true)).toEqual({
    names: ['x', 'parts'],
    modules: ['math']
  });
  expect(await exportsOf('__all__ = ["x"]\nfrom math import *')).toEqual({ names: ['x'], modules: [] });
});

const math: StarNames = new Map([['math', ['sqrt', 'pow', 'e']]]);
const both: StarNames = new Map([...math, ['config', ['rate', 'settings']]]);

/** `name from→to kind`, with `?` where it is possible only. */
function flowsOf(text: string, names?: StarNames): string[] {
  const { pipeline } = analyzer.analyze(notebookOf(readCells(text)), names);
  return pipeline.flows.map(
    ({ name, from, to, kind, certainty }) => `${name} ${from}→${to} ${kind}${certainty === 'certain' ? '' : '?'}`
  );
}

test.each<[string, string, StarNames | undefined, readonly string[]]>([
  ['a name of a known module', '--- a\nfrom math import *\n--- b\nsqrt(4)', math, ['sqrt a→b import']],
  ['a name that it does not have', '--- a\nfrom math import *\n--- b\nsqrd(4)', math, []],
  ['a builtin that it does not hide', '--- a\nfrom math import *\n--- b\nprint(1)', math, []],
  ['a builtin that it hides', '--- a\nfrom math import *\n--- b\npow(2, 3)', math, ['pow a→b import']],
  ['a value that it replaces', '--- a\ne = 1\n--- b\nfrom math import *\n--- c\nprint(e)', math, ['e b→c import']],
  ['a value that replaces it', '--- a\nfrom math import *\n--- b\ne = 1\n--- c\nprint(e)', math, ['e b→c value']],
  [
    'the later of two modules',
    '--- a\nfrom math import *\n--- b\nfrom config import *\n--- c\nrate + e',
    both,
    ['rate b→c import', 'e a→c import']
  ],
  [
    'through a function',
    '--- a\nfrom math import *\ndef f(): return sqrt(4)\n--- b\nf()',
    math,
    ['f a→b definition', 'sqrt a→b import']
  ],
  ['in an imports cell, every step has it', '--- imports\nfrom math import *\n--- b\nsqrt(4)', math, []],
  [
    'in a try',
    '--- a\ntry:\n  from math import *\nexcept ImportError:\n  pass\n--- b\nsqrt(4)',
    math,
    ['sqrt a→b import']
  ],
  ['a name of an unknown module', '--- a\nfrom m import *\n--- b\nsqrt(4)', undefined, ['sqrt a→b import?']],
  [
    'two unknown modules',
    '--- a\nfrom m import *\nfrom n import *\n--- b\nf()',
    undefined,
    ['f a→b import?', 'f a→b import?']
  ],
  [
    'a builtin that an unknown module may hide',
    '--- a\nfrom m import *\n--- b\nprint(1)',
    undefined,
    ['* a→b import?']
  ],
  [
    'a value that it may replace',
    '--- a\nx = 1\nfrom m import *\n--- b\nx',
    undefined,
    ['x a→b value', '* a→b import?']
  ],
  ['a value that surely replaces it', '--- a\nfrom m import *\nx = 1\n--- b\nx', undefined, ['x a→b value']]
])('%s', (_, text, names, expected) => expect(flowsOf(text, names)).toEqual(expected));

test.each<[string, StarNames | undefined, RegExp]>([
  [
    'what is known',
    math,
    /^‘from math import \*’ binds 3 names that the source does not show, Python’s own ‘pow’ among them: /
  ],
  ['what is unknown', undefined, /nobody could look into ‘math’/]
])('the diagnostic says %s', (_, names, message) => {
  const { pipeline, starModules } = analyzer.analyze(notebookOf(readCells('--- a\nfrom math import *')), names);
  expect(starModules).toEqual(['math']);
  expect(pipeline.diagnostics).toMatchObject([
    { code: 'star-import', message: expect.stringMatching(message) as string }
  ]);
});

test('the setup of a step imports all again, in the order of the notebook', () => {
  const { pipeline } = analyzer.analyze(notebookOf(readCells('--- a\nx = 1\nfrom m import *\n--- b\nprint(x)')));
  expect(pipeline.steps[1]!.setup.map(item => (item.kind === 'source' ? item.source : item.bundle.names))).toEqual([
    ['x'],
    'from m import *'
  ]);
});

test('who goes on from after a step has what it imported', () => {
  const notebook = notebookOf(readCells('--- a\nfrom m import *\nx = 1\n--- b\nx'));
  const { setup, names } = planLoad(analyzer, notebook, 'a')!;
  expect(setup.map(item => item.kind === 'source' && item.source)).toContain('from m import *');
  expect(names).toEqual(['x']);
});
