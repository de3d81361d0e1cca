// What a name stands for where the code runs: a local name of a function that runs, a global one, or Python's own; and which
// of them an assignment binds.
import { change } from './change.js';
import { look, setEntry } from './journal.js';
import type { Machine } from './machine.js';
import { readModuleAttribute } from './moduleAttributes.js';
import type { Slot } from './slot.js';
import type { Node } from '../syntax.js';
import { builtinNames, historyNames } from './tables/builtins.js';
import { hold, immutable, unite, valueOf } from './thing.js';
import type { Frame, Value } from './thing.js';

/** What a name stands for where the code runs now. */
export function readName(machine: Machine, name: string, node: Node): Value {
  for (let frame = machine.frame; frame; frame = frame.parent) {
    if (frame.info?.globals.has(name)) break;
    if (frame.kind === 'class' && frame !== machine.frame) continue;
    look(frame.thing);
    const local = frame.names.get(name);
    if (local) return local;
    if (frame.kind === 'function' && frame.info?.locals.has(name)) return immutable;
  }
  return readGlobal(machine, name, node);
}

export function readGlobal(machine: Machine, name: string, node: Node): Value {
  const slot = machine.slotOf(name);
  if (slot && !slot.isDeleted) return machine.readSlot(slot, node);
  if (historyNames.test(name)) remarkHistory(machine, name, node);
  const star = machine.readStars(name, node);
  const put = readModuleAttribute(machine, `builtins.${name}`, node);
  if (put) return builtinNames.has(name) ? unite([machine.library(`builtins.${name}`), put]) : put;
  if (builtinNames.has(name) || historyNames.test(name)) return machine.library(`builtins.${name}`);
  if (star) return machine.library(`${(star.value.things[0]?.path ?? '?') + '.' + name}`);
  if (machine.catchesNameError === 0)
    machine.report.unbound.push({
      name,
      step: machine.step,
      range: machine.place(node),
      certainty: machine.certainty,
      ...(slot ? { deleted: slot } : {})
    });
  return immutable;
}

/** What the cell of this number has shown; undefined where the notebook itself has bound `name`, as which it is kept. */
export function readResult(machine: Machine, name: string, number: number, node: Node): Value | undefined {
  if (isBound(machine, name)) return undefined;
  if (machine.slotOf(`_${number}`)) return readGlobal(machine, `_${number}`, node);
  remarkHistory(machine, `${name}[${number}]`, node);
  return immutable;
}

function isBound(machine: Machine, name: string): boolean {
  const slot = machine.slotOf(name);
  if (slot && !slot.isDeleted) return true;
  for (let frame = machine.frame; frame; frame = frame.parent)
    if (frame.names.has(name) || frame.info?.locals.has(name)) return true;
  return false;
}

/** The first step has the notebook's own history, as far as it goes; later ones have another. What cells have shown is known by number. */
function remarkHistory(machine: Machine, name: string, node: Node): void {
  const isNumbered = /\d/.test(name) && !name.startsWith('_i');
  if (/^_{2,3}$/.test(name) || (!isNumbered && machine.step <= 0)) return;
  const reason = !isNumbered
    ? `is what this session has run and shown so far, and each step has a session of its own`
    : machine.number === 'unknown'
      ? 'counts the cells that have run, and above is one that is tagged ‘skip’: it may or may not have run'
      : 'is what the cell of that number shows when the notebook runs from top to bottom, but no step’s cell above shows a value there';
  machine.remark(
    'session-history',
    'error',
    `‘${name}’ ${reason}. Give the value a name in the cell that makes it.`,
    node
  );
}

export function bindName(machine: Machine, name: string, value: Value, node: Node, parts: Partial<Slot> = {}): void {
  const frame = bindingFrame(machine, name);
  if (frame) bindLocal(machine, frame, name, value, node);
  else bindGlobal(machine, name, value, node, parts);
}

export function bindGlobal(machine: Machine, name: string, value: Value, node: Node, parts: Partial<Slot> = {}): void {
  remarkShadow(machine, name, node);
  machine.rebind(name, value, node, parts);
}

function remarkShadow(machine: Machine, name: string, node: Node): void {
  if (!machine.slotOf(name) && builtinNames.has(name) && !name.startsWith('_'))
    machine.remark(
      'shadows-builtin',
      'info',
      `‘${name}’ is a name of Python’s own, and this gives it another meaning in all later cells. Choose another name if that is not meant.`,
      node
    );
}

function bindingFrame(machine: Machine, name: string): Frame | undefined {
  let frame = machine.frame;
  while (frame?.kind === 'comprehension' && !frame.names.has(name)) frame = frame.parent;
  if (!frame || frame.kind !== 'function') return frame;
  if (frame.info?.globals.has(name)) return undefined;
  if (!frame.info || frame.info.locals.has(name)) return frame;
  for (let outer = frame.parent; outer; outer = outer.parent)
    if (outer.kind === 'function' && outer.info?.locals.has(name)) return outer;
  return frame;
}

function bindLocal(machine: Machine, frame: Frame, name: string, value: Value, node: Node): void {
  look(frame.thing);
  const old = frame.names.get(name);
  const isOuter = frame !== machine.frame && machine.frame?.kind === 'function';
  const held = old && (isOuter || machine.depth > frame.depth) ? unite([old, value]) : value;
  setEntry(frame.thing, frame.names, name, held);
  hold(frame.thing, value);
  if (isOuter) change(machine, valueOf(frame.thing), node);
}

export function removeName(machine: Machine, name: string, node: Node): void {
  if (bindingFrame(machine, name)) return;
  const slot = machine.slotOf(name);
  readGlobal(machine, name, node);
  if (slot && !slot.isDeleted) {
    const written = machine.place(node);
    machine.put(
      name,
      machine.makeSlot({ ...slot, value: immutable, step: machine.step, origin: written, written, isDeleted: true })
    );
  }
}
