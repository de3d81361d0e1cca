// The names of the notebook are also what the module `__main__` has.
import type { Expression } from '../syntax.js';
import type { Thing, Value } from './thing.js';

const main = '__main__';

/** Whether `__main__.attr` is a name of the notebook. */
export const isOwnName = (base: Value, attr: string): boolean =>
  !attr.startsWith('__') && base.things.some(({ path }) => path === main);

/** `sys.modules["__main__"]` and `sys.modules[__name__]` */
export const isMainModule = (modules: Thing | undefined, index: Expression): boolean =>
  modules?.path === 'sys.modules' &&
  ((index.type === 'Constant' && index.value === main) || (index.type === 'Name' && index.id === '__name__'));
