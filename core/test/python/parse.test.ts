// Cells to syntax trees: what each form of Python lowers to, and what is left of broken cells.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCell } from '../../src/python/parse';
import type { ParsedCell } from '../../src/python/syntax';
import { parser } from './python';
import { show } from './show';
import cases from './syntax.json';

test.each(Object.entries(cases))('Python 3.8 to 3.14 parses: %s', async (_, source) => {
  const { body, errors } = parseCell(await parser(), source);
  expect(errors).toEqual([]);
  expect(body.length).toBeGreaterThan(0);
});

test.each([
  [
    'tuples without parentheses',
    'a, b = c = 1,\nfor x, in y: pass',
    'tuple(a, b) = c = tuple(1); for tuple(x) in y: pass'
  ],
  ['stars', 'a, *b = *c, d\nf(*a, **b, k=1)', 'tuple(a, *b) = tuple(*c, d); f(*a, **b, k=1)'],
  ['stars bind last', '[*a.b, *c(), *d[0], *e + f, *g or h]', 'list(*a.b, *c(), *d[0], *(e + f), *(or g h))'],
  ['dicts', '{**a, "k": 1}\n{}\n{1}', "dict(*a, 'k', 1); dict(); set(1)"],
  [
    'subscripts',
    'a[1]\na[1, ]\na[1:2, ...]\na[*b]\na[:]',
    'a[1]; a[tuple(1)]; a[tuple((slice 1 2), ...)]; a[tuple(*b)]; a[(slice )]'
  ],
  ['chained operators', 'a and b and c or not d\na < b <= c not in d', '(or (and a b c) notd); (< <= not in a b c d)'],
  ['arithmetic', '-1 + 2 ** 3 // 4', '(-1 + ((2 ** 3) // 4))'],
  [
    'numbers',
    '0x_ff, 1_0, 1.5, 1e400, 2j, 12345678901234567890',
    'tuple(255, 10, 1.5, 1e400, 2j, 12345678901234567890)'
  ],
  [
    'conditionals and lambdas',
    'lambda a, /, b=1, *c, d, **e: a if b else c',
    '(lambda /a, b=1, *c, !d, **e: (a if b else c))'
  ],
  ['comprehensions', '[x async for x in y if a if b for z in x]', 'list(x async for x in y if a if b for z in x)'],
  ['a generator as only argument', 'f(x for x in y)', 'f(generator(x for x in y))'],
  ['walrus, await and yield', '(a := await b)\nx = yield from y\nyield', '(a := await b); x = (yield from y); (yield)'],
  [
    'strings',
    String.raw`('a\tb' "c" r'\n' '\x41\u00e9\101', b'\xff\u0041' b'', '\N{BULLET}')`,
    String.raw`tuple('a${'\t'}bc\nAéA', b'ÿ\u0041', '?')`
  ],
  [
    'annotations',
    'a: int\nb: dict[str, int] = {}\nc: A | B.c = 1',
    'a: int; b: dict[tuple(str, int)] = dict(); c: (A | B.c) = 1'
  ],
  ['augmented', 'a.b //= 1\nc[0] @= d', 'a.b //= 1; c[0] @= d'],
  ['del', 'del a, (b, [c.d, e[0]])', 'del a, b, c.d, e[0]'],
  ['raise, assert, return', 'raise a from b\nraise\nassert a, b', 'raise a from b; raise; assert a, b'],
  [
    'imports',
    'import a.b as c, d . e\nfrom ..x import (y as z, w)\nfrom . import *\nfrom __future__ import annotations',
    'import a.b as c, d.e; from ..x import y as z, w; from . import *; from __future__ import annotations'
  ],
  ['if, elif, else', 'if a: b\nelif c: d\nelse: e', 'if a: b else: if c: d else: e'],
  [
    'loops with else',
    'while a: break\nelse: b\nfor x in y:\n  continue\nelse:\n  z',
    'while a: break else: b; for x in y: continue else: z'
  ],
  [
    'try',
    'try: a\nexcept* (B, C) as e: d\nexcept D: x\nelse: f\nfinally: g',
    'try: a except tuple(B, C) as e: d except D: x else: f finally: g'
  ],
  ['except without parentheses', 'try: a\nexcept A, B: pass', 'try: a except tuple(A, B): pass'],
  [
    'with',
    'with a as b, c: pass\nwith (a as (b, d), c as e.f,): pass\nwith (a, b): pass\nwith (a, b) as c: pass',
    'with a as b, c: pass; with a as tuple(b, d), c as e.f: pass; with a, b: pass; with tuple(a, b) as c: pass'
  ],
  [
    'match',
    "match a, b:\n  case A(x, k=B.c) | None if d: pass\n  case {'k': v, **r}: pass\n  case [1, *_, (n as m)]: pass\n  case _: pass",
    'match tuple(a, b): case reads(A, B.c) captures(x) if d: pass case reads() captures(v, r): pass case reads() captures(n, m): pass case reads() captures() always: pass'
  ],
  [
    'soft keywords',
    'match = case = type = 1\nmatch[0]\ntype(x).y = _\nprint(match)',
    'match = case = type = 1; match[0]; type(x).y = _; print(match)'
  ],
  [
    'functions',
    '@a.b(1)\nasync def f(x: int, *, y: str = "") -> None: pass',
    "@a.b(1) async def f(x: int, !y: str=''): pass".replace('): pass', ') -> None: pass')
  ],
  [
    'classes',
    '@d\nclass A[T: int = str, *Ts, **P](B, metaclass=M, **k): x = 1',
    '@d class A[T: int = str, Ts, P](B, metaclass=M, **k): x = 1'
  ],
  ['type aliases', 'type X[T = int] = list[T]', 'type X[T = int] = list[T]'],
  ['f-strings', "f'{a!r:>{w}} {{b}} {c=}' 'd' rf'\\n{e}'", "f[a w ' {b} ' c 'd' '\\n' e]"],
  ['nested quotes', "f'{d['k']} {f'{x}'}'", "f[d['k'] ' ' f[x]]"],
  ['t-strings', "t'{a}' rt'{b}'", 'f[a b]'],
  ['semicolons hide a value', 'a; b\nc;', 'a (quiet); b; c (quiet)'],
  [
    'names that begin as keywords do',
    'forêt = défi = 1\nelse_ = iffy\nf(\nimporté)',
    'forêt = défi = 1; else_ = iffy; f(importé)'
  ],
  ['identifiers in normal form', 'ﬁ = 1', 'fi = 1'],
  ['pasted prompts', '>>> if a:\n...     b\n>>> c', 'if a: b; c'],
  ['numbered prompts', 'In [12]: a\n    ...: b', 'a; b'],
  ['an indented cell', '\n    if a:\n        b\n    c', 'if a: b; c'],
  ['Windows line breaks', 'if a:\r\n    b = """x\r\ny"""\r\nc\r\n', "if a: b = 'x\ny'; c"]
])('%s', async (_, source, expected) => {
  const { body, errors } = parseCell(await parser(), source);
  expect(errors).toEqual([]);
  expect(show(body)).toBe(expected);
});

