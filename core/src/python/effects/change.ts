// Changes in place: an object is another one behind them for all names that lead to it.
import { currentReader } from './journal.js';
import type { Machine } from './machine.js';
import { isAttributeName, prelude } from './slot.js';
import type { Slot } from './slot.js';
import type { Node } from '../syntax.js';
import { writesThrough } from './tables/functions.js';
import { closure, find, holdersOf, slotsOf, unlinkSlots, valueOf } from './thing.js';
import type { Thing, Value } from './thing.js';

/** The objects that `value` may be change in place, and with them all that holds them. */
export function change(machine: Machine, value: Value, node: Node, { isPossible = false } = {}): void {
  if (machine.step === prelude) return;
  const own = new Set(value.things.map(find));
  if (own.size === 0) return;
  for (const thing of own) if (writesThrough(thing.madeBy)) for (const inner of closure(valueOf(thing))) own.add(inner);
  const { changed } = machine.report;
  let isSure = !isPossible && own.size === 1;
  for (const thing of own) {
    if (thing.birth !== currentReader()) machine.effects++;
    changed.add(thing);
    if (thing.isGroup) isSure = false;
  }
  const sure = isSure ? holdersOf(own, true) : new Set<Thing>();
  for (const thing of holdersOf(own)) changeSlots(machine, thing, node, sure.has(thing));
}

function changeSlots(machine: Machine, thing: Thing, node: Node, isSure: boolean): void {
  const left: Slot[] = [];
  for (const known of slotsOf(thing)) {
    const slot = known as Slot;
    if (machine.slotOf(slot.name) !== slot) left.push(slot);
    else changeSlot(machine, slot, node, isSure && slot.value.things.length === 1);
  }
  // behind a branch that ends in an error they may hold again
  if (machine.branches.length === 0) unlinkSlots(thing, left);
}

export function changeSlot(machine: Machine, slot: Slot, node: Node, isSure: boolean): void {
  if (slot.kind === 'import' || slot.isDeleted) return;
  machine.changes++;
  const written = machine.place(node);
  const changed = {
    ...slot,
    kind: 'value' as const,
    written,
    ...(isAttributeName(slot.name) && { isCarried: true })
  };
  if (slot.step === machine.step) {
    if (slot.kind !== 'value' || changed.isCarried) machine.put(slot.name, machine.makeSlot(changed));
    return;
  }
  machine.put(slot.name, machine.makeSlot({ ...changed, step: machine.step, keeps: slot }));
  // what a cell has shown is of use only to those who read it
  if (isSure && !slot.isResult) machine.need(slot, written, machine.certainty);
}
