// The names of the notebook are also what the module `__main__` has, what `globals()` holds, and what the shell calls `user_ns`.
import type { Machine } from './machine.js';
import type { Expression, Subscript } from '../syntax.js';
import type { Thing, Value } from './thing.js';

const main = '__main__';

/** Whether `__main__.attr` is a name of the notebook. */
export const isOwnName = (base: Value, attr: string): boolean =>
  !attr.startsWith('__') && base.things.some(({ path }) => path === main);

/** `sys.modules["__main__"]` and `sys.modules[__name__]` */
export const isMainModule = (modules: Thing | undefined, index: Expression): boolean =>
  modules?.path === 'sys.modules' &&
  ((index.type === 'Constant' && index.value === main) || (index.type === 'Name' && index.id === '__name__'));

/** `globals()` */
export const isGlobals = (scope: Expression): boolean =>
  scope.type === 'Call' && scope.args.length === 0 && scope.func.type === 'Name' && scope.func.id === 'globals';

/** `globals()`, and `locals()`, `vars()` and `dir()` where they are about the same names */
export const isNamespace = (machine: Machine, scope: Expression): boolean =>
  isGlobals(scope) ||
  (!machine.frame &&
    scope.type === 'Call' &&
    scope.args.length === 0 &&
    scope.func.type === 'Name' &&
    /^(locals|vars|dir)$/.test(scope.func.id));

/** What `get_ipython()` gives. */
export const isShell = ({ madeBy = '' }: Thing): boolean => /(^|\.)get_ipython$/.test(madeBy);

/** `user_ns` of the shell */
export const isShellNamespace = (attr: string): boolean => /^user_(global_)?ns$/.test(attr);

const isNamesOfShell = (machine: Machine, scope: Expression): boolean =>
  scope.type === 'Attribute' &&
  isShellNamespace(scope.attr) &&
  machine.evaluate(machine, scope.value, 'base').things.some(isShell);

/** `globals()["x"]` is the name x. */
export function ownNameAt(machine: Machine, { value, index }: Subscript): string | undefined {
  if (!isNamespace(machine, value) && !isNamesOfShell(machine, value)) return undefined;
  const key = machine.evaluate(machine, index, 'used').constant?.value;
  return typeof key === 'string' ? key : undefined;
}
