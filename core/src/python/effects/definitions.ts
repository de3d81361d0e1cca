// `def` and `class`: what their headers read, and whether running their source again gives the same object. If so they
// travel as source; else as values.
import { note } from './ambient.js';
import type { Arguments } from './arguments.js';
import { noArguments } from './arguments.js';
import { addMemory, isCache } from './caches.js';
import { classValue, functionThing, metaclassesOf, notebookBases, runMember } from './functions.js';
import type { Machine } from './machine.js';
import type {
  Call,
  ClassDefinition,
  Expression,
  FunctionDefinition,
  Name,
  Statement,
  TypeAlias,
  TypeParameter
} from '../syntax.js';
import { bindName, readName } from './scopes.js';
import { prelude } from './slot.js';
import type { Slot } from './slot.js';
import { setsAmbient } from './tables/ambient.js';
import { isPureDecorator } from './tables/functions.js';
import { addExtra, hold, immutable, makeThing, unite, valueOf } from './thing.js';
import type { ClassInfo, Frame, FunctionInfo, Thing, Value } from './thing.js';

type CallValue = (machine: Machine, callee: Value, args: Arguments, node: Call) => Value;

export function defineFunction(machine: Machine, node: FunctionDefinition, call: CallValue): void {
  const { value, isPure, headers, made, isRepeatable } = logReads(machine, () => {
    const decorators = node.decorators.map(decorator => readDecorator(machine, decorator));
    const kind = kindOf(node.decorators, decorators);
    const owner = machine.frame?.kind === 'class' ? classOf.get(machine.frame) : undefined;
    const made = withTypeParameters(machine, node.typeParameters, () => {
      evaluateAnnotations(machine, node);
      return functionThing(machine, node, node.name.id, kind, owner);
    });
    return { ...decorate(machine, valueOf(made), node.decorators, decorators, call), made };
  });
  const isAccessor = node.decorators.some(isAccessorDecorator);
  const old = isAccessor ? machine.frame?.names.get(node.name.id) : undefined;
  bindDefinition(machine, node, old ? unite([old, value]) : value, isPure && isRepeatable, headers);
  registerOn(machine, node, made);
}

/** `type Pair[T] = …` is evaluated late, as a function is. */
export function defineTypeAlias(machine: Machine, node: TypeAlias): void {
  const { headers } = logReads(machine, () => {
    machine.depth++;
    withTypeParameters(machine, node.typeParameters, () => machine.evaluate(machine, node.value, 'base'));
    machine.depth--;
    return {};
  });
  bindDefinition(machine, node, valueOf(machine.make(node)), true, headers);
}

const classOf = new WeakMap<Frame, ClassInfo>();

export function defineClass(machine: Machine, node: ClassDefinition, call: CallValue): void {
  const { value, isPure, headers, isChanging, isRepeatable } = logReads(machine, () => {
    const decorators = node.decorators.map(decorator => readDecorator(machine, decorator));
    const thing = withTypeParameters(machine, node.typeParameters, () => makeClass(machine, node));
    return decorate(machine, valueOf(thing), node.decorators, decorators, call);
  });
  bindDefinition(machine, node, value, isPure && !isChanging && isRepeatable, headers);
}

function makeClass(machine: Machine, node: ClassDefinition): Thing {
  const bases = node.bases.map(base => machine.evaluate(machine, base, 'kept'));
  const keywords = node.keywords.map(({ name, value }) => [name, machine.evaluate(machine, value, 'kept')] as const);
  const metaclass = keywords.find(([name]) => name === 'metaclass')?.[1];
  const members = new Map<string, Value>();
  const info: ClassInfo = { name: node.name.id, node, bases, members, ...(metaclass && { metaclass }) };
  const thing = makeThing({ classInfo: info });
  info.thing = thing;
  runClassBody(machine, node.body, info, members);
  for (const value of [...members.values(), ...bases, ...keywords.map(([, value]) => value)]) hold(thing, value);
  runHooks(machine, info, valueOf(thing));
  return thing;
}

/** What the making of a class runs: `__set_name__` of what its body made, `__init_subclass__` of the classes above it, its metaclass. */
function runHooks(machine: Machine, info: ClassInfo, made: Value): void {
  for (const member of info.members.values())
    for (const thing of member.things)
      if (thing.instanceOf)
        runMember(
          machine,
          thing.instanceOf,
          '__set_name__',
          { positional: [made, immutable], keywords: [] },
          valueOf(thing)
        );
  for (const base of notebookBases(info)) runMember(machine, base, '__init_subclass__', noArguments, made);
  for (const metaclass of metaclassesOf(info)) {
    const body = valueOf(machine.make(info.node, { madeBy: 'dict' }, 'body'));
    for (const member of info.members.values()) for (const thing of body.things) hold(thing, member);
    const rest = { positional: [immutable, immutable, body], keywords: [] };
    runMember(machine, metaclass, '__prepare__', rest, classValue(metaclass));
    runMember(machine, metaclass, '__new__', rest, classValue(metaclass));
    runMember(machine, metaclass, '__init__', rest, made);
  }
}

/** `@show.register(list)` changes nothing before it gets the function. */
function readDecorator(machine: Machine, node: Expression): Value {
  if (node.type === 'Call' && registerBase(node))
    for (const argument of node.args) machine.evaluate(machine, argument, 'kept');
  return machine.evaluate(machine, node.type === 'Call' && registerBase(node) ? node.func : node, 'callee');
}

