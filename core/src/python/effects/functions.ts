// The notebook's own functions and classes. A call runs the body with what is known of the arguments, at the point of the
// call, so that free names mean what they mean there. A function that is only passed on is run as well, since whoever
// gets it may call it.
import type { Arguments } from './arguments.js';
import { noArguments } from './arguments.js';
import { capture, join } from './branches.js';
import { change } from './change.js';
import { useMember } from './kept.js';
import type { Machine } from './machine.js';
import { findFunctionScope } from '../names.js';
import { localNames } from '../scope.js';
import type { FunctionDefinition, Lambda, Node } from '../syntax.js';
import { callWithMemory } from './caches.js';
import {
  closure,
  contentsOf,
  constantValue,
  hold,
  holdClass,
  immutable,
  inside,
  mayHold,
  unite,
  valueOf
} from './thing.js';
import type { Callable, ClassInfo, Frame, FunctionInfo, Thing, Value } from './thing.js';

const deepest = 16;

const nowhere: Node = { from: 0, to: 0 };

/** The object that a `def` or `lambda` makes here. */
export function functionThing(
  machine: Machine,
  node: FunctionDefinition | Lambda,
  name: string,
  kind: FunctionInfo['kind'] = 'function',
  owner?: ClassInfo
): Thing {
  const { home, stand } = machine;
  const info: FunctionInfo = {
    name,
    node,
    home,
    kind,
    ...ownNames(node),
    ...(stand ? { stand } : {}),
    ...(owner ? { owner } : {})
  };
  let frame = machine.frame;
  while (frame?.kind === 'class') frame = frame.parent;
  const defaults = node.parameters.map(parameter =>
    parameter.default ? machine.evaluate(machine, parameter.default, 'kept') : immutable
  );
  const callable = { info, defaults, ...(frame ? { frame } : {}) };
  const thing = machine.make(node, { callable });
  thing.callable = callable;
  for (const value of defaults) hold(thing, value);
  if (frame) hold(thing, valueOf(frame.thing));
  return thing;
}

type OwnNames = Pick<FunctionInfo, 'locals' | 'globals' | 'isGenerator'>;

const known = new WeakMap<FunctionDefinition | Lambda, OwnNames>();

function ownNames(node: FunctionDefinition | Lambda): OwnNames {
  let names = known.get(node);
  if (!names) {
    const scope = findFunctionScope(node);
    names = { locals: localNames(scope), globals: scope.globals, isGenerator: scope.isGenerator };
    known.set(node, names);
  }
  return names;
}

/** Run a function of the notebook with these arguments; what it may give back. */
export function runFunction(machine: Machine, callable: Callable, args: Arguments, self?: Value): Value {
  const { info } = callable;
  if (machine.running.some(({ info: other }) => other.node === info.node) || machine.running.length >= deepest)
    return unknownResult(machine, args);
  if (machine.fuel <= 0 && machine.ran.has(info.node)) return unknownResult(machine, args);
  machine.ran.add(info.node);
  const site = machine.enter(info.node);
  const frame: Frame = {
    kind: 'function',
    names: new Map(),
    info,
    thing: machine.make(info.node, {}, 'frame'),
    returns: immutable,
    depth: machine.depth,
    ...(callable.frame ? { parent: callable.frame } : {})
  };
  bindParameters(machine, callable, frame, args, self);
  const { home, frame: outer, through, stand } = machine;
  Object.assign(machine, { home: info.home, frame, stand: info.stand });
  machine.through = [...through, info.name];
  machine.running.push(callable);
  if (info.node.type === 'Lambda') frame.returns = machine.evaluate(machine, info.node.body, 'kept');
  else machine.execute(machine, info.node.body);
  machine.running.pop();
  Object.assign(machine, { home, frame: outer, through, stand, site });
  if (!info.isGenerator) return frame.returns;
  const generator = machine.make(info.node, { madeBy: 'generator', untravelling: 'a generator' });
  hold(generator, frame.returns);
  return valueOf(generator);
}

function unknownResult(machine: Machine, args: Arguments): Value {
  const made = machine.make(machine.call, {}, 'result');
  for (const value of [...args.positional, ...args.keywords.map(({ value }) => value)]) mayHold(made, value);
  return valueOf(made);
}

