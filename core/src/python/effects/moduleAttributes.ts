// What the notebook puts on modules: `config.items = []`. Later steps run such a statement again, as they do with all that sets
// the process. That gives them what it has set until something changes this in place, and where the statement does
// nothing else; otherwise the attribute travels as a value does, under its dotted name.
import type { Machine } from './machine.js';
import type { Node } from '../syntax.js';
import type { Slot } from './slot.js';
import { isContainer } from './tables/methods.js';
import { immutable } from './thing.js';
import type { Thing, Value } from './thing.js';

/** What the notebook has put on a module, under its dotted name; undefined where the module has what it has of its own. */
export function readModuleAttribute(machine: Machine, path: string, node: Node): Value | undefined {
  const slot = attributeSlot(machine, path);
  return slot?.isCarried ? machine.readSlot(slot, node) : slot?.value;
}

function attributeSlot({ reading }: Machine, path: string): Slot | undefined {
  if (!reading.attributes().includes(path)) return undefined;
  const slot = reading.look(path);
  return slot?.isDeleted ? undefined : slot;
}

/** Whether the method is one of what the notebook itself has put on a module. */
export const isOfNotebook = (machine: Machine, method: string): boolean =>
  attributeSlot(machine, ownerOf(method)) !== undefined;

/** `config.items` of `config.items.append` */
export const ownerOf = (path: string): string => path.slice(0, path.lastIndexOf('.'));

/** `config.items = value`. Whether the attribute travels, so that the statement need not run again in later steps. */
export function setAttribute(
  machine: Machine,
  path: string,
  value: Value,
  node: Node,
  { isRepeatable }: { readonly isRepeatable: boolean }
): boolean {
  const isCarried = (!isRepeatable || attributeSlot(machine, path)?.isCarried === true) && canBeCarried(path, value);
  machine.reading.addAttribute(path);
  machine.rebind(path, value, node, isCarried ? { isCarried } : {});
  return isCarried;
}

/** `del config.items` */
export function deleteAttribute(machine: Machine, path: string, node: Node): void {
  if (attributeSlot(machine, path)) machine.rebind(path, immutable, node, { isDeleted: true });
}

/** Streams and the like would not be the same behind a journey; functions travel with the statement that puts them there. */
const canBeCarried = (path: string, { things }: Value): boolean => !/^(sys|os)\./.test(path) && things.every(isData);

const isData = ({ madeBy = '', instanceOf, untravelling }: Thing): boolean =>
  untravelling === undefined &&
  (instanceOf !== undefined || isContainer(madeBy) || /^(numpy|pandas)\.(?!random\.)/.test(madeBy));

/** At the beginning of a step: attributes that travel are taken, and the functions among the others may be called by whoever finds them there. */
export function takeAttributes(machine: Machine, touch: (machine: Machine, value: Value) => void): void {
  for (const path of new Set(machine.reading.attributes())) {
    const slot = attributeSlot(machine, path);
    if (!slot || slot.step === machine.step) continue;
    if (slot.isCarried) machine.need(slot, slot.written, 'possible');
    touch(machine, slot.value);
  }
}
