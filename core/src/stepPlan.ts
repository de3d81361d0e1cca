// From needs to what each step takes and gives: which names each step must hand on, which of them share objects and so
// travel in one bundle, and in which order a step's setup brings everything back.
import type { CellRange } from './diagnostic.js';
import type { Dependencies } from './dependencies.js';
import { groupBy } from './group.js';
import type { Notebook } from './notebook.js';
import type { Bundle, Setup } from './pipeline.js';
import { stateName, stateOf } from './python/effects/ambient.js';
import { isTableIndex } from './python/effects/indexes.js';
import { toRange } from './python/effects/place.js';
import type { Need, Setting, StepRecord } from './python/effects/report.js';
import { prelude } from './python/effects/slot.js';
import type { Slot } from './python/effects/slot.js';
import { closure, find, slotsOf, valueOf } from './python/effects/thing.js';
import type { Thing, Value } from './python/effects/thing.js';

export interface StepPlan {
  readonly needs: readonly Need[];
  readonly parameters: readonly string[];
  readonly setup: readonly Setup[];
  readonly outputs: readonly Bundle[];
  /** cells for every step that read what this step binds, and so run among its own cells */
  readonly amid: readonly number[];
}

export function planSteps(
  notebook: Notebook,
  dependencies: Dependencies,
  stepNames: readonly string[],
  lastCells: readonly number[]
): StepPlan[] {
  const { records } = dependencies;
  takePreludeReads(dependencies, lastCells);
  records.forEach(takeChangedDefinitions);
  const changed = new Set<Thing>();
  for (let step = stepNames.length - 1; step >= 0; step--) {
    for (const thing of records[step]!.changed) changed.add(find(thing));
    keepIdentity(records, step, changed, lastCells);
    provide(records, step);
  }
  const sources = records.map((record, step) => collectSources(record, step));
  const needs = records.flatMap(record => [...record.needs.values()]);
  const given = groupBy(needs, ({ slot }) => (slot.kind === 'value' ? slot.step : prelude));
  const outputs = stepNames.map((_, step) => bundleOutputs(given.get(step) ?? [], lastCells[step]!, changed));
  return stepNames.map((_, step) => ({
    needs: [...records[step]!.needs.values()],
    parameters: parametersOf(dependencies, step, lastCells[step] ?? 0),
    setup: orderSetup(notebook, dependencies, sources[step]!, step, stepNames, outputs, lastCells[step] ?? 0),
    outputs: outputs[step]!,
    amid: findAmid(dependencies, step, lastCells[step] ?? 0)
  }));
}

/** Cells that run in every step may read what steps bound: then each step below takes it, and the steps above do without the cell. */
function takePreludeReads({ records, preludeReads }: Dependencies, lastCells: readonly number[]): void {
  for (const { range, slot } of preludeReads.filter(({ slot }) => slot.kind !== 'parameter'))
    lastCells.forEach((lastCell, step) => {
      const { needs } = records[step]!;
      if (step <= slot.step || lastCell < range.cell || needs.has(slot.name)) return;
      needs.set(slot.name, { slot, range: slot.written, through: [], certainty: 'certain' });
    });
}

/** Classes and functions that are made anew in every step: where a step has changed one, those that take what holds it take it as well. */
function takeChangedDefinitions({ needs }: StepRecord, step: number): void {
  for (const { slot, ...need } of [...needs.values()]) {
    if (slot.kind !== 'value') continue;
    for (const thing of closure(slot.value)) {
      const definition = thing.instanceOf?.thing ?? thing;
      const slots = (definition.classInfo || definition.callable ? slotsOf(definition) : []) as readonly Slot[];
      const changed = slots.filter(
        ({ kind, step: from, keeps }) => kind === 'value' && from < step && isOfPrelude(keeps)
      );
      const last = changed.sort((a, b) => before(a.written, b.written)).at(-1);
      if (last && !needs.has(last.name)) needs.set(last.name, { ...need, slot: last, certainty: 'possible' });
    }
  }
}

const isOfPrelude = (slot: Slot | undefined): boolean =>
  slot !== undefined && (slot.step === prelude ? slot.kind === 'definition' : isOfPrelude(slot.keeps));

/** Cells that run in every step, above this step's last cell, and read what it binds. */
function findAmid({ preludeReads, preludeParts }: Dependencies, step: number, lastCell: number): number[] {
  const reading = new Set(preludeReads.filter(({ slot }) => slot.step === step).map(({ range }) => range.cell));
  return [...new Set(preludeParts.map(({ cell }) => cell))].filter(cell => cell < lastCell && reading.has(cell));
}

/**
 * Two names that share an object which this step or a later one has `changed` must come from one step, in one bundle: from the
 * one that wrote last, which thus takes the other name as well.
 */