function bindParameters(machine: Machine, callable: Callable, frame: Frame, args: Arguments, self?: Value): void {
  const given = self ? [self, ...args.positional] : [...args.positional];
  const spread = args.keywords.filter(({ name }) => name === undefined).map(({ value }) => inside(value));
  let position = 0;
  callable.info.node.parameters.forEach((parameter, index) => {
    const byName = args.keywords.find(({ name }) => name === parameter.name)?.value;
    let value: Value;
    if (parameter.kind === 'var-positional') {
      const rest = machine.make(parameter, { madeBy: 'tuple' });
      for (const one of given.slice(position)) hold(rest, one);
      position = given.length;
      value = valueOf(rest);
    } else if (parameter.kind === 'var-keyword') {
      const rest = machine.make(parameter, { madeBy: 'dict' });
      for (const { value: one } of args.keywords) hold(rest, one);
      value = valueOf(rest);
    } else {
      const positional = parameter.kind === 'keyword-only' ? undefined : given[position++];
      const known = positional ?? byName;
      value = known ?? unite([callable.defaults[index] ?? immutable, ...spread]);
    }
    frame.names.set(parameter.name, value);
    hold(frame.thing, value);
  });
}

/** Call a class of the notebook: its metaclass may do so in its own way. */
export function callClass(machine: Machine, classInfo: ClassInfo, args: Arguments): Value {
  const made = metaclassesOf(classInfo).flatMap(
    metaclass => runMember(machine, metaclass, '__call__', args, classValue(classInfo)) ?? []
  );
  return made.length > 0 ? unite(made) : construct(machine, classInfo, args);
}

/** Make an instance of a class of the notebook, or take the one that `__new__` gives. */
export function construct(machine: Machine, classInfo: ClassInfo, args: Arguments): Value {
  const given = runMember(machine, classInfo, '__new__', args, classValue(classInfo));
  const instances = given?.things.filter(({ instanceOf }) => instanceOf) ?? [];
  if (instances.length === 0) return initialize(machine, classInfo, args, makeInstance(machine, classInfo));
  return unite(instances.map(instance => initialize(machine, instance.instanceOf!, args, instance)));
}

export function makeInstance(machine: Machine, classInfo: ClassInfo): Thing {
  const made = machine.make(
    machine.call,
    { instanceOf: classInfo, madeBy: classInfo.name },
    `instance ${classInfo.thing?.id ?? 0}`
  );
  holdClass(made, classInfo);
  return made;
}

function initialize(machine: Machine, classInfo: ClassInfo, args: Arguments, instance: Thing): Value {
  const made = valueOf(instance);
  const all = allOf(args);
  const [init, afterInit] = ['__init__', '__post_init__'].map(name => findMember(classInfo, name));
  if (!init && !afterInit && !findMember(classInfo, '__new__')) for (const value of all) hold(instance, value);
  else if (hasForeignBase(classInfo)) for (const value of all) mayHold(instance, value);
  runMember(machine, classInfo, '__init__', args, made);
  runMember(machine, classInfo, '__post_init__', noArguments, made);
  if (afterInit) for (const value of all) hold(instance, value);
  return made;
}

export const classValue = (classInfo: ClassInfo): Value => (classInfo.thing ? valueOf(classInfo.thing) : immutable);

/** `type(x)` and `x.__class__`, as far as these are classes of the notebook. */
export const classesOf = ({ things }: Value): Value =>
  unite([immutable, ...things.flatMap(({ instanceOf }) => (instanceOf ? [classValue(instanceOf)] : []))]);

/** The notebook's metaclasses of a class, its own and those of the classes above it. */
export function metaclassesOf(classInfo: ClassInfo): ClassInfo[] {
  const own = classInfo.metaclass?.things.flatMap(thing => thing.classInfo ?? []) ?? [];
  return own.length > 0 ? own : notebookBases(classInfo).flatMap(metaclassesOf);
}

/** Whether the class's instances are classes. */
export const isMetaclass = ({ bases }: ClassInfo): boolean =>
  bases.some(base =>
    base.things.some(({ path, classInfo }) =>
      classInfo ? isMetaclass(classInfo) : path !== undefined && metaclasses.has(path)
    )
  );

const metaclasses = new Set(['builtins.type', 'abc.ABCMeta', 'enum.EnumMeta', 'enum.EnumType']);

