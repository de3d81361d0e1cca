// What calling something reads, changes and gives. Who is called decides: a function or class of the notebook, a function
// of a library, a method of a library's object, or something unknown.
import { note } from './ambient.js';
import { attributeOf, getAttribute } from './attributes.js';
import { callWithMemory, isCache } from './caches.js';
import { change } from './change.js';
import { dynamicCall } from './dynamic.js';
import {
  allOf,
  callClass,
  classesOf,
  changeThrough,
  construct,
  hasForeignBase,
  isMetaclass,
  makeInstance,
  notebookBases,
  runFunction,
  touch,
  useArguments
} from './functions.js';
import type { Arguments } from './arguments.js';
import { callLibrary, callMethod } from './library.js';
import type { Machine } from './machine.js';
import type { Attribute, Call, Expression } from '../syntax.js';
import { isOwnName } from './ownNames.js';
import { isContainer, methodEffect } from './tables/methods.js';
import { readGlobal } from './scopes.js';
import type { Slot } from './slot.js';
import { contentsOf, hold, holdersOf, immutable, inside, mayHold, slotsOf, unite, valueOf } from './thing.js';
import type { Partially, Thing, Value } from './thing.js';

export function callExpression(machine: Machine, node: Call): Value {
  const dynamic = dynamicCall(machine, node);
  if (dynamic) return dynamic;
  const above = superCall(machine, node);
  if (above) return above;
  const { func } = node;
  if (func.type === 'Attribute') return callAttribute(machine, node, func);
  const callee = machine.evaluate(machine, func, 'callee');
  return callValue(machine, callee, evaluateArguments(machine, node), node);
}

function evaluateArguments(machine: Machine, node: Call): Arguments {
  const positional = node.args.map(argument => machine.evaluate(machine, argument, 'kept'));
  const keywords = node.keywords.map(({ name, value }) => ({
    ...(name === undefined ? {} : { name }),
    value: machine.evaluate(machine, value, 'kept')
  }));
  return { positional, keywords };
}

function callAttribute(machine: Machine, node: Call, func: Attribute): Value {
  const base = machine.evaluate(machine, func.value, 'base');
  if (isOwnName(base, func.attr))
    return callValue(machine, readGlobal(machine, func.attr, func), evaluateArguments(machine, node), node);
  if (isPandasPlot(func)) return callMethod(machine, base, 'plot', evaluateArguments(machine, node), node);
  if (func.attr === 'register' && base.things.some(({ callable }) => callable))
    return registerOnFunction(machine, base, evaluateArguments(machine, node), node);
  const known = base.things.filter(thing => thing.path !== undefined || thing.instanceOf || thing.classInfo);
  const opaque = base.things.filter(thing => !known.includes(thing));
  const results: Value[] = [];
  const rest: Thing[] = [...opaque];
  let args: Arguments | undefined;
  for (const thing of known) {
    if (thing.classInfo && func.attr === '__subclasses__') {
      results.push(subclassesOf(machine, thing, func));
      continue;
    }
    const callee = attributeOf(machine, valueOf(thing), func.attr, func);
    const isOurs = callee.things.some(
      found => found.callable || found.path !== undefined || found.classInfo || found.changes
    );
    args ??= evaluateArguments(machine, node);
    if (isOurs) results.push(callValue(machine, callee, args, node));
    else rest.push(thing);
  }
  args ??= evaluateArguments(machine, node);
  if (rest.length > 0 || base.things.length === 0)
    results.push(
      callMethod(
        machine,
        { things: rest, ...(base.constant ? { constant: base.constant } : {}) },
        func.attr,
        args,
        node
      )
    );
  return unite(results);
}

/** `show.register(int, show_number)` of a function under `functools.singledispatch`: later steps register it as well. */
function registerOnFunction(machine: Machine, base: Value, args: Arguments, node: Call): Value {
  for (const thing of base.things) if (thing.callable) for (const value of args.positional) hold(thing, value);
  note(machine, 'functools.singledispatch', node);
  return unite([immutable, ...args.positional]);
}

/** A list of the classes that the notebook has derived so far, as far as they have names. */
function subclassesOf(machine: Machine, base: Thing, node: Attribute): Value {
  const list = machine.make(node, { madeBy: 'list' });
  for (const { classInfo } of holdersOf([base])) {
    if (!classInfo?.thing || !notebookBases(classInfo).some(({ thing }) => thing === base)) continue;
    for (const slot of slotsOf(classInfo.thing) as Slot[])
      if (machine.slotOf(slot.name) === slot) hold(list, readGlobal(machine, slot.name, node));
  }
  return valueOf(list);
}

const pandasPlots = new Set('area bar barh box density hexbin hist kde line pie scatter'.split(' '));

/** `df.plot.bar(…)` */
const isPandasPlot = ({ value, attr }: Attribute): boolean =>
  value.type === 'Attribute' && value.attr === 'plot' && pandasPlots.has(attr);