test.each([
  ['an unclosed bracket', 'f(a,\nx = 1', 'x = 1', ['( unclosed ‘(’']],
  ['an unclosed bracket in a block', 'def f():\n  g(\n  y = 1\nx = 1', 'x = 1', ['( unclosed ‘(’']],
  ['an unclosed bracket before a keyword', 'x = [1,\ndef f(): pass', 'def f(): pass', ['[ unclosed ‘[’']],
  ['the wrong bracket', 'f(a]\nx = 1', 'x = 1', ['] ‘]’ does not close ‘(’']],
  ['a bracket too many', 'x = 1)\ny', 'y', [') ‘)’ closes nothing']],
  ['a string without an end', 'x = "abc\ny = 1', 'y = 1', ['" string without an end']],
  ['a text without an end', 'y\nx = """abc\nz', 'y', ['""" string without an end']],
  ['half a condition', 'if a >\n  b\nelse:\n  c\nd', 'd', ['> the line ends after ‘>’']],
  ['a missing colon', 'for x in y\n  z\nw', 'w', ['y expected ‘:’']],
  ['two statements on a line', 'a b\nc', 'c', ['b unexpected ‘b’']],
  ['an empty block', 'x\nif a:\ny', 'x; y', [' expected an indented block']],
  ['indentation from nowhere', 'a\n  b\nc', 'a; c', ['b unexpected indentation']],
  ['a broken definition', '@d\ndef f(:\n  pass\nx', 'x', ['( unclosed ‘(’']],
  ['Python 2: print', "print 'a'\nx", 'x', ["print 'a' ‘print’ is a function in Python 3: write print(…)"]],
  [
    'Python 2: print to a file',
    'print >>f, a\nx',
    'x',
    ['print >>f, a ‘print’ is a function in Python 3: write print(…)']
  ],
  ['Python 2: exec', "exec 'a'\nx", 'x', ["exec 'a' ‘exec’ is a function in Python 3: write exec(…)"]],
  ['Python 2: backquotes', '`a`\nx', 'x', ['`a` ‘`’ is Python 2: write repr(…)']],
  ['Python 2: <>', 'a <> b', '', ['<> ‘<>’ is Python 2: write !=']],
  [
    'Python 2: numbers',
    '10L\n0777',
    '',
    ['10L ‘10L’ is Python 2: write it without the L', '0777 ‘0777’ starts with a zero: octal numbers start with 0o']
  ]
])('what is left of %s', async (_, source, left, expected) => {
  const { body, errors } = parseCell(await parser(), source);
  expect(show(body)).toBe(left);
  expect(errors.map(({ from, to, message }) => `${source.slice(from, to)} ${message}`)).toEqual(expected);
});