/** `@show.register` adds to a function of the notebook: the two travel together. */
function registerOn(machine: Machine, node: FunctionDefinition, made: Thing): void {
  for (const decorator of node.decorators) {
    const base = registerBase(decorator);
    if (!base || machine.frame) continue;
    for (const thing of readName(machine, base.id, base).things) {
      if (!thing.callable) continue;
      hold(thing, valueOf(made));
      const slot = machine.slotOf(node.name.id);
      if (slot) addExtra(thing, slot);
    }
  }
}

function registerBase(decorator: Expression): Name | undefined {
  const node = decorator.type === 'Call' ? decorator.func : decorator;
  return node.type === 'Attribute' && node.attr === 'register' && node.value.type === 'Name' ? node.value : undefined;
}

const isAccessorDecorator = (node: Expression): boolean =>
  node.type === 'Attribute' && /^(setter|getter|deleter)$/.test(node.attr);

/** Type parameters are seen in the header and the body, and nowhere else. */
function withTypeParameters<T>(machine: Machine, parameters: readonly TypeParameter[], run: () => T): T {
  if (parameters.length === 0) return run();
  const { frame: outer } = machine;
  machine.frame = {
    kind: 'comprehension',
    names: new Map(parameters.map(({ name }) => [name, immutable])),
    thing: machine.make(parameters, {}, 'frame'),
    returns: immutable,
    depth: machine.depth,
    ...(outer ? { parent: outer } : {})
  };
  for (const { bound } of parameters) if (bound) machine.evaluate(machine, bound, 'base');
  const result = run();
  machine.frame = outer;
  return result;
}

function runClassBody(machine: Machine, body: readonly Statement[], info: ClassInfo, names: Map<string, Value>): void {
  const { frame: outer } = machine;
  const frame: Frame = {
    kind: 'class',
    names,
    thing: machine.make(body, {}, 'frame'),
    returns: immutable,
    depth: machine.depth,
    ...(outer ? { parent: outer } : {})
  };
  classOf.set(frame, info);
  machine.frame = frame;
  machine.execute(machine, body);
  machine.frame = outer;
}

/** Also whether `run` changes what names are bound to, and whether it does the same when it runs again: else it must not run again elsewhere. */
function logReads<T>(machine: Machine, run: () => T): T & Logged {
  const log: Slot[] = [];
  const { changes, unrepeatable } = machine;
  machine.logs.push(log);
  const result = run();
  machine.logs.pop();
  machine.logs.at(-1)?.push(...log);
  return {
    ...result,
    headers: [...new Set(log)],
    isChanging: machine.changes > changes,
    isRepeatable: machine.unrepeatable === unrepeatable
  };
}

interface Logged {
  readonly headers: readonly Slot[];
  readonly isChanging: boolean;
  readonly isRepeatable: boolean;
}

function decorate(
  machine: Machine,
  made: Value,
  nodes: readonly Expression[],
  decorators: readonly Value[],
  call: CallValue
): { value: Value; isPure: boolean } {
  let value = made;
  let isPure = true;
  for (let index = decorators.length - 1; index >= 0; index--) {
    const node = nodes[index]!;
    const path = decorators[index]!.things[0]?.madeBy ?? decorators[index]!.things[0]?.path;
    if (isCache(path)) for (const thing of value.things) if (thing.callable) addMemory(machine, thing, node);
    if (path !== undefined && setsAmbient(path)) note(machine, path, node);
    if (path !== undefined && (isPureDecorator(path) || /\.(setter|getter|deleter|register)$/.test(path))) continue;
    if (isAccessorDecorator(node) || registerBase(node)) continue;
    isPure = false;
    const stand: Call = { type: 'Call', func: node, args: [], keywords: [], from: node.from, to: node.to };
    const decorated = call(machine, decorators[index]!, { positional: [value], keywords: [] }, stand);
    for (const thing of decorated.things)
      if (thing.path === undefined && !value.things.includes(thing)) hold(thing, value);
    value = decorated;
  }
  return { value, isPure };
}

function kindOf(nodes: readonly Expression[], decorators: readonly Value[]): FunctionInfo['kind'] {
  for (const [index, { things }] of decorators.entries()) {
    const path = things[0]?.path;
    if (path === 'builtins.staticmethod') return 'static';
    if (path === 'builtins.classmethod') return 'class';
    if (path === 'builtins.property' || path === 'functools.cached_property') return 'property';
    const node = nodes[index];
    if (node && isAccessorDecorator(node)) return 'property';
  }
  return 'function';
}

/** `from __future__ import annotations`: they stay texts. */
export const hasLateAnnotations = (machine: Machine): boolean =>
  machine.slotOf('annotations')?.value.things.some(({ path }) => path === '__future__.annotations') ?? false;

function evaluateAnnotations(machine: Machine, node: FunctionDefinition): void {
  if (hasLateAnnotations(machine)) return;
  for (const annotation of [...node.parameters.map(({ annotation }) => annotation), node.returns])
    if (annotation) machine.evaluate(machine, annotation, 'base');
}

function bindDefinition(
  machine: Machine,
  node: FunctionDefinition | ClassDefinition | TypeAlias,
  value: Value,
  isPure: boolean,
  headers: readonly Slot[]
): void {
  const isTopLevel = machine.frame === undefined && machine.depth === 0 && machine.stand === undefined;
  const isRepeatable = isTopLevel && isPure && headers.every(slot => slot.kind !== 'value' || slot.step === prelude);
  bindName(
    machine,
    node.name.id,
    value,
    node.name,
    isRepeatable ? { kind: 'definition', unit: machine.place(node), headers } : {}
  );
}
