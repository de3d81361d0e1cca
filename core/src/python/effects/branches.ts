// Branches: what names are bound to where only one of several parts of the code runs, or none.
import type { Machine } from './machine.js';
import type { Slot } from './slot.js';
import { immutable, unite } from './thing.js';
import type { Thing, Value } from './thing.js';

type Changes = ReadonlyMap<string, Slot | undefined>;

export interface Outcome {
  /** whether control comes out at the end */
  readonly falls: boolean;
  readonly changes: Changes;
}

/** Run a branch, and take back what it did to the names. */
export function capture(machine: Machine, run: () => boolean): Outcome {
  const branch = new Map<string, Slot | undefined>();
  const touched = new Set(machine.touched); // what is touched in the branch may have to be touched surely behind it
  machine.branches.push(branch);
  machine.depth++;
  const falls = run();
  machine.depth--;
  machine.branches.pop();
  const changes = new Map<string, Slot | undefined>();
  for (const [name, old] of branch) {
    changes.set(name, machine.reading.peek(name));
    machine.reading.takeBack(name, old);
  }
  machine.touched = touched;
  return { falls, changes };
}

/** Do to the names what the branch did. */
export function applyChanges(machine: Machine, changes: Changes): void {
  for (const [name, slot] of changes) machine.put(name, slot);
}

/** Go on with the names as any of these branches left them. False where none comes out. */
export function join(machine: Machine, outcomes: readonly Outcome[]): boolean {
  const falling = outcomes.filter(({ falls }) => falls);
  const names = new Set(falling.flatMap(({ changes }) => [...changes.keys()]));
  for (const name of names) {
    const old = machine.slotOf(name);
    machine.put(
      name,
      joinSlots(
        machine,
        falling.map(({ changes }) => (changes.has(name) ? changes.get(name) : old))
      )
    );
  }
  return falling.length > 0;
}

function joinSlots(machine: Machine, candidates: readonly (Slot | undefined)[]): Slot | undefined {
  const distinct = [...new Set(candidates)];
  if (distinct.length === 1) return distinct[0];
  const live = distinct.filter((slot): slot is Slot => slot !== undefined && !slot.isDeleted);
  const first = live[0];
  if (!first) return distinct.find(slot => slot !== undefined);
  const isMaybe = live.length < distinct.length || live.some(slot => slot.isMaybe);
  if (live.length === 1 && first.step === machine.step && first.kind === 'import')
    return machine.makeSlot({ ...first, isMaybe });
  const isImport =
    live.every(slot => slot.kind === 'import' && slot.step === machine.step) &&
    machine.unitReads.every(({ kind }) => kind !== 'value');
  const values = joinValues(machine, live);
  const newest = live.find(slot => slot.step === machine.step) ?? first;
  const old = live.find(slot => slot.step !== machine.step) ?? live.find(slot => slot.keeps)?.keeps;
  return machine.makeSlot({
    name: first.name,
    kind: isImport ? 'import' : 'value',
    value: live.length === 1 ? first.value : unite([immutable, ...values]),
    values,
    step: machine.step,
    origin: newest.origin,
    written: newest.written,
    isMaybe,
    ...(live.every(slot => slot.isResult) ? { isResult: true } : {}),
    ...(live.some(slot => slot.isCarried) ? { isCarried: true } : {}),
    ...(isImport ? { unit: machine.unit, headers: machine.unitReads } : {}),
    ...(old ? { keeps: old } : {})
  });
}

/** What a name may be, newest first; see `farthest`. */
function joinValues(machine: Machine, live: readonly Slot[]): Value[] {
  const { made } = machine.reading;
  const values: Value[] = [];
  const things = new Set<Thing>();
  const isNew = (slot: Slot): boolean => made.has(slot);
  for (const slot of [...live.filter(isNew), ...live.filter(slot => !isNew(slot))])
    for (const value of slot.values ?? [slot.value]) {
      if (value.things.every(thing => things.has(thing))) continue;
      if (!isNew(slot) && things.size > farthest) return values;
      values.push(value);
      for (const thing of value.things) things.add(thing);
    }
  return values;
}

/**
 * A name that many branches bind, one after the other, may still be what it was before all of them, such as the name of a
 * loop where each loop had nothing to do. Beyond so many things it is taken that one of the branches has run.
 */
const farthest = 12;