test('ranges are UTF-16 offsets into the cell, also behind emoji, prompts and indentation', async () => {
  const name = (source: string, range: { from: number; to: number }): string => source.slice(range.from, range.to);
  for (const source of ['s = "😀𝒳é"; 变量 = x', '>>> s = "😀"\n>>> 变量 = x', '   s = "😀"\n   变量 = x']) {
    const { body } = parseCell(await parser(), source);
    const last = body.at(-1)!;
    expect(name(source, last)).toBe('变量 = x');
    expect(last.type === 'Assign' && name(source, last.value)).toBe('x');
  }
});

test('a definition begins at its first decorator', async () => {
  const source = 'x\n@a\n@b\ndef f():\n    pass\n';
  const { body } = parseCell(await parser(), source);
  expect(source.slice(body[1]!.from, body[1]!.to)).toBe('@a\n@b\ndef f():\n    pass');
});

test.each([
  ['open brackets', '('.repeat(3000)],
  ['open calls', 'x = ' + 'f('.repeat(2000)],
  ['f-strings in f-strings', `f'${'{f"'.repeat(300)}`],
  ['a long sum', Array.from({ length: 1200 }, (_, i) => `a${i}`).join(' + ')],
  ['a long elif', Array.from({ length: 800 }, (_, i) => `${i === 0 ? 'if' : 'elif'} a${i}: pass`).join('\n')],
  ['magics in magics', '%time '.repeat(2000)],
  ['cell magics in cell magics', '%%time\n'.repeat(3000)],
  ['odd characters', '\0\uFEFF\u200B\uD800x\uDC00'],
  ['backslashes', '\\\n'.repeat(1000)],
  ['a prompt behind a prompt', '>>> >>> a\n... b'],
  ['what is read again behind an open bracket', '  def f(a, ?\nif type(c) == type"""'],
  ['a question behind an open bracket', '    x = (\n    y\n  z?']
])('%s do not make it throw', async (_, source) => expectSound(source, parseCell(await parser(), source)));

test('pieces of real code do not make it throw', async () => {
  const parse = await parser();
  const folder = join(__dirname, '../../../scripts');
  const code = readdirSync(folder)
    .filter(file => file.endsWith('.py'))
    .map(file => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const glue = [
    '\n',
    '%time ',
    '!',
    '?\n',
    '(',
    ')',
    '"',
    '"""',
    "'",
    'f"{',
    '}',
    '\\\n',
    '\t',
    '  ',
    'é😀',
    '%%timeit\n'
  ];
  glue.push('>>> ', ';', '/', ',', '`', '=', '!ls {', '$x ', '@', '');
  const random = generator(7);
  const pick = (limit: number): number => Math.floor(random() * limit);
  for (let i = 0; i < 1500; i++) {
    const pieces = Array.from({ length: 1 + pick(4) }, () => {
      const from = pick(code.length);
      return code.slice(from, from + pick(400)) + glue[pick(glue.length)]!;
    });
    const source = pieces.join('');
    expectSound(source, parseCell(parse, source));
  }
}, 60_000);

function expectSound(source: string, { body, errors }: ParsedCell): void {
  for (const { from, to } of [...body, ...errors])
    if (from < 0 || to < from || to > source.length) throw new Error(`${from} to ${to} in ${JSON.stringify(source)}`);
}

/** The same numbers each time (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
