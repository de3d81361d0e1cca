// A notebook is read unit by unit: a unit is a top-level statement, or the beginning of a step. When the notebook has
// changed, a unit is read again only where it is itself new, or where something that it looked at is another than before.
// A unit that was read again and did the same as before leaves what it made then, so that an edit goes no further than its
// consequences.
import { windForward } from './journal.js';
import type { Part, Reader } from './journal.js';
import type { Machine } from './machine.js';
import { Home } from './place.js';
import { Reading } from './reading.js';
import { Comparison } from './same.js';
import type { CellNumber } from '../history.js';
import type { Node, Statement } from '../syntax.js';

/** What is to be read, and where it stands. */
export interface UnitSpec {
  /** undefined for the beginning of a step */
  readonly statement: Statement | undefined;
  /** texts that are equal have equal syntax; undefined where that is not sure */
  readonly text: string | undefined;
  readonly step: number;
  readonly role: 'step' | 'prelude' | 'parameters';
  /** whether it stands last in its cell, so that IPython shows its value */
  readonly isLast: boolean;
  /** of its cell; undefined where the notebook does not ask for numbers */
  readonly number: CellNumber | undefined;
  readonly cell: number;
  /** where the statement begins in the source of its cell */
  readonly from: number;
  /** the broken part that it stands for */
  readonly within?: Node;
}

export class Unit implements Reader {
  position = 0;
  readonly home = new Home();
  reading: Reading | undefined;

  constructor(public spec: UnitSpec) {
    this.settle();
  }

  /** Stand where `spec` says; the syntax stays. */
  moveTo(spec: UnitSpec): void {
    if (spec === this.spec) return;
    const { statement } = this.spec;
    this.replace(statement === spec.statement ? spec : { ...spec, statement });
  }

  replace(spec: UnitSpec): void {
    this.spec = spec;
    this.settle();
  }

  private settle(): void {
    const { cell, from, statement, within } = this.spec;
    this.home.cell = cell;
    this.home.shift = from - (statement?.from ?? from);
    this.home.within = within;
  }

  isStill(spec: UnitSpec): boolean {
    if (spec === this.spec) return true;
    const { statement, text, step, role, isLast, number } = this.spec;
    return (
      step === spec.step &&
      role === spec.role &&
      isLast === spec.isLast &&
      number === spec.number &&
      (statement === spec.statement || (text !== undefined && text === spec.text))
    );
  }
}

/** How a spec gets its unit: as it was, from one whose spec has changed, or anew. */
type Origin = 'still' | 'changed' | 'new';

/** The units of a notebook after an edit, before they are read. */
interface Succession {
  readonly units: readonly Unit[];
  readonly origins: readonly Origin[];
  /** units that are there no more, by the index of the unit before which they stood */
  readonly gone: ReadonlyMap<number, readonly Unit[]>;
}

export class Units {
  private units: readonly Unit[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly read: (machine: Machine, unit: Unit) => void
  ) {}

  /** Read these units in place of those that were read last. */
  update(specs: readonly UnitSpec[]): readonly Unit[] {
    const succession = succeed(this.units, specs);
    for (const unit of [...succession.gone.values()].flat().reverse()) unit.reading!.undo();
    succession.units.forEach((unit, index) => (unit.position = index));
    try {
      this.readAll(succession, specs);
    } finally {
      windForward();
    }
    return (this.units = succession.units);
  }

  private readAll({ units, origins, gone }: Succession, specs: readonly UnitSpec[]): void {
    const changed = new Set<Part>();
    // Nobody asks what is another now behind the last unit that was there before.
    const lastKnown = Math.max(origins.lastIndexOf('still'), origins.lastIndexOf('changed'));
    units.forEach((unit, index) => {
      for (const { reading } of gone.get(index) ?? []) reading!.addTo(changed);
      const spec = specs[index]!;
      if (origins[index] === 'still') this.repeat(unit, spec, changed);
      else if (origins[index] === 'changed') this.readAgain(unit, spec, changed);
      else {
        const reading = this.perform(unit);
        if (index < lastKnown) reading.addTo(changed);
      }
    });
  }

  private repeat(unit: Unit, spec: UnitSpec, changed: Set<Part>): void {
    const reading = unit.reading!;
    if (reading.dependsOn(changed)) return this.readAgain(unit, { ...spec, statement: unit.spec.statement }, changed);
    unit.moveTo(spec);
    if (changed.size > 0) reading.settle(changed);
  }

  private readAgain(unit: Unit, spec: UnitSpec, changed: Set<Part>): void {
    const before = unit.reading!;
    before.undo();
    unit.replace(spec);
    const now = this.perform(unit);
    const comparison = new Comparison(now, before, unit.home);
    if (!comparison.isSame()) {
      for (const reading of [before, now]) reading.addTo(changed);
      return;
    }
    now.undo();
    before.redo();
    before.report = comparison.keepOld();
    before.journal.takeReads(now.journal);
    unit.reading = before;
    before.settle(changed);
  }

  private perform(unit: Unit): Reading {
    const reading = new Reading(this.machine.state, unit);
    unit.reading = reading;
    this.machine.reading = reading;
    reading.perform(() => this.read(this.machine, unit));
    return reading;
  }
}

function succeed(before: readonly Unit[], specs: readonly UnitSpec[]): Succession {
  const matches = align(before, specs);
  const isTaken = new Uint8Array(before.length);
  for (const match of matches) if (match >= 0) isTaken[match] = 1;
  const origins: Origin[] = [];
  const gone = new Map<number, Unit[]>();
  let next = 0;
  const forget = (index: number, end: number): void => {
    if (next < end) gone.set(index, before.slice(next, end));
    next = end;
  };
  const units = specs.map((spec, index) => {
    const match = matches[index]!;
    if (match >= 0) {
      forget(index, match);
      next++;
      origins.push('still');
      return before[match]!;
    }
    if (next < before.length && isTaken[next] === 0) {
      origins.push('changed');
      return before[next++]!;
    }
    origins.push('new');
    return new Unit(spec);
  });
  forget(specs.length, before.length);
  return { units, origins, gone };
}

/** For each spec the index of the unit that was read for it, or -1; the order is kept. */
function align(units: readonly Unit[], specs: readonly UnitSpec[]): number[] {
  const matches = new Array<number>(specs.length).fill(-1);
  const most = Math.min(units.length, specs.length);
  let first = 0;
  while (first < most && units[first]!.isStill(specs[first]!)) matches[first] = first++;
  let last = 0;
  while (last < most - first && units.at(-1 - last)!.isStill(specs.at(-1 - last)!)) {
    last++;
    matches[specs.length - last] = units.length - last;
  }
  let next = first;
  for (let index = first; index < specs.length - last; index++)
    for (let candidate = next; candidate < Math.min(units.length - last, next + farthest); candidate++)
      if (units[candidate]!.isStill(specs[index]!)) {
        matches[index] = candidate;
        next = candidate + 1;
        break;
      }
  return matches;
}

/** So many units may be gone between two that are still there. */
const farthest = 50;
