// What evaluating an expression reads and changes, and which objects its value may be.
import { act, actByShell } from './acts.js';
import { note } from './ambient.js';
import { attributeOf, elementOf, keptAttributeOf } from './attributes.js';
import { capture, join } from './branches.js';
import { callExpression } from './calls.js';
import { change } from './change.js';
import { opaque } from './dynamic.js';
import { foldBinary, printed } from './fold.js';
import { functionThing, touch } from './functions.js';
import { shareIndex } from './indexes.js';
import type { Machine, Use } from './machine.js';
import type {
  Attribute,
  Collection,
  Comprehension,
  Expression,
  FormattedString,
  Node,
  Operation,
  Subscript
} from '../syntax.js';
import { isMainModule, isNamespace, isOwnName, ownNameAt } from './ownNames.js';
import { bindName, readGlobal, readName, readResult } from './scopes.js';
import { noteShellNames } from './shell.js';
import { prelude } from './slot.js';
import { ambientMagics, bindingMagics } from './tables/ambient.js';
import { isContainer } from './tables/methods.js';
import { bindTarget } from './targets.js';
import {
  constantValue,
  contentsOf,
  elementsIn,
  heldBy,
  hold,
  immutable,
  inside,
  mayHold,
  unite,
  valueOf
} from './thing.js';
import type { Frame, Thing, Value } from './thing.js';

export function evaluate(machine: Machine, node: Expression, use: Use): Value {
  const value = valueOfExpression(machine, node, use);
  if (use === 'used') touch(machine, value);
  return value;
}

function valueOfExpression(machine: Machine, node: Expression, use: Use): Value {
  switch (node.type) {
    case 'Name':
      return readName(machine, node.id, node);
    case 'Constant':
      return node.value === undefined ? immutable : constantValue(node.value);
    case 'Attribute':
      return readAttribute(machine, node, use);
    case 'Subscript':
      return readElement(machine, node);
    case 'Call':
      return callExpression(machine, node);
    case 'Lambda':
      return valueOf(functionThing(machine, node, '<lambda>'));
    case 'Comprehension':
      return comprehend(machine, node);
    case 'Collection':
      return display(machine, node);
    case 'BinaryOperation': {
      const left = evaluate(machine, node.left, 'used');
      const right = evaluate(machine, node.right, 'used');
      return combine(machine, node, node.operator, left, right);
    }
    case 'Operation':
      return operate(machine, node, use);
    case 'Conditional':
      evaluate(machine, node.test, 'used');
      return unite([perhaps(machine, node.body, use), perhaps(machine, node.orElse, use)]);
    case 'FormattedString':
      return format(machine, node);
    case 'NamedExpression': {
      const value = evaluate(machine, node.value, 'kept');
      bindName(machine, node.target.id, value, node.target);
      return value;
    }
    case 'Starred':
      return elementsIn(evaluate(machine, node.value, 'kept'));
    case 'Await':
      return evaluate(machine, node.value, use);
    case 'Yield':
      return yieldValue(machine, node.value);
    case 'Shell':
      actByShell(machine, node);
      for (const hole of node.holes) evaluate(machine, hole, 'used');
      return valueOf(machine.make(node, { madeBy: 'list' }));
    case 'Magic':
      if (ambientMagics.has(node.name)) note(machine, `%${node.name}`, node);
      else if (!node.body) act(machine);
      if (bindingMagics.has(node.name)) opaque(machine, node, `Sluice cannot see which names ‘%${node.name}’ binds.`);
      for (const hole of node.holes) evaluate(machine, hole, 'used');
      if (node.body) machine.execute(machine, node.body);
      return valueOf(machine.make(node));
  }
}

/** An operand that is not always evaluated. */
function perhaps(machine: Machine, node: Expression, use: Use): Value {
  let value = immutable;
  const outcome = capture(machine, () => {
    value = evaluate(machine, node, use);
    return true;
  });
  if (outcome.changes.size > 0) join(machine, [outcome, { falls: true, changes: new Map() }]);
  return value;
}