/** `super().method(…)` inside a method of a class of the notebook. */
function superCall(machine: Machine, node: Call): Value | undefined {
  const { func } = node;
  if (func.type !== 'Attribute' || func.value.type !== 'Call') return undefined;
  const { func: inner } = func.value;
  if (inner.type !== 'Name' || inner.id !== 'super') return undefined;
  const { frame } = machine;
  const owner = frame?.info?.owner;
  const first = frame?.info?.node.parameters[0]?.name;
  if (!owner || first === undefined) return undefined;
  const self = frame!.names.get(first) ?? immutable;
  const args = evaluateArguments(machine, node);
  for (const base of notebookBases(owner)) {
    const member = base.members.get(func.attr) ?? undefined;
    for (const { callable } of member?.things ?? [])
      if (callable) return runFunction(machine, callable, args, callable.info.kind === 'static' ? undefined : self);
  }
  const plain = isMetaclass(owner) ? '__call__' : '__new__';
  if (func.attr === plain) return instancesOf(machine, self, plain === '__call__' ? args : undefined);
  if (hasForeignBase(owner)) {
    useArguments(machine, args);
    const effect = methodEffect(func.attr, undefined);
    if (effect === undefined || effect === 'stores')
      for (const thing of self.things) for (const value of allOf(args)) mayHold(thing, value);
    if (!unchanging.test(func.attr)) change(machine, self, node);
  }
  return valueOf(machine.make(node));
}

/** Methods of `object` and `type` that leave what they are called on as it is. */
const unchanging =
  /^__(init|new|prepare|init_subclass|getattribute|repr|str|hash|eq|ne|dir|sizeof|format|reduce|reduce_ex)__$/;

/** What `object.__new__(cls)` gives, and with arguments `type.__call__(cls, …)`. */
function instancesOf(machine: Machine, classes: Value, args?: Arguments): Value {
  const made = classes.things.flatMap(({ classInfo }) =>
    classInfo ? [args ? construct(machine, classInfo, args) : valueOf(makeInstance(machine, classInfo))] : []
  );
  return made.length > 0 ? unite(made) : valueOf(machine.make(machine.call));
}

/** Call a value, whatever it may be. */
export function callValue(machine: Machine, callee: Value, args: Arguments, node: Call): Value {
  const results: Value[] = [];
  machine.call = node;
  for (const thing of callee.things) {
    if (thing.callable) {
      const { kind } = thing.callable.info;
      if (thing.extras.length > 0) touch(machine, contentsOf(thing));
      const self = kind === 'static' ? undefined : thing.self;
      results.push(callWithMemory(machine, thing, node, () => runFunction(machine, thing.callable!, args, self)));
    } else if (thing.classInfo) results.push(callClass(machine, thing.classInfo, args));
    else if (thing.path === 'builtins.object.__new__' && args.positional[0])
      results.push(instancesOf(machine, args.positional[0]));
    else if (thing.path === 'builtins.type' && args.positional.length === 1)
      results.push(classesOf(args.positional[0]!));
    else if (thing.path === 'builtins.getattr') results.push(getAttribute(machine, args, node));
    else if (thing.path !== undefined) results.push(callLibrary(machine, thing.path, args, node));
    else if (thing.instanceOf) results.push(callInstance(machine, thing, args, node));
    else if (thing.partial) results.push(callPartial(machine, thing.partial, args, node));
    else results.push(callWithMemory(machine, thing, node, () => callUnknown(machine, thing, args, node)));
  }
  if (results.length === 0) {
    useArguments(machine, args);
    return valueOf(machine.make(node));
  }
  return unite(results);
}

function callPartial(
  machine: Machine,
  { callee, positional, keywords }: Partially,
  args: Arguments,
  node: Call
): Value {
  const all = { positional: [...positional, ...args.positional], keywords: [...args.keywords, ...keywords] };
  return callValue(machine, callee, all, node);
}

function callInstance(machine: Machine, thing: Thing, args: Arguments, node: Expression): Value {
  const callee = attributeOf(machine, valueOf(thing), '__call__', node);
  const method = callee.things.find(found => found.callable && found.self);
  if (method?.callable) return runFunction(machine, method.callable, args, method.self);
  useArguments(machine, args);
  touch(machine, valueOf(thing));
  change(machine, valueOf(thing), node);
  return callUnknown(machine, thing, args, node);
}

/** An object of a library is called: a layer, a partial function. What it gives may hold it and what it was given. */
function callUnknown(machine: Machine, thing: Thing, args: Arguments, node: Expression): Value {
  useArguments(machine, args);
  if (thing.changes) changeThrough(machine, thing, unite([immutable, ...allOf(args)]));
  // a table or list that is called is a method of it that `getattr` gave
  if (isContainer(thing.madeBy) || thing.madeBy?.startsWith('pandas.'))
    change(machine, valueOf(thing), node, { isPossible: true });
  if (thing.madeBy === 'operator.methodcaller' && args.positional[0])
    change(machine, args.positional[0], node, { isPossible: true });
  const held = inside(valueOf(thing));
  touch(machine, held, unite([immutable, held, ...allOf(args).map(inside)]));
  const isCached = isCache(thing.madeBy) && allOf(args).some(({ things }) => things.some(({ callable }) => callable));
  const made = machine.make(node, isCached ? { madeBy: thing.madeBy! } : {});
  mayHold(made, valueOf(thing));
  for (const value of allOf(args)) mayHold(made, value);
  return valueOf(made);
}
