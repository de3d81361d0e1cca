// CPython's own compiler judges the scope analysis: on the standard library's files, each scope must bind, read and find
// the same names. SLUICE_FULL=1 takes all files, the default every 12th.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { position } from '../../src/diagnostic';
import { findScopes } from '../../src/python/names';
import { parseCell } from '../../src/python/parse';
import { freeNames, resolveName, type Scope } from '../../src/python/scope';
import { parser } from './python';

/** name, line, symbols, children: see scripts/symtable_truth.py */
type Truth = [string, number, Record<string, string>, Truth[]];

const root = join(__dirname, '../../..');
const venv = join(root, '.venv/bin/python');
const python = existsSync(venv) ? venv : 'python3';
const version = execFileSync(python, ['-c', 'import sys; print(sys.version_info[1])']).toString();
// From 3.12 on the table holds scopes that are not in the source (inlined comprehensions, annotations, type parameters).
const isComparable = Number(version) < 12;

/** What stays different, and why. */
const gaps: Readonly<Record<string, string>> = {
  'test/test_compile.py': 'an attribute behind a line break that is indented less than its statement',
  'test/test_grammar.py': '(x): int, in parentheses, declares nothing',
  'test/test_print.py': 'print >> file is refused: it raises when it runs'
};

const testHere = isComparable ? test : test.skip;

testHere(
  'every scope of the standard library has the names that CPython finds',
  async () => {
    const parse = await parser();
    const every = process.env.SLUICE_FULL ? '1' : '12';
    const lines = execFileSync(python, [join(root, 'scripts/symtable_truth.py'), every], { maxBuffer: 2 ** 30 });
    const different: string[] = [];
    const refused: string[] = [];
    let equal = 0;
    for (const line of lines.toString().trimEnd().split('\n')) {
      const { path, source, scope } = JSON.parse(line) as { path: string; source: string; scope: Truth };
      if (Object.hasOwn(gaps, path)) continue;
      const { body, errors } = parseCell(parse, source);
      const difference = errors.length > 0 ? undefined : compare(describe(findScopes(body), source), scope);
      if (errors.length > 0) refused.push(`${path}: ${errors[0]!.message}`);
      else if (difference) different.push(`${path}: ${difference}`);
      else equal++;
    }
    process.stdout.write(`symtable: ${equal} equal, ${different.length} different, ${refused.length} not parsed\n`);
    expect({ different, refused }).toEqual({ different: [], refused: [] });
    expect(equal).toBeGreaterThan(30);
  },
  300_000
);

function describe(scope: Scope, source: string): Truth {
  const names = new Set([...scope.references.keys(), ...scope.bindings.keys(), ...scope.globals, ...scope.nonlocals]);
  const symbols = Object.create(null) as Record<string, string>;
  for (const name of freeNames(scope)) symbols[name] = 'F';
  for (const name of names) symbols[name] = describeSymbol(scope, name);
  return [scope.name, lineOf(scope, source), symbols, scope.children.map(child => describe(child, source))];
}

function describeSymbol(scope: Scope, name: string): string {
  const kinds = new Set((scope.bindings.get(name) ?? []).map(({ kind }) => kind));
  // CPython notes a `:=` in a comprehension at the top as a declaration only.
  const unassigning = ['parameter', 'import', ...(scope.kind === 'module' ? ['walrus'] : [])];
  const isAssigned = [...kinds].some(kind => !unassigning.includes(kind));
  const found = resolveName(scope, name);
  return [
    scope.references.has(name) ? 'u' : '',
    isAssigned ? 'l' : '',
    kinds.has('parameter') ? 'p' : '',
    kinds.has('import') ? 'i' : '',
    scope.globals.has(name) ? 'g' : '',
    scope.nonlocals.has(name) ? 'n' : '',
    found.kind === 'module' ? 'G' : found === scope ? 'L' : 'F'
  ].join('');
}

/** CPython counts a definition from its `def`, without decorators. */
function lineOf({ node }: Scope, source: string): number {
  if (!node) return 0;
  const place = 'name' in node && typeof node.name === 'object' ? node.name : node;
  return position(source, place.from).line;
}

/** The first difference, in words. Children are matched by place and name, whatever their order. */
function compare(ours: Truth, theirs: Truth): string | undefined {
  const [name, line, ourSymbols, ourChildren] = ours;
  const [, , theirSymbols, theirChildren] = theirs;
  for (const symbol of new Set([...Object.keys(ourSymbols), ...Object.keys(theirSymbols)])) {
    const a = lettersOf(ourSymbols, symbol, name);
    const b = lettersOf(theirSymbols, symbol, name);
    if (a !== b) return `${name} line ${line}: ‘${symbol}’ ${a}, not ${b}`;
  }
  const sort = (children: Truth[]): [string, Truth][] =>
    children.map((child): [string, Truth] => [key(child), child]).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const left = sort(ourChildren);
  const right = sort(theirChildren);
  for (const [i, [key, child]] of left.entries()) {
    if (right[i]?.[0] !== key) return `${name} line ${line}: scope ${key}, not ${right[i]?.[0]}`;
    const difference = compare(child, right[i]![1]);
    if (difference) return difference;
  }
  return left.length === right.length ? undefined : `${name} line ${line}: ${right.length} scopes, not ${left.length}`;
}

/** In CPython's table the module has also each name that a function declares global: `g`, and found globally. */
function lettersOf(symbols: Truth[2], symbol: string, scope: string): string {
  const letters = Object.hasOwn(symbols, symbol) ? symbols[symbol]! : '';
  return scope === 'top' ? letters.replace(/[gLG]/g, '') : letters;
}

function key([name, line, symbols]: Truth): string {
  return `${String(line).padStart(6)} ${name} ${Object.keys(symbols).sort().join(' ')}`;
}