function readAttribute(machine: Machine, node: Attribute, use: Use): Value {
  const base = evaluate(machine, node.value, 'base');
  if (isOwnName(base, node.attr)) return readGlobal(machine, node.attr, node);
  noteShellNames(machine, base, node.attr, node);
  return use === 'callee' || use === 'base'
    ? attributeOf(machine, base, node.attr, node)
    : keptAttributeOf(machine, base, node.attr, node);
}

function readElement(machine: Machine, node: Subscript): Value {
  const named = ownNameAt(machine, node);
  if (named !== undefined) return readGlobal(machine, named, node);
  const result = readShown(machine, node);
  if (result) return result;
  const base = evaluate(machine, node.value, 'base');
  const index = evaluate(machine, node.index, 'used');
  for (const thing of base.things) {
    if (thing.instanceOf) touch(machine, valueOf(thing));
    if (thing.madeBy === 'collections.defaultdict') change(machine, valueOf(thing), node, { isPossible: true });
  }
  const only = base.things.length === 1 ? base.things[0]! : undefined;
  if (isMainModule(only, node.index)) return machine.library('__main__');
  if (only?.path !== undefined) return machine.library(`${only.path}[]`);
  if (only?.madeBy === 'tuple' && only.elements && typeof index.constant?.value === 'number') {
    const { value } = index.constant;
    return only.elements[value < 0 ? value + only.elements.length : value] ?? immutable;
  }
  return isSlice(node.index) ? slicesOf(machine, base, node) : elementsIn(base);
}

const isSlice = (index: Expression): boolean => index.type === 'Operation' && index.operator === 'slice';

/** A slice of a list is a new list of the same elements; of anything else it may be a view. */
function slicesOf(machine: Machine, base: Value, node: Subscript): Value {
  const copies = base.things.map(thing => {
    if (thing.madeBy !== 'list' && thing.madeBy !== 'tuple') return inside(valueOf(thing));
    const made = machine.make(node, { madeBy: thing.madeBy });
    hold(made, contentsOf(thing));
    return valueOf(made);
  });
  return unite([immutable, ...copies]);
}

/** `Out[3]` is what the notebook's third cell has shown. */
function readShown(machine: Machine, { value, index }: Subscript): Value | undefined {
  if (value.type !== 'Name' || (value.id !== 'Out' && value.id !== '_oh')) return undefined;
  if (index.type !== 'Constant' || typeof index.value !== 'number') return undefined;
  return readResult(machine, value.id, index.value, value);
}

function comprehend(machine: Machine, node: Comprehension): Value {
  const kind = node.kind === 'generator' ? 'generator' : node.kind;
  const made = machine.make(node, {
    madeBy: kind,
    ...(kind === 'generator' ? { untravelling: 'a generator' } : {})
  });
  const outer = machine.frame;
  const names = new Map<string, Value>();
  const frame: Frame = {
    kind: 'comprehension',
    names,
    ...(outer ? { parent: outer } : {}),
    thing: machine.make(node, {}, 'frame'),
    returns: immutable,
    depth: machine.depth
  };
  node.generators.forEach((generator, position) => {
    const iterable = evaluate(machine, generator.iterable, 'kept');
    if (position === 0) machine.frame = frame;
    declare(generator.target, names);
    bindTarget(machine, generator.target, elementOf(machine, iterable));
    for (const condition of generator.conditions) evaluate(machine, condition, 'used');
  });
  for (const element of node.elements) hold(made, evaluate(machine, element, 'kept'));
  machine.frame = outer;
  return valueOf(made);
}

function declare(target: Expression, names: Map<string, Value>): void {
  if (target.type === 'Name') names.set(target.id, immutable);
  else if (target.type === 'Starred') declare(target.value, names);
  else if (target.type === 'Collection') for (const element of target.elements) declare(element, names);
}

function display(machine: Machine, node: Collection): Value {
  const values = node.elements.map(element => evaluate(machine, element, 'kept'));
  const isPlain = node.kind !== 'dict' && node.elements.every(element => element.type !== 'Starred');
  if (node.kind === 'tuple' && values.every(value => value.things.length === 0) && !isPlain) return immutable;
  const made = machine.make(node, { madeBy: node.kind });
  const known = made.elements;
  if (isPlain && node.kind === 'tuple')
    made.elements = known ? values.map((value, index) => unite([immutable, known[index] ?? immutable, value])) : values;
  for (const value of values) hold(made, value);
  return valueOf(made);
}