function keepIdentity(
  records: readonly StepRecord[],
  step: number,
  changed: ReadonlySet<Thing>,
  lastCells: readonly number[]
): void {
  const { needs } = records[step]!;
  const values = [...needs.values()].filter(({ slot }) => slot.kind === 'value' && stateOf(slot.name) === undefined);
  const until = Math.max(...values.map(({ slot }) => lastCells[slot.step] ?? 0));
  for (const group of sharingGroups(values, slot => changedIn(slot, changed, until)))
    takeFromLast(records, needs, group, true);
  const left = [...needs.values()].filter(({ slot }) => slot.kind === 'value' && stateOf(slot.name) === undefined);
  for (const group of sharingGroups(left, slot => closure(slot.value, { isSure: true, until })))
    takeFromLast(records, needs, group, false);
}

/** The step that wrote last gives all of the group; `isNeeded`: it takes what it lacks, else it only gives what it has. */
function takeFromLast(
  records: readonly StepRecord[],
  needs: Map<string, Need>,
  group: readonly Need[],
  isNeeded: boolean
): void {
  const last = group.reduce((a, b) => (before(a.slot.written, b.slot.written) > 0 ? a : b)).slot.step;
  const { needs: given, binds } = records[last]!;
  for (const need of group) {
    const { slot } = need;
    if (slot.step >= last || needs.get(slot.name) !== need) continue;
    const isThere = given.get(slot.name)?.slot === slot;
    if (!isThere && (!isNeeded || given.has(slot.name) || binds.has(slot.name))) continue;
    needs.set(slot.name, { ...need, slot: { ...slot, step: last, keeps: slot } });
    if (!isThere) given.set(slot.name, { slot, range: slot.written, through: [], certainty: 'possible' });
  }
}

function changedIn({ value }: Slot, changed: ReadonlySet<Thing>, until: number): Set<Thing> {
  const things = [...partsOf(value, until)].flatMap(thing =>
    thing.instanceOf?.thing ? [thing, thing.instanceOf.thing] : [thing]
  );
  return new Set(things.filter(thing => changed.has(thing)));
}

/** All that travels with a value: what it holds, and the classes of its instances where they do not travel as source. */
function partsOf(value: Value, until: number): Set<Thing> {
  const found = closure(value, { until });
  for (const { instanceOf } of found)
    if (instanceOf?.thing && !found.has(instanceOf.thing) && !definitionOf(instanceOf.thing))
      for (const part of closure(valueOf(instanceOf.thing), { until })) found.add(part);
  return found;
}

function sharingGroups(needs: readonly Need[], thingsOf: (slot: Slot) => Set<Thing>): Need[][] {
  const groups: { needs: Need[]; things: Set<Thing> }[] = [];
  for (const need of needs) {
    const merged = { needs: [need], things: new Set(thingsOf(need.slot)) };
    for (const group of groups.filter(({ things }) => [...things].some(thing => merged.things.has(thing)))) {
      merged.needs.push(...group.needs);
      for (const thing of group.things) merged.things.add(thing);
      groups.splice(groups.indexOf(group), 1);
    }
    groups.push(merged);
  }
  return groups.map(({ needs: members }) => members).filter(({ length }) => length > 1);
}

/** A step that gives what it did not bind itself must take it first. */
function provide(records: readonly StepRecord[], taker: number): void {
  for (const { slot } of records[taker]!.needs.values()) {
    const { step, keeps, written, kind } = slot;
    if (kind !== 'value' || !keeps || keeps.step === step) continue;
    const record = records[step]!;
    if (keeps.kind === 'parameter') record.parameters.set(keeps.name, keeps);
    else if (keeps.step !== prelude && !record.needs.has(keeps.name))
      record.needs.set(keeps.name, { slot: keeps, range: written, through: [], certainty: 'possible' });
  }
}

/** Imports and definitions that must be there so that what the step takes can live. */
function collectSources(record: StepRecord, step: number): ReadonlySet<Slot> {
  const { needs, parameters } = record;
  const sources = new Set<Slot>();
  const add = (slot: Slot): void => {
    if (slot.kind === 'parameter') parameters.set(slot.name, slot);
    if (slot.step === prelude || (slot.kind !== 'definition' && slot.kind !== 'import') || sources.has(slot)) return;
    sources.add(slot);
    for (const { extras } of slot.value.things) for (const extra of extras) add(extra as Slot);
    for (const header of slot.headers ?? []) add(header);
  };
  for (const { reads } of repeatedSettings(record)) reads.forEach(add);
  for (const { slot } of needs.values()) {
    add(slot);
    if (slot.kind === 'value') for (const carried of carriedDefinitions(slot)) if (carried.step !== step) add(carried);
  }
  return sources;
}

/** What sets an attribute of a module is not repeated where the step takes the attribute itself. */
const repeatedSettings = ({ needs, settings }: StepRecord): readonly Setting[] =>
  settings.filter(({ attribute }) => attribute === undefined || !needs.has(attribute));