/** Run the method `name` of a class or of one above it, if there is one. */
export function runMember(
  machine: Machine,
  classInfo: ClassInfo,
  name: string,
  args: Arguments,
  self: Value
): Value | undefined {
  const results = (findMember(classInfo, name)?.things ?? []).flatMap(({ callable }) =>
    callable ? [runFunction(machine, callable, args, self)] : []
  );
  return results.length > 0 ? unite(results) : undefined;
}

/** A member of a class or of the notebook's classes above it. */
export function findMember(classInfo: ClassInfo, name: string, seen = new Set<ClassInfo>()): Value | undefined {
  if (seen.has(classInfo)) return undefined;
  seen.add(classInfo);
  const own = classInfo.members.get(name);
  if (own) return own;
  for (const base of notebookBases(classInfo)) {
    const inherited = findMember(base, name, seen);
    if (inherited) return inherited;
  }
  return undefined;
}

export function notebookBases(classInfo: ClassInfo): ClassInfo[] {
  return classInfo.bases.flatMap(base => base.things.flatMap(thing => thing.classInfo ?? []));
}

const plainBases = new Set(['builtins.object', 'abc.ABC', 'typing.NamedTuple', 'typing.Protocol', 'typing.Generic[]']);

/** Whether code that we do not see calls the methods of such a class. */
export function hasForeignBase(classInfo: ClassInfo, seen = new Set<ClassInfo>()): boolean {
  if (seen.has(classInfo)) return false;
  seen.add(classInfo);
  return classInfo.bases.some(base =>
    base.things.some(({ path, classInfo: above }) =>
      above ? hasForeignBase(above, seen) : path === undefined || !plainBases.has(path)
    )
  );
}

/** A class has what its metaclass has. */
function metaMember(classInfo: ClassInfo, name: string): Value | undefined {
  const found = metaclassesOf(classInfo).flatMap(metaclass => findMember(metaclass, name) ?? []);
  return found.length > 0 ? unite(found) : undefined;
}

/** The attribute `name` of an instance or class of the notebook, bound to it where it is a method. */
export function instanceMember(machine: Machine, thing: Thing, name: string): Value | undefined {
  const classInfo = thing.instanceOf ?? thing.classInfo;
  if (!classInfo) return undefined;
  const member = findMember(classInfo, name) ?? (thing.instanceOf ? undefined : metaMember(classInfo, name));
  const later = thing.instanceOf ? setLater(classInfo).map(found => boundMethod(machine, found, valueOf(thing))) : [];
  if (!member && later.length > 0) return unite([immutable, ...later]);
  if (!member) {
    if (thing.instanceOf && hasForeignBase(classInfo)) touch(machine, valueOf(thing));
    else if (thing.instanceOf) {
      touchMembers(machine, classInfo, ['__getattribute__'], valueOf(thing));
      return runMember(
        machine,
        classInfo,
        '__getattr__',
        { positional: [constantValue(name)], keywords: [] },
        valueOf(thing)
      );
    }
    return undefined;
  }
  const values: Value[] = later;
  for (const found of member.things) {
    const kind = found.callable?.info.kind;
    if (found.instanceOf && findMember(found.instanceOf, '__get__')) {
      const given = { positional: [valueOf(thing), classValue(classInfo)], keywords: [] };
      values.push(runMember(machine, found.instanceOf, '__get__', given, valueOf(found)) ?? immutable);
    } else if (!found.callable || kind === 'static') values.push(valueOf(found));
    else if (kind === 'property') values.push(runFunction(machine, found.callable, noArguments, valueOf(thing)));
    else if (kind === 'class') values.push(boundMethod(machine, found, classValue(classInfo)));
    else values.push(thing.instanceOf ? boundMethod(machine, found, valueOf(thing)) : valueOf(found));
  }
  return unite([immutable, ...values]);
}

/** Functions that were set on a class, or one above it, after it was made: `A.run = run`. */
function setLater(classInfo: ClassInfo, seen = new Set<ClassInfo>()): Thing[] {
  if (seen.has(classInfo)) return [];
  seen.add(classInfo);
  const own = new Set([...classInfo.members.values()].flatMap(({ things }) => things));
  const given = classInfo.thing ? contentsOf(classInfo.thing).things : [];
  return [
    ...given.filter(thing => thing.callable && !own.has(thing)),
    ...notebookBases(classInfo).flatMap(base => setLater(base, seen))
  ];
}