/** The value of an arithmetic operation: new, but a list made of two lists holds what they hold. */
export function combine(machine: Machine, node: Node, operator: string, left: Value, right: Value): Value {
  if (left.constant && right.constant) {
    const folded = foldBinary(operator, left.constant, right.constant);
    if (folded) return { things: [], constant: folded };
  }
  if (left.things.length === 0 && (right.things.length === 0 || typeof left.constant?.value === 'string'))
    return immutable;
  const made = machine.make(node);
  for (const thing of [...left.things, ...right.things]) {
    shareIndex(made, thing);
    if (!keepsParts(operator, thing)) continue;
    hold(made, contentsOf(thing));
    mayHold(made, heldBy(thing));
  }
  return valueOf(made);
}

/** Only containers' sums hold what the operands hold; a library's arrays and numbers share nothing with their sums. */
function keepsParts(operator: string, { madeBy, instanceOf }: Thing): boolean {
  if (instanceOf || madeBy === undefined || isContainer(madeBy)) return true;
  return operator === '+' && !/^(numpy|pandas)\./.test(madeBy);
}

function operate(machine: Machine, node: Operation, use: Use): Value {
  const { operator, operands } = node;
  if (operator === 'and' || operator === 'or') {
    const [first, ...rest] = operands;
    const values = first ? [evaluate(machine, first, use)] : [];
    return unite([...values, ...rest.map(operand => perhaps(machine, operand, use)), immutable]);
  }
  const named = / ?in$/.test(operator) ? nameLookedFor(machine, operands) : undefined;
  if (named !== undefined) return named;
  const values = operands.map(operand => evaluate(machine, operand, 'used'));
  if (/\bis\b/.test(operator)) remarkIdentity(machine, node, values);
  if (operator === '**') return inside(unite([immutable, ...values]));
  const [only] = values;
  // arrays and frames are compared to arrays and frames
  if (/[<>=]/.test(operator) && values.some(({ things }) => things.length > 0)) return valueOf(machine.make(node));
  if (values.length !== 1 || !only || operator === 'not' || operator === 'slice') return immutable;
  if (operator === '-' && typeof only.constant?.value === 'number') return constantValue(-only.constant.value);
  return only.things.length > 0 ? valueOf(machine.make(node)) : immutable;
}

/** `mode is "train"`: equal texts and numbers of one session are often one object; of two sessions they never are. */
function remarkIdentity(machine: Machine, node: Operation, values: readonly Value[]): void {
  const { step } = machine;
  const isBefore = (name: string): boolean => (machine.slotOf(name)?.step ?? step) !== step;
  if (step === prelude || !node.operands.some(operand => operand.type === 'Name' && isBefore(operand.id))) return;
  const isOther = (operand: Expression): boolean => operand.type === 'Constant' && operand.kind !== 'str';
  if (values.some(({ constant }) => typeof constant?.value === 'string') && !node.operands.some(isOther))
    machine.remark(
      'identity',
      'warning',
      '‘is’ asks whether two texts are the same object, and a text that comes from an earlier step is another one here. Write ‘==’.',
      node
    );
}

/** `"x" in globals()` asks for the name x. */
function nameLookedFor(machine: Machine, [left, right]: readonly Expression[]): Value | undefined {
  if (left?.type !== 'Constant' || typeof left.value !== 'string' || !right || !isNamespace(machine, right))
    return undefined;
  const slot = machine.slotOf(left.value);
  if (slot && !slot.isDeleted) perhaps(machine, { type: 'Name', id: left.value, from: left.from, to: left.to }, 'kept');
  return immutable;
}

function format(machine: Machine, node: FormattedString): Value {
  const texts = node.parts.map(part => {
    if (typeof part === 'string') return part;
    const { constant } = evaluate(machine, part, 'used');
    return constant && printed(constant.value);
  });
  return texts.every(text => text !== undefined) ? constantValue(texts.join('')) : immutable;
}

function yieldValue(machine: Machine, node: Expression | undefined): Value {
  const value = node ? evaluate(machine, node, 'kept') : immutable;
  const { frame } = machine;
  if (frame) frame.returns = unite([frame.returns, value]);
  return immutable;
}
