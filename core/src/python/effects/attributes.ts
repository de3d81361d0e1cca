// What an attribute of an object, or one of its elements, may be.
import { classesOf, instanceMember, touch } from './functions.js';
import type { Arguments } from './arguments.js';
import { attributeOfIndex, indexOf, isIndex } from './indexes.js';
import { readKept } from './kept.js';
import type { Machine } from './machine.js';
import type { Node } from '../syntax.js';
import { mayTakeInPlace, methodEffect } from './tables/methods.js';
import { readModuleAttribute } from './moduleAttributes.js';
import { constantValue, elementsIn, hold, immutable, inside, unite, valueOf } from './thing.js';
import type { Thing, Value } from './thing.js';

const immutableAttributes = new Set(
  'shape size ndim dtype dtypes empty nbytes name names __name__ __doc__ __module__ __version__ n_features_in_'.split(
    ' '
  )
);

/** What anyone may write into an object by any name, unlike what arrays and frames have. */
const open = /^(types\.SimpleNamespace|argparse\.)/;

export function attributeOf(machine: Machine, base: Value, attr: string, node: Node): Value {
  const found: Value[] = [];
  const plain: Thing[] = [];
  for (const thing of base.things) {
    const member = instanceMember(machine, thing, attr);
    if (thing.path !== undefined) found.push(...attributeOfModule(machine, `${thing.path}.${attr}`, node));
    else if (member) found.push(member);
    if (thing.path === undefined && (!member || thing.instanceOf || thing.classInfo)) plain.push(thing);
  }
  if (base.constant?.isPath && attr === 'parent') return constantValue(parentOf(String(base.constant.value)), true);
  if (base.constant?.isPath && attr === 'name') return constantValue(String(base.constant.value).split('/').at(-1)!);
  if (attr === '__class__') return unite([...found, classesOf(base)]);
  const isOwn = base.things.some(({ instanceOf, madeBy = '' }) => instanceOf !== undefined || open.test(madeBy));
  if (immutableAttributes.has(attr) && found.length === 0 && (!isOwn || attr.startsWith('__'))) return immutable;
  const parts = plain.filter(thing => !thing.classInfo);
  if ((attr === 'index' || attr === 'columns') && !isOwn) return unite([...found, ...parts.map(indexOf)]);
  const things = parts.flatMap(thing => (isIndex(thing) ? attributeOfIndex(thing, attr) : [thing]));
  return unite([...found, inside({ things })]);
}

/** An attribute that is not called at once: a method that changes its object may be called later. */
export function keptAttributeOf(machine: Machine, base: Value, attr: string, node: Node): Value {
  const value = attributeOf(machine, base, attr, node);
  const own = base.things.filter(
    ({ path, instanceOf, madeBy }) => path === undefined && !instanceOf && mayChange(attr, madeBy)
  );
  if (own.length === 0) return value;
  const method = machine.make(node, {}, 'method');
  method.changes = unite([method.changes ?? immutable, { things: own }]);
  hold(method, { things: own });
  return unite([value, valueOf(method)]);
}

const mayChange = (method: string, maker: string | undefined): boolean =>
  /^(changes|stores|takes|fits)$/.test(methodEffect(method, maker) ?? '') || mayTakeInPlace(method);

/** `getattr(base, name, instead)` */
export function getAttribute(machine: Machine, { positional: [base, name, ...rest] }: Arguments, node: Node): Value {
  const attr = name?.constant?.value;
  const given = base ?? immutable;
  const found = typeof attr === 'string' ? keptAttributeOf(machine, given, attr, node) : inside(given);
  return unite([immutable, found, ...rest]);
}

const attributeOfModule = (machine: Machine, path: string, node: Node): Value[] => [
  machine.library(path),
  ...[readModuleAttribute(machine, path, node), readKept(machine, path, node)].filter(value => value !== undefined)
];

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0)) || '.';

/** What iterating over a value gives. */
export function elementOf(machine: Machine, iterable: Value): Value {
  for (const thing of iterable.things) if (thing.instanceOf || thing.callable) touch(machine, valueOf(thing));
  const only = iterable.things.length === 1 ? iterable.things[0]! : undefined;
  if (only?.elements) return unite([immutable, ...only.elements]);
  return elementsIn(iterable);
}
