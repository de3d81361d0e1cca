// `def` and `class`: what their headers read, and whether running their source again gives the same object. If so they
// travel as source; else as values.
import { functionThing } from './functions.js';
import type { Arguments } from './functions.js';
import { prelude } from './machine.js';
import type { Machine, Slot } from './machine.js';
import type { Call, ClassDefinition, Expression, FunctionDefinition, Statement, TypeParameter } from '../syntax.js';
import { isPureDecorator } from './tables/functions.js';
import { hold, immutable, makeThing, valueOf } from './thing.js';
import type { ClassInfo, Frame, FunctionInfo, Value } from './thing.js';

type CallValue = (machine: Machine, callee: Value, args: Arguments, node: Call) => Value;

export function defineFunction(machine: Machine, node: FunctionDefinition, call: CallValue): void {
  const { value, isPure, headers } = logReads(machine, () => {
    const decorators = node.decorators.map(decorator => machine.evaluate(machine, decorator, 'callee'));
    evaluateAnnotations(machine, node);
    const kind = kindOf(node.decorators, decorators);
    const owner = machine.frame?.kind === 'class' ? classOf.get(machine.frame) : undefined;
    const made = functionThing(machine, node, node.name.id, kind, owner);
    return decorate(machine, valueOf(made), node.decorators, decorators, call);
  });
  bindDefinition(machine, node, value, isPure, headers);
}

const classOf = new WeakMap<Frame, ClassInfo>();

export function defineClass(machine: Machine, node: ClassDefinition, call: CallValue): void {
  const { value, isPure, headers } = logReads(machine, () => {
    const decorators = node.decorators.map(decorator => machine.evaluate(machine, decorator, 'callee'));
    evaluateTypeParameters(machine, node.typeParameters);
    const bases = node.bases.map(base => machine.evaluate(machine, base, 'kept'));
    for (const keyword of node.keywords) machine.evaluate(machine, keyword.value, 'used');
    const members = new Map<string, Value>();
    const info: ClassInfo = { name: node.name.id, node, cell: machine.cell, bases, members };
    const thing = makeThing({ classInfo: info });
    info.thing = thing;
    runClassBody(machine, node.body, info, members);
    for (const member of members.values()) hold(thing, member);
    return decorate(machine, valueOf(thing), node.decorators, decorators, call);
  });
  bindDefinition(machine, node, value, isPure, headers);
}

function runClassBody(machine: Machine, body: readonly Statement[], info: ClassInfo, names: Map<string, Value>): void {
  const { frame: outer } = machine;
  const frame: Frame = {
    kind: 'class',
    names,
    thing: makeThing(),
    returns: immutable,
    depth: machine.depth,
    ...(outer ? { parent: outer } : {})
  };
  classOf.set(frame, info);
  machine.frame = frame;
  machine.execute(machine, body);
  machine.frame = outer;
}

function logReads<T>(machine: Machine, run: () => T): T & { headers: readonly Slot[] } {
  const log: Slot[] = [];
  machine.logs.push(log);
  const result = run();
  machine.logs.pop();
  machine.logs.at(-1)?.push(...log);
  return { ...result, headers: [...new Set(log)] };
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
    if (path !== undefined && (isPureDecorator(path) || /\.(setter|getter|deleter|register)$/.test(path))) continue;
    if (node.type === 'Attribute' && /^(setter|getter|deleter)$/.test(node.attr)) continue;
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
    if (node?.type === 'Attribute' && /^(setter|getter|deleter)$/.test(node.attr)) return 'property';
  }
  return 'function';
}

function evaluateAnnotations(machine: Machine, node: FunctionDefinition): void {
  evaluateTypeParameters(machine, node.typeParameters);
  const own = new Set(node.typeParameters.map(({ name }) => name));
  for (const annotation of [...node.parameters.map(({ annotation }) => annotation), node.returns])
    if (annotation && !(annotation.type === 'Name' && own.has(annotation.id)))
      machine.evaluate(machine, annotation, 'base');
}

function evaluateTypeParameters(machine: Machine, parameters: readonly TypeParameter[]): void {
  for (const { bound } of parameters) if (bound) machine.evaluate(machine, bound, 'base');
}

function bindDefinition(
  machine: Machine,
  node: FunctionDefinition | ClassDefinition,
  value: Value,
  isPure: boolean,
  headers: readonly Slot[]
): void {
  const isTopLevel = machine.frame === undefined && machine.depth === 0 && machine.stand === undefined;
  const isRepeatable = isTopLevel && isPure && headers.every(slot => slot.kind !== 'value' || slot.step === prelude);
  machine.bind(
    node.name.id,
    value,
    node.name,
    isRepeatable ? { kind: 'definition', unit: machine.place(node), headers } : {}
  );
}
