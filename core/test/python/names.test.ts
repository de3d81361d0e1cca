// Scopes by example; symtable.test.ts holds the same code to CPython on the whole standard library.
import { findScopes } from '../../src/python/names';
import { parseCell } from '../../src/python/parse';
import { freeNames, globalNames, mangleName, resolveName, type Scope } from '../../src/python/scope';
import { parser } from './python';

/** `kind name(bound | read)` of each scope, children in brackets. */
function show(scope: Scope): string {
  const names = `${[...scope.bindings.keys()].join(' ')} | ${[...scope.references.keys()].join(' ')}`.trim();
  const label = scope.kind === 'module' ? '' : `${scope.kind} ${scope.name} `;
  return `${label}(${names})${scope.children.map(child => ` [${show(child)}]`).join('')}`;
}

test.each([
  ['a module binds and reads', 'a = b\nimport c.d, e as f\nfrom g import h as i, j', '(a c f i j | b)'],
  ['targets', '(a, [*b]), c.d, e[f] = g', '(a b | g c e f)'],
  ['a star import binds nothing that is known', 'from a import *', '(|)'],
  ['defaults and decorators are read outside', '@d\ndef f(a=b): return a', '(f | b d) [function f (a | a)]'],
  ['annotations are read outside', 'def f(a: b) -> c: d: e', '(f | b c) [function f (a d | e)]'],
  [
    'annotations may wait',
    'from __future__ import annotations\ndef f(a: b): pass',
    '(annotations f |) [function f (a |)]'
  ],
  ['a class body reads its bases outside', 'class A(B, m=C): x = y', '(A | B C) [class A (x | y)]'],
  ['a comprehension hides its variable', '[x for x in y if z]', '(| y) [comprehension listcomp (x | z x)]'],
  [
    'only the first iterable is read outside',
    '{a: b for a in c for b in a}',
    '(| c) [comprehension dictcomp (a b | a b)]'
  ],
  ['a walrus leaves its comprehension', '[x := y for y in z]', '(x | z) [comprehension listcomp (y x | y)]'],
  ['lambdas', 'lambda a, b=c: a + d', '(| c) [lambda lambda (a b | a d)]'],
  ['an exception’s name', 'try: a\nexcept b as c: d', '(c | a b d)'],
  ['patterns', 'match a:\n  case B(c, d=E.f) if g: pass', '(c | a B E g)'],
  ['with and for', 'with a as b: pass\nfor c, d in e: pass', '(b c d | a e)'],
  ['del binds, as it does in CPython', 'del a, b.c', '(a | b)'],
  ['type parameters have a scope', 'def f[T: a](x: T): y', '(f |) [type-parameters f (T | a T) [function f (x | y)]]'],
  ['f-strings', "f'{a:{b}}'", '(| a b)'],
  ['commands', '!ls {a}\n%time b = c\nd = !ls $e', '(b d | a c e)'],
  ['%timeit keeps what it binds', '%timeit a = b', '(|) [timed inner (a | b)]'],
  ['%%timeit as well', '%%timeit\na = b', '(|) [timed inner (a | b)]'],
  [
    'super reads the hidden cell',
    'class A:\n  def f(self): super()',
    '(A |) [class A (f |) [function f (self | super __class__)]]'
  ],
  [
    'private names',
    'class _A:\n  def f(self): __x = __y__',
    '(_A |) [class _A (f |) [function f (self _A__x | __y__)]]'
  ]
])('%s', async (_, source, expected) => {
  expect(show(findScopes(parseCell(await parser(), source).body))).toBe(expected);
});

test.each([
  ['a closure', 'def f():\n  x = 1\n  def g(): return x + y', ['x'], ['y']],
  ['a closure through a function between', 'def f():\n  x = 1\n  def g():\n    def h(): return x', ['x'], []],
  ['a class hides its names', 'def f():\n  class A:\n    x = 1\n    def g(): return x', [], ['x']],
  ['a global between', 'def f():\n  x = 1\n  def g():\n    global x\n    def h(): return x', [], ['x']],
  ['nonlocal', 'def f():\n  x = 1\n  def g():\n    nonlocal x\n    x = 2', ['x'], []],
  ['the method’s own class', 'def f():\n  class A:\n    def g(self): return __class__', ['__class__'], []]
])('%s: the free and global names of the innermost function', async (_, source, free, global) => {
  let scope: Scope = findScopes(parseCell(await parser(), source).body);
  while (scope.children.length > 0) scope = scope.children.at(-1)!;
  expect([...freeNames(scope)]).toEqual(free);
  expect([...globalNames(scope)]).toEqual(global);
  for (const name of global) expect(resolveName(scope, name).kind).toBe('module');
});

test('global names of a function are those of the functions inside it, too', async () => {
  const module = findScopes(
    parseCell(await parser(), 'def f(a):\n  b = [c(a) for d in e]\n  return lambda: b(g)').body
  );
  expect([...globalNames(module.children[0]!)].sort()).toEqual(['c', 'e', 'g']);
  expect([...freeNames(module.children[0]!)]).toEqual([]);
});

test.each([
  ['__x', 'A', '_A__x'],
  ['__x', '__A', '_A__x'],
  ['__x', '__', '__x'],
  ['__x__', 'A', '__x__'],
  ['_x', 'A', '_x'],
  ['__x', undefined, '__x']
])('‘%s’ in class ‘%s’ is ‘%s’', (name, className, expected) => expect(mangleName(name, className)).toBe(expected));