function boundMethod(machine: Machine, method: Thing, self: Value): Value {
  const memory = method.memory && { memory: method.memory };
  const bound = machine.make(method, { callable: method.callable!, self, ...memory }, `of ${self.things[0]?.id ?? 0}`);
  hold(bound, self);
  return valueOf(bound);
}

/** Anyone may call what is in a value: charge its functions and methods to the running step. */
export function touch(machine: Machine, value: Value, others?: Value): void {
  if (value.things.length === 0) return;
  for (const thing of closure(value)) {
    if (thing.madeBy === 'functools.partial') touchPartial(machine, thing, others);
    if (thing.callable) touchCallable(machine, thing, others);
    if (thing.changes) changeThrough(machine, thing, others);
    if (thing.path !== undefined) useMember(machine, thing.path, machine.statement ?? nowhere);
    if (thing.classInfo) touchClass(machine, thing.classInfo, undefined);
    if (thing.instanceOf) touchClass(machine, thing.instanceOf, valueOf(thing));
  }
}

/** Call a method that was read from its object before: `push(1)` after `push = xs.append`. */
export function changeThrough(machine: Machine, method: Thing, given?: Value): void {
  const changed = method.changes!;
  change(machine, changed, machine.statement ?? nowhere, { isPossible: true });
  if (given) for (const thing of changed.things) mayHold(thing, given);
}

/** A partial function is called with what it holds besides. */
function touchPartial(machine: Machine, thing: Thing, others?: Value): void {
  if (machine.opened.has(thing)) return;
  machine.opened.add(thing);
  const held = inside(valueOf(thing));
  touch(machine, held, others ? unite([held, others]) : held);
  machine.opened.delete(thing);
}

function touchCallable(machine: Machine, thing: Thing, others?: Value): void {
  const callable = thing.callable!;
  if (machine.touched.has(callable)) return;
  machine.touched.add(callable);
  callWithMemory(machine, thing, machine.statement ?? nowhere, () => {
    runPerhaps(machine, callable, unknownArguments(machine, callable, others), thing.self);
    return immutable;
  });
}

function touchClass(machine: Machine, classInfo: ClassInfo, self: Value | undefined): void {
  const key = self ? self.things[0]! : classInfo;
  if (machine.touched.has(key)) return;
  machine.touched.add(key);
  touchMembers(machine, classInfo, [...classInfo.members.keys()], self);
  for (const base of notebookBases(classInfo)) touchMembers(machine, base, [...base.members.keys()], self);
}

/** An object may go now, and `__del__` of its class runs. */
export function finalize(machine: Machine, value: Value): void {
  for (const thing of value.things)
    if (thing.instanceOf) touchMembers(machine, thing.instanceOf, ['__del__'], valueOf(thing));
}

function touchMembers(machine: Machine, classInfo: ClassInfo, names: readonly string[], self: Value | undefined): void {
  for (const name of names)
    for (const { callable } of findMember(classInfo, name)?.things ?? [])
      if (callable && !machine.touched.has(callable)) {
        machine.touched.add(callable);
        const stand = self ?? valueOf(machine.make(classInfo, { instanceOf: classInfo }));
        const owner =
          callable.info.kind === 'static' ? undefined : callable.info.kind === 'class' ? classValue(classInfo) : stand;
        runPerhaps(machine, callable, unknownArguments(machine, callable), owner);
      }
}

function runPerhaps(machine: Machine, callable: Callable, args: Arguments, self?: Value): void {
  const outcome = capture(machine, () => {
    runFunction(machine, callable, args, self);
    return true;
  });
  if (outcome.changes.size > 0) join(machine, [outcome, { falls: true, changes: new Map() }]);
}

function unknownArguments(machine: Machine, callable: Callable, others?: Value): Arguments {
  const { parameters } = callable.info.node;
  return { positional: parameters.map(node => others ?? valueOf(machine.make(node))), keywords: [] };
}

export const allOf = (args: Arguments): Value[] => [...args.positional, ...args.keywords.map(({ value }) => value)];

/** Code that we do not see gets the arguments: it may call what is in them. */
export function useArguments(machine: Machine, args: Arguments): void {
  const all = allOf(args);
  for (const value of all)
    if (value.things.length > 0)
      touch(machine, value, unite([immutable, ...all.filter(other => other !== value).map(inside)]));
}
