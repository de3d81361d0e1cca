// `from module import *` binds names that only the module knows. This module finds which modules a notebook imports so, and what a module that
// is plain source gives: what its `__all__` lists, or else the names that it binds, those with an underscore apart.
import { boundNames, targetNames } from './names.js';
import { topStatements } from './stale.js';
import type { Expression, ParsedCell, Statement } from './syntax.js';

/** The names that `from module import *` binds, by module; a module that nobody could look into is missing. */
export type StarNames = ReadonlyMap<string, readonly string[]>;

export const noStarNames: StarNames = new Map();

const modulesOf = new WeakMap<ParsedCell, readonly string[]>();

/** The modules of which a cell, or a module's source, imports `*`. */
export function findStarModules(parsed: ParsedCell): readonly string[] {
  let modules = modulesOf.get(parsed);
  if (!modules)
    modulesOf.set(parsed, (modules = [...starsIn(topStatements(parsed).map(({ statement }) => statement))]));
  return modules;
}

function* starsIn(body: readonly Statement[]): Generator<string> {
  for (const statement of body)
    if (statement.type === 'ImportFrom' && statement.names[0]?.name === '*') yield statement.module;
    else for (const inner of blocksOf(statement)) yield* starsIn(inner);
}

/** What runs in the same scope as the statement around it. */
export function blocksOf(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.type) {
    case 'If':
    case 'For':
    case 'While':
      return [statement.body, statement.orElse];
    case 'With':
      return [statement.body];
    case 'Try':
      return [statement.body, ...statement.handlers.map(({ body }) => body), statement.orElse, statement.finally];
    case 'Match':
      return statement.cases.map(({ body }) => body);
    case 'CellMagic':
      return statement.body ? [statement.body] : [];
    default:
      return [];
  }
}

/** What a module gives to `import *`: its own names, and those that it has in the same way from `modules`. */
export interface Exports {
  readonly names: readonly string[];
  readonly modules: readonly string[];
}

/** Undefined where only running the module would tell: `__all__ = make_all()`. */
export function findExports(parsed: ParsedCell, { isPackage }: { readonly isPackage: boolean }): Exports | undefined {
  if (parsed.errors.length > 0) return undefined;
  const listed = readAll(parsed.body);
  if (listed === 'unknown') return undefined;
  if (listed) return { names: listed, modules: [] };
  const names = new Set<string>();
  for (const statement of parsed.body) {
    if (statement.type === 'Delete') for (const name of statement.targets.flatMap(targetNames)) names.delete(name);
    else for (const name of boundNames([statement])) names.add(name);
    if (isPackage) for (const name of submodulesOf(statement)) names.add(name);
  }
  return { names: [...names].filter(name => !name.startsWith('_')), modules: findStarModules(parsed) };
}

/** `from .parts import x` in a package's own source binds `parts` as well. */
function submodulesOf(statement: Statement): readonly string[] {
  const [, name] = statement.type === 'ImportFrom' ? (/^\.(\w+)/.exec(statement.module) ?? []) : [];
  return name === undefined ? [] : [name];
}

/** The names in `__all__`; undefined where there is none. */
function readAll(body: readonly Statement[]): string[] | 'unknown' | undefined {
  let all: string[] | undefined;
  for (const statement of body) {
    const change = changeOfAll(statement);
    if (change === 'unknown') return 'unknown';
    if (change) all = [...((change.adds ? all : []) ?? []), ...change.names];
    else if (blocksOf(statement).length > 0 && boundNames([statement]).has('__all__')) return 'unknown';
  }
  return all;
}

interface AllChange {
  readonly adds: boolean;
  readonly names: readonly string[];
}

function changeOfAll(statement: Statement): AllChange | 'unknown' | undefined {
  switch (statement.type) {
    case 'Assign':
      return statement.targets.flatMap(targetNames).includes('__all__') ? toChange(false, statement.value) : undefined;
    case 'AnnotatedAssign':
      return isAll(statement.target) && statement.value ? toChange(false, statement.value) : undefined;
    case 'AugmentedAssign':
      return isAll(statement.target) ? toChange(true, statement.value) : undefined;
    case 'Expression': {
      const { value: call } = statement;
      if (call.type !== 'Call' || call.func.type !== 'Attribute' || !isAll(call.func.value)) return undefined;
      const [argument] = call.args;
      if (call.func.attr === 'extend' && argument) return toChange(true, argument);
      const name = call.func.attr === 'append' && argument ? textOf(argument) : undefined;
      return name === undefined ? 'unknown' : { adds: true, names: [name] };
    }
    default:
      return undefined;
  }
}

const isAll = (node: Expression): boolean => node.type === 'Name' && node.id === '__all__';

function toChange(adds: boolean, value: Expression): AllChange | 'unknown' {
  const names = readNames(value);
  return names ? { adds, names } : 'unknown';
}

/** `['a', 'b']`, `('a', *['b'])`, `['a'] + ['b']` */
function readNames(node: Expression): string[] | undefined {
  if (node.type === 'BinaryOperation' && node.operator === '+')
    return joined([readNames(node.left), readNames(node.right)]);
  if (node.type !== 'Collection' || node.kind === 'dict' || node.kind === 'set') return undefined;
  return joined(
    node.elements.map(element => {
      if (element.type === 'Starred') return readNames(element.value);
      const name = textOf(element);
      return name === undefined ? undefined : [name];
    })
  );
}

const joined = (parts: readonly (string[] | undefined)[]): string[] | undefined =>
  parts.every(part => part !== undefined) ? parts.flat() : undefined;

const textOf = (node: Expression): string | undefined =>
  node.type === 'Constant' && typeof node.value === 'string' ? node.value : undefined;
