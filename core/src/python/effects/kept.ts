// What the notebook's own modules keep, as the steps use it. Who calls a function that reads it takes it from the step that changed it last, and who
// calls one that changes it gives it on, under its dotted name, as `moduleAttributes` does with what the notebook itself puts on modules.
import { act } from './acts.js';
import { change, changeSlot } from './change.js';
import type { Machine } from './machine.js';
import { keepsForItself } from './ownModules.js';
import { prelude } from './slot.js';
import type { Slot } from './slot.js';
import type { Node } from '../syntax.js';
import { ofItself } from './tables/functions.js';
import { immutable, linkSlot, valueOf } from './thing.js';
import type { Value } from './thing.js';

export const isKept = ({ ownModules }: Machine, path: string): boolean => Object.hasOwn(ownModules.kept, path);

/** Something is called, or given to who may call it. */
export function useMember(machine: Machine, path: string, node: Node): void {
  const member = machine.ownModules.members[path];
  if (!member || machine.step === prelude) return;
  for (const kept of member.reads) readKept(machine, kept, node);
  for (const kept of member.changes) changeKept(machine, kept, node);
  if (member.changes.length > 0) act(machine);
}

/** `helpers.items`, where the module keeps that; undefined for all else. */
export function readKept(machine: Machine, path: string, node: Node): Value | undefined {
  return isKept(machine, path) ? machine.readSlot(slotFor(machine, path, node), node) : undefined;
}

/** `helpers.items = value`; false where the module does not keep it. */
export function setKept(machine: Machine, path: string, value: Value, node: Node): boolean {
  if (!isKept(machine, path)) return false;
  machine.rebind(path, value, node, { isCarried: true });
  act(machine);
  return true;
}

function changeKept(machine: Machine, path: string, node: Node): void {
  const slot = slotFor(machine, path, node);
  machine.readSlot(slot, node);
  if (slot.value.things.length > 0) change(machine, slot.value, node, { isPossible: true });
  else changeSlot(machine, slot, node, false);
}

/** Until a step changes it, each has it as the module's source makes it. */
function slotFor(machine: Machine, path: string, node: Node): Slot {
  const known = machine.slotOf(path);
  if (known && !known.isDeleted) return known;
  const maker = machine.ownModules.kept[path];
  const travel = maker === keepsForItself ? { untravelling: ofItself } : {};
  const value = maker ? valueOf(machine.make(node, { madeBy: maker, ...travel }, path)) : immutable;
  const place = machine.place(node);
  const parts = { kind: 'value', step: prelude, origin: place, written: place, isCarried: true } as const;
  const slot = machine.makeSlot({ name: path, value, ...parts });
  linkSlot(value, slot);
  machine.put(path, slot);
  return slot;
}
