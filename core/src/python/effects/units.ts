// A notebook is read unit by unit: a unit is a top-level statement, or the beginning of a step. When the notebook has
// changed, all units behind the first change are undone, and then read again only where they themselves are new, or where
// something that they looked at is another than before; the others are done again from their journals. A unit that was read
// again and did the same as before leaves what it made then, so that an edit goes no further than its consequences.
import type { Machine } from './machine.js';
import { Home } from './place.js';
import { Reading } from './reading.js';
import { Comparison } from './same.js';
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
  readonly cell: number;
  /** where the statement begins in the source of its cell */
  readonly from: number;
  /** the broken part that it stands for */
  readonly within?: Node;
}

export class Unit {
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
    const { statement, text, step, role, isLast } = this.spec;
    return (
      step === spec.step &&
      role === spec.role &&
      isLast === spec.isLast &&
      (statement === spec.statement || (text !== undefined && text === spec.text))
    );
  }
}

export class Units {
  private units: Unit[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly read: (machine: Machine, unit: Unit) => void
  ) {}

  /** Read these units in place of those that were read last. */
  update(specs: readonly UnitSpec[]): readonly Unit[] {
    const before = this.units;
    const matches = align(before, specs);
    let kept = 0;
    while (kept < before.length && matches[kept] === kept) kept++;
    for (let index = before.length - 1; index >= kept; index--) before[index]!.reading!.undo();
    const taken = new Set(matches);
    const changed = new Set<unknown>();
    let next = kept;
    const forget = (end: number): void => {
      for (; next < end; next++) for (const part of before[next]!.reading!.parts()) changed.add(part);
    };
    this.units = specs.map((spec, index) => {
      const match = matches[index]!;
      if (index < kept) return this.keep(before[index]!, spec);
      if (match >= 0) {
        forget(match);
        next++;
        return this.repeat(before[match]!, spec, changed);
      }
      if (next < before.length && !taken.has(next)) return this.readAgain(before[next++]!, spec, changed);
      return this.readNew(spec, changed);
    });
    forget(before.length);
    return this.units;
  }

  private keep(unit: Unit, spec: UnitSpec): Unit {
    unit.moveTo(spec);
    return unit;
  }

  private repeat(unit: Unit, spec: UnitSpec, changed: Set<unknown>): Unit {
    const reading = unit.reading!;
    if (reading.dependsOn(changed)) return this.readAgain(unit, { ...spec, statement: unit.spec.statement }, changed);
    unit.moveTo(spec);
    reading.redo();
    for (const name of reading.bound.keys()) changed.delete(name);
    return unit;
  }

  private readAgain(unit: Unit, spec: UnitSpec, changed: Set<unknown>): Unit {
    const before = unit.reading!;
    unit.replace(spec);
    const now = this.perform(unit);
    const comparison = new Comparison(now, before, unit.home);
    if (comparison.isSame()) {
      now.undo();
      before.redo();
      before.report = comparison.keepOld();
      before.journal.takeReads(now.journal);
      unit.reading = before;
      for (const name of before.bound.keys()) changed.delete(name);
      return unit;
    }
    for (const reading of [before, now]) for (const part of reading.parts()) changed.add(part);
    return unit;
  }

  private readNew(spec: UnitSpec, changed: Set<unknown>): Unit {
    const unit = new Unit(spec);
    for (const part of this.perform(unit).parts()) changed.add(part);
    return unit;
  }

  private perform(unit: Unit): Reading {
    const reading = new Reading(this.machine.state, unit);
    unit.reading = reading;
    this.machine.reading = reading;
    reading.perform(() => this.read(this.machine, unit));
    return reading;
  }
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
