// A function under `functools.cache` remembers its results: called again it does nothing and gives the same object. Its memory
// belongs to the process. Where its calls do nothing but compute, a step may fill a memory of its own, as long as what it reads is
// the same; else the function travels with what it remembers.
import { change } from './change.js';
import { look, setEntry } from './journal.js';
import type { Machine } from './machine.js';
import type { Node } from '../syntax.js';
import { prelude } from './slot.js';
import type { Slot } from './slot.js';
import { contentsOf, hold, slotsOf, unite, valueOf } from './thing.js';
import type { Thing, Value } from './thing.js';

export const isCache = (path = ''): boolean => path === 'functools.cache' || path === 'functools.lru_cache';

/** `thing` is a function that remembers its results. */
export function addMemory(machine: Machine, thing: Thing, decorator: Node): void {
  thing.memory = machine.make(decorator, { madeBy: 'dict', reads: new Map() }, 'memory');
  hold(thing, valueOf(thing.memory));
}

/** What holds the results of a function that remembers them. Of `functools.cache(f)` we see no more than that it is made so. */
const memoryOf = (thing: Thing): Thing | undefined => thing.memory ?? (isCache(thing.madeBy) ? thing : undefined);

/** What calling `thing` gives, where `call` does so for the first time. */
export function callWithMemory(machine: Machine, thing: Thing, node: Node, call: () => Value): Value {
  const memory = memoryOf(thing);
  if (!memory) return call();
  const { effects, changes } = machine;
  const { puts: bound } = machine.reading;
  const read: Slot[] = [];
  machine.logs.push(read);
  const made = call();
  machine.logs.pop();
  machine.logs.at(-1)?.push(...read);
  const hasEffect = machine.effects > effects || machine.changes > changes || machine.reading.puts > bound;
  if (!hasEffect) for (const slot of read) if (slot.kind === 'value') compareRead(machine, memory, slot, node);
  const known = unite([made, contentsOf(memory)]);
  hold(memory, made);
  if (hasEffect) change(machine, valueOf(memory), node, { isPossible: true });
  return known;
}

/** Another step may have called the function while a name that it reads was bound to something else, and remembers that. */
function compareRead(machine: Machine, memory: Thing, slot: Slot, node: Node): void {
  const { name } = slot;
  const { step } = machine;
  look(memory);
  const known = memory.reads?.get(name) as { readonly slot: Slot; readonly step: number } | undefined;
  if (!known && memory.reads) setEntry(memory, memory.reads, name, { slot, step });
  if (!known || known.slot === slot || known.step === step || step === prelude) return;
  machine.remark(
    'ambient-state',
    'warning',
    `The function called here remembers what it gave while ‘${name}’ was another, but only in the process of an earlier step; here it is computed anew. Give it ‘${name}’ as an argument, or take ‘functools.cache’ away.`,
    node
  );
}

/** `f.cache_info()` counts the calls of one process. Only a function that travels with its memory brings its counts. */
export function noteCounts(machine: Machine, base: Value, method: string, node: Node): void {
  if (method !== 'cache_info') return;
  const isLeft = ({ kind, step }: Slot): boolean => kind === 'definition' && step !== machine.step;
  const isElsewhere = (thing: Thing): boolean =>
    thing.memory !== undefined &&
    ([...slotsOf(thing)] as Slot[]).some(slot => isLeft(slot) && machine.slotOf(slot.name) === slot);
  if (base.things.some(isElsewhere))
    machine.remark(
      'ambient-state',
      'warning',
      'This counts the calls that the running process has made, and each step has one of its own. Count in the step that calls.',
      node
    );
}
