// What modules beside a notebook keep, and which of their functions have to do with it, by their source alone.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer, ModuleText } from '../src/analyze';
import { parser } from './python/python';

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

/** `m: source | pk.__init__: source` */
function sources(text: string): ReadonlyMap<string, ModuleText> {
  const parts = text.split(' | ').map(part => part.split(/: (.*)/s));
  return new Map(
    parts.map(([name, source]) => [
      name!.replace('.__init__', ''),
      { source: source!, isPackage: name !== name!.replace('.__init__', '') }
    ])
  );
}

test.each<[string, string, object, object]>([
  ['a counter', 'm: n = 0\ndef f():\n  global n\n  n += 1', { 'm.n': '' }, { 'm.f': [['m.n'], ['m.n']] }],
  [
    'a list that one function changes and another reads',
    'm: xs = []\ndef f(): xs.append(1)\ndef g(): return len(xs)\ndef h(): return 1',
    { 'm.xs': 'list' },
    { 'm.f': [['m.xs'], ['m.xs']], 'm.g': [['m.xs'], []] }
  ],
  [
    'through another function',
    'm: xs = {}\ndef f(k): xs[k] = 1\ndef g(): f(2)',
    { 'm.xs': 'dict' },
    { 'm.f': [['m.xs'], ['m.xs']], 'm.g': [['m.xs'], ['m.xs']] }
  ],
  ['a local name hides it', 'm: xs = []\ndef f(xs): xs.append(1)\ndef g():\n  xs = []\n  xs.append(1)', {}, {}],
  [
    'constants, loggers and caches of results',
    'm: import logging, functools\nlog = logging.getLogger()\nn = 3\n@functools.cache\ndef f(x):\n  log.info(x)\n  return n',
    {},
    {}
  ],
  ['a library’s settings', 'm: import numpy as np\ndef f(): np.core.x[0] = 1', {}, {}],
  [
    'what it has from another module',
    'c: options = dict(a=1) | m: from c import options\ndef f(): options.update(b=2)',
    { 'c.options': 'dict' },
    { 'm.f': [['c.options'], ['c.options']] }
  ],
  [
    'what a module of a package keeps, by its whole name',
    'pk.__init__: x = 1 | pk.base: xs = [] | m: import pk.base\ndef f(): pk.base.xs.append(1)\ntry:\n  n = 0\nexcept OSError:\n  k = []\ndef g(): k.append(2)',
    { 'm.k': 'list', 'pk.base.xs': 'list' },
    { 'm.f': [['pk.base.xs'], ['pk.base.xs']], 'm.g': [['m.k'], ['m.k']] }
  ],
  [
    'a function handed on by its package',
    'pk.__init__: from .base import f | pk.base: import random\nr = random.Random(1)\ndef f(): return r.random()',
    { 'pk.base.r': 'random.Random' },
    { 'pk.base.f': [['pk.base.r'], ['pk.base.r']], 'pk.f': [['pk.base.r'], ['pk.base.r']] }
  ],
  [
    'of a class, and of a function',
    'm: class A:\n  n = 0\n  def __init__(self):\n    A.n += 1\n    self.n = 1\ndef f(): f.calls = 1',
    { 'm.A.n': '', 'm.f.calls': '' },
    { 'm.A': [['m.A.n'], ['m.A.n']], 'm.f': [['m.f.calls'], ['m.f.calls']] }
  ]
])('%s', (_, text, kept, members) => {
  const { found } = analyzer.ownModules(sources(text));
  const plain = Object.entries(found.members).map(([name, { reads, changes }]) => [name, [reads, changes]]);
  expect([found.kept, Object.fromEntries(plain)]).toEqual([kept, members]);
});

test('where what a module keeps cannot go on, that is said in the cell', () => {
  const text =
    'm: def make():\n  n = 0\n  def tick():\n    nonlocal n\n    n += 1\n    return n\n  return tick\ntick = make()\ndef twice(): return tick() + tick()';
  const { found } = analyzer.ownModules(sources(text));
  const cells = ['import m\nx = m.tick()', 'print(x, m.twice())'];
  const notebook = {
    cells: cells.map((source, index) => ({ index, type: 'code' as const, source, tags: [`step:${'ab'[index]!}`] })),
    metadata: {}
  };
  const { diagnostics } = analyzer.analyze(notebook, undefined, found).pipeline;
  expect(diagnostics.map(({ code, severity, range }) => [code, severity, range?.cell])).toEqual([
    ['cannot-travel', 'warning', 1]
  ]);
  expect(diagnostics[0]!.message).toMatch(
    /^Step ‘b’ reads ‘m\.tick’, but that is a function that keeps something for itself/
  );
});

test('modules that they import may be beside the notebook as well', () => {
  const { more } = analyzer.ownModules(
    sources('pk.__init__: from .base import f\nfrom . import other | m: def f():\n  import pk, os.path')
  );
  expect([...more].sort()).toEqual(['os.path', 'pk.base', 'pk.base.f', 'pk.other']);
});