/** The definitions that a value carries: functions in a list, the class of an instance. */
function carriedDefinitions(slot: Slot): Slot[] {
  const found: Slot[] = [];
  for (const thing of closure(slot.value))
    for (const source of [thing, thing.instanceOf?.thing])
      if (source?.callable || source?.classInfo) {
        const definition = definitionOf(source);
        if (definition) found.push(definition);
      }
  return found;
}

function definitionOf(thing: Thing): Slot | undefined {
  const slots = [...slotsOf(thing)] as Slot[];
  const isChanged = slots.some(
    slot => slot.kind === 'value' && slot.keeps?.kind === 'definition' && hasSame(slot.value, slot.keeps.value)
  );
  return isChanged ? undefined : slots.reverse().find(slot => slot.kind === 'definition');
}

/** Branches that came together leave another value with the same things. */
const hasSame = (a: Value, b: Value): boolean =>
  a === b || (a.things.length === b.things.length && a.things.every(thing => b.things.includes(thing)));

function parametersOf({ records, preludeReads, parameters }: Dependencies, step: number, lastCell: number): string[] {
  const read = new Set(records[step]!.parameters.keys());
  for (const { range, slot } of preludeReads)
    if (slot.kind === 'parameter' && range.cell < lastCell) read.add(slot.name);
  return parameters.filter(({ name }) => read.has(name)).map(({ name }) => name);
}

/** What later steps take from a step, put together where names may share objects. */
function bundleOutputs(needs: readonly Need[], lastCell: number, changed: ReadonlySet<Thing>): Bundle[] {
  const given = new Map(needs.map(({ slot }) => [slot.name, slot]));
  const groups: { names: string[]; things: Set<Thing> }[] = [];
  for (const [name, slot] of [...given].sort(([, a], [, b]) => before(a.written, b.written))) {
    const things = [...partsOf(slot.value, lastCell)].filter(thing => !isTableIndex(thing) || changed.has(thing));
    const merged = { names: [name], things: new Set(things) };
    for (const group of groups.filter(({ things }) => [...things].some(thing => merged.things.has(thing)))) {
      merged.names.unshift(...group.names);
      for (const thing of group.things) merged.things.add(thing);
      groups.splice(groups.indexOf(group), 1);
    }
    groups.push(merged);
  }
  const taken = new Set<string>();
  return groups.map(({ names }) => {
    const state = stateOf(names[0]!);
    if (state === undefined) return { artifact: artifactName(names[0]!, taken), names };
    return { artifact: artifactName(`${state}_state`, taken), names: [], states: [state] };
  });
}

function artifactName(name: string, taken: Set<string>): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .replace(/^[^a-z]+/, '');
  const base = plain === '' ? 'value' : plain;
  let artifact = base;
  for (let count = 2; taken.has(artifact); count++) artifact = `${base}_${count}`;
  taken.add(artifact);
  return artifact;
}

const before = (a: CellRange, b: CellRange): number => a.cell - b.cell || a.from - b.from;

function orderSetup(
  notebook: Notebook,
  { records, preludeReads, preludeParts }: Dependencies,
  sources: ReadonlySet<Slot>,
  step: number,
  stepNames: readonly string[],
  outputs: readonly (readonly Bundle[])[],
  lastCell: number
): Setup[] {
  const items: { at: CellRange; setup: Setup }[] = [];
  const { needs } = records[step]!;
  const units = new Map<string, CellRange>();
  const tooEarly = new Set(
    preludeReads.filter(({ slot }) => slot.step !== prelude && step <= slot.step).map(({ range }) => range.cell)
  );
  for (const part of preludeParts)
    if (part.cell < lastCell && !tooEarly.has(part.cell)) units.set(`${part.cell}:${part.from}`, part);
  for (const { unit } of sources) if (unit) units.set(`${unit.cell}:${unit.from}`, unit);
  for (const { unit } of repeatedSettings(records[step]!)) units.set(`${unit.cell}:${unit.from}`, unit);
  for (const range of units.values()) {
    const source = notebook.cells[range.cell]!.source.slice(range.from, range.to);
    items.push({ at: range, setup: { kind: 'source', range: toRange(range), source } });
  }
  const taken = groupBy(
    [...needs.values()].map(({ slot }) => slot).filter(({ kind }) => kind === 'value'),
    slot => slot.step
  );
  for (const from of [...taken.keys()].sort((a, b) => a - b))
    for (const bundle of outputs[from] ?? []) {
      const given = [...bundle.names, ...(bundle.states ?? []).map(stateName)];
      const slots = taken.get(from)!.filter(({ name }) => given.includes(name));
      if (slots.length === 0) continue;
      const names = bundle.names.filter(name => slots.some(slot => slot.name === name));
      const at = slots
        .map(({ written }) => written)
        .sort(before)
        .at(-1)!;
      items.push({ at, setup: { kind: 'value', from: stepNames[from]!, bundle: { ...bundle, names } } });
    }
  return items.sort((a, b) => before(a.at, b.at)).map(({ setup }) => setup);
}
