// What the analysis knows of Python's objects: not their values, but which names may hold the same object, what an object
// holds, and which of the notebook's functions and classes it carries. A `Thing` stands for the objects made at one place
// of the program; a `Value` is all that an expression may be. A value without things is immutable and shares nothing.
//
// Things outlive the statement that made them, so whatever looks at their sets or changes them goes through the functions
// of this file, which keep the statement's journal.
import type { ClassDefinition, FunctionDefinition, Lambda, Node } from '../syntax.js';
import {
  addMember,
  currentReader,
  isJournaling,
  look,
  removeMembers,
  rewriteEntries,
  setEntry,
  setField
} from './journal.js';
import type { Part } from './journal.js';
import type { Home } from './place.js';

/** A constant that paths, keys and dynamic code are folded from. */
export interface Folded {
  readonly value: string | number | boolean | null;
  /** made by `Path(…)` */
  readonly isPath?: boolean;
}

export interface Value {
  readonly things: readonly Thing[];
  readonly constant?: Folded;
}

/** A moment while the notebook is read: the cell that runs. */
export interface Moment {
  readonly cell: number;
}

/** Things, and when they came to be among these. */
type Since = Map<Thing, Moment>;
type ReadonlySince = ReadonlyMap<Thing, Moment>;

/** As a part of the state it is what it holds; what holds it is another. Most hold nothing, so what does not exist is not made. */
export interface Thing extends Part {
  readonly id: number;
  /** full dotted name where it comes from a module or is built in: `numpy.random.seed`, `builtins.len` */
  readonly path?: string;
  /** dotted name of the library callable that made it, or `list`, `dict`, `set`, `tuple`, `generator` */
  readonly madeBy?: string;
  callable?: Callable;
  readonly classInfo?: ClassInfo;
  /** the notebook classes that it is an instance of */
  readonly instanceOf?: ClassInfo;
  /** the bound method's object */
  readonly self?: Value;
  /** of a tuple, list or dict display whose shape is known: its elements in order */
  elements?: readonly Value[];
  /** what it surely holds, by a display or a store */
  contents?: Since;
  /** what it may hold, because a library was given both */
  held?: Since;
  readonly around: Surroundings;
  /** the thing that stands for it and for others besides; see `collapse` */
  group?: Thing;
  /** a method that changes its object, read but not yet called: `push = xs.append` */
  changes?: Value;
  /** of a partial function: what it calls, and with what besides */
  partial?: Partially;
  /** the slots of what was registered on it: `@show.register` */
  extras: readonly object[];
  /** what a function that remembers its results holds them in */
  memory?: Thing;
  /** of such a memory: the globals that were read for it, by name */
  readonly reads?: Map<string, object>;
  /** made with a `random_state` of its own */
  isSeeded?: boolean;
  /** stands for several things that are alike */
  readonly isGroup?: boolean;
  /** why it cannot go to another process, e.g. `an open file` */
  untravelling?: string;
}

/** Where a thing is found. */
interface Surroundings extends Part {
  holders?: Since;
  /** the names bound to it, now or earlier; the machine looks whether they still are */
  slots?: Set<object>;
}

/** `functools.partial(callee, …)` */
export interface Partially {
  readonly callee: Value;
  readonly positional: readonly Value[];
  readonly keywords: readonly { readonly name?: string; readonly value: Value }[];
}

/** A function of the notebook, with the frame it closes over. */
export interface Callable {
  readonly info: FunctionInfo;
  readonly frame?: Frame;
  readonly defaults: readonly Value[];
}

export interface FunctionInfo {
  readonly name: string;
  readonly node: FunctionDefinition | Lambda;
  /** where its text stands */
  readonly home: Home;
  /** the dynamic code that it is part of */
  readonly stand?: Node;
  readonly locals: ReadonlySet<string>;
  readonly globals: ReadonlySet<string>;
  readonly isGenerator: boolean;
  readonly kind: 'function' | 'static' | 'class' | 'property';
  /** the class whose body it stands in */
  readonly owner?: ClassInfo;
}

export interface ClassInfo {
  readonly name: string;
  readonly node: ClassDefinition;
  readonly bases: readonly Value[];
  /** what `metaclass=` gives */
  readonly metaclass?: Value;
  readonly members: Map<string, Value>;
  /** the class object itself */
  thing?: Thing;
}

/**
 * Where the program is: a statement of the notebook, or a call that it leads to. What is made again at the same place of
 * the same call, as in a loop, is the same thing.
 */
export interface Site {
  readonly things: Map<object, Map<string, Thing>>;
  readonly calls: Map<object, Site>;
}

export const newSite = (): Site => ({ things: new Map(), calls: new Map() });

/** The local names of one call, or of one class body. */
export interface Frame {
  readonly kind: 'function' | 'class' | 'comprehension';
  readonly names: Map<string, Value>;
  readonly parent?: Frame;
  readonly info?: FunctionInfo;
  /** stands for all the cells that closures of this call share */
  readonly thing: Thing;
  returns: Value;
  /** how deep in branches the machine was when the frame began */
  readonly depth: number;
}

export const immutable: Value = { things: [] };

export const constantValue = (value: Folded['value'], isPath = false): Value => ({
  things: [],
  constant: isPath ? { value, isPath } : { value }
});

let lastId = 0;

/** How many things were made so far, in all; for tests of how the work grows. */
export const countThings = (): number => lastId;

export function makeThing(parts: Partial<Thing> = {}): Thing {
  const { birth } = 'birth' in parts ? parts : { birth: currentReader() };
  return { id: ++lastId, extras: none, around: { birth }, ...parts, birth };
}

const none: readonly object[] = [];

export const valueOf = (thing: Thing): Value => ({ things: [thing] });

/** The thing that stands for this one now. */
export function find(thing: Thing): Thing {
  let found = thing;
  while (found.group) found = found.group;
  return found;
}

let moment: Moment = { cell: 0 };

/** Say which cell runs: what comes to hold something from here on does so since then. */
export function setMoment(now: Moment): void {
  moment = now;
}

const isEarlier = (a: Moment, b: Moment): boolean => a.cell < b.cell;

function addContent(holder: Thing, thing: Thing, since = moment): void {
  setEntry(holder, (holder.contents ??= new Map()), thing, since, isEarlier);
}

function addHeld(holder: Thing, thing: Thing, since = moment): void {
  setEntry(holder, (holder.held ??= new Map()), thing, since, isEarlier);
}

function addHolder({ around }: Thing, holder: Thing, since = moment): void {
  setEntry(around, (around.holders ??= new Map()), holder, since, isEarlier);
}

const nothing: ReadonlySince = new Map();

/** One of a part's maps without things for which others stand now. */
function tidy(part: Part, things: Since): Since {
  let isTidy = true;
  for (const thing of things.keys()) if (thing.group) isTidy = false;
  if (isTidy) return things;
  const found: Since = new Map();
  for (const [thing, since] of things) {
    const one = find(thing);
    const known = found.get(one);
    if (!known || isEarlier(since, known)) found.set(one, since);
  }
  if (!isJournaling()) return found;
  rewriteEntries(part, things, [...found]);
  return things;
}

function contents(thing: Thing): ReadonlySince {
  look(thing);
  return thing.contents ? tidy(thing, thing.contents) : nothing;
}

function held(thing: Thing): ReadonlySince {
  look(thing);
  return thing.held ? tidy(thing, thing.held) : nothing;
}

function holders({ around }: Thing): ReadonlySince {
  look(around);
  return around.holders ? tidy(around, around.holders) : nothing;
}

/** The names bound to a thing, now or earlier. */
export function slotsOf({ around }: Thing): readonly object[] {
  look(around);
  return around.slots ? [...around.slots] : [];
}

/** `slot` says that a name is bound to this value. */
export function linkSlot({ things }: Value, slot: object): void {
  for (const thing of things) {
    const { around } = find(thing);
    addMember(around, (around.slots ??= new Set()), slot);
  }
}

export function unlinkSlots({ around }: Thing, slots: readonly object[]): void {
  if (slots.length > 0 && around.slots) removeMembers(around, around.slots, slots);
}

/** `slot` is part of what a function does: `@show.register`. */
export function addExtra(thing: Thing, slot: object): void {
  setField(thing, 'extras', [...thing.extras, slot]);
}

/** More things than this in one value, and those that are alike become one. */
const most = 48;

/**
 * A value of these things. Where they are many, those that one maker made become one thing: it holds what any of them
 * holds, is held by whatever holds one of them, and a change of one is a change of all. So no value grows beyond the
 * number of makers and functions in the notebook, and the work stays in proportion to its length.
 */
function collapse(things: Set<Thing>): Value {
  if (things.size <= most) return { things: [...things] };
  const kinds = new Map<unknown, Thing[]>();
  const found = new Set<Thing>();
  for (const thing of things) {
    const one = find(thing);
    if (one.path !== undefined || one.callable || one.classInfo || one.changes || one.partial) found.add(one);
    else {
      const kind = one.instanceOf ?? one.madeBy;
      const alike = kinds.get(kind);
      if (!alike) kinds.set(kind, [one]);
      else if (!alike.includes(one)) alike.push(one);
    }
  }
  for (const alike of kinds.values()) found.add(alike.length === 1 ? alike[0]! : group(alike));
  return { things: [...found] };
}

/** One thing for all of these: the largest group among them, where there is one, so that little has to be copied. */
function group(things: readonly Thing[]): Thing {
  const { madeBy, instanceOf } = things[0]!;
  const weight = (thing: Thing): number => (thing.isGroup ? holders(thing).size + contents(thing).size : -1);
  const largest = things.reduce((a, b) => (weight(b) > weight(a) ? b : a));
  const made = largest.isGroup
    ? largest
    : makeThing({
        isGroup: true,
        isSeeded: true,
        ...(madeBy === undefined ? {} : { madeBy }),
        ...(instanceOf === undefined ? {} : { instanceOf })
      });
  for (const thing of things) {
    if (thing === made) continue;
    if (!thing.isSeeded && made.isSeeded) setField(made, 'isSeeded', false);
    if (thing.untravelling !== undefined) setField(made, 'untravelling', thing.untravelling);
    for (const [inner, since] of contents(thing)) addContent(made, inner, since);
    for (const [inner, since] of held(thing)) addHeld(made, inner, since);
    for (const [holder, since] of holders(thing)) addHolder(made, holder, since);
    for (const slot of slotsOf(thing)) linkSlot(valueOf(made), slot);
    setField(thing, 'group', made);
  }
  return made;
}

export function unite(values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!;
  const [only, other] = values.filter(value => value.things.length > 0);
  if (!only) return immutable;
  if (!other && !only.constant && only.things.length <= most && only.things.every(thing => !thing.group)) return only;
  const things = new Set<Thing>();
  for (const value of values) for (const thing of value.things) things.add(find(thing));
  return collapse(things);
}

/** From now on `holder` surely holds what `value` may be. */
export function hold(holder: Thing, value: Value): void {
  const own = find(holder);
  for (const given of value.things) {
    const thing = find(given);
    if (thing === own || thing.path !== undefined) continue;
    addContent(own, thing);
    addHolder(thing, own);
  }
}

/** A change of a class is one of its instances, though it is no part of them. */
export function holdClass(instance: Thing, { thing }: ClassInfo): void {
  if (thing) addHolder(thing, instance);
}

function surelyHolds(holder: Thing, thing: Thing): boolean {
  look(holder);
  return holder.contents?.has(thing) ?? false;
}

/** From now on `holder` may hold what `value` may be. */
export function mayHold(holder: Thing, value: Value): void {
  const own = find(holder);
  for (const given of value.things) {
    const thing = find(given);
    if (thing === own || thing.path !== undefined || surelyHolds(own, thing)) continue;
    addHeld(own, thing);
    addHolder(thing, own);
  }
}

/** The things of a value and all they hold, however deep: surely, or `isSure` false, perhaps; when the cell `until` has run. */
export function closure({ things }: Value, { isSure = false, until = Infinity } = {}): Set<Thing> {
  const found = new Set<Thing>();
  addClosure(found, things, isSure, until);
  return found;
}

/** Add things and all they hold to some of which all that they hold is there. */
function addClosure(found: Set<Thing>, things: Iterable<Thing>, isSure = false, until = Infinity): void {
  const open: Thing[] = [];
  for (const thing of things) addOpen(found, open, thing);
  // `open` grows meanwhile
  for (const thing of open) {
    look(thing);
    if (thing.contents) addHeldUntil(found, open, tidy(thing, thing.contents), until);
    if (thing.held && !isSure) addHeldUntil(found, open, tidy(thing, thing.held), until);
    if (thing.self) for (const inner of thing.self.things) addOpen(found, open, inner);
  }
}

function addOpen(found: Set<Thing>, open: Thing[], thing: Thing): void {
  const one = find(thing);
  if (found.has(one)) return;
  found.add(one);
  open.push(one);
}

function addHeldUntil(found: Set<Thing>, open: Thing[], things: ReadonlySince, until: number): void {
  for (const thing of things.keys())
    if (until === Infinity || things.get(thing)!.cell <= until) addOpen(found, open, thing);
}

/** What an object itself surely holds. */
export const contentsOf = (thing: Thing): Value => ({ things: [...contents(find(thing)).keys()] });

/** What an object itself may hold, besides. */
export const heldBy = (thing: Thing): Value => ({ things: [...held(find(thing)).keys()] });

/** All things that hold one of these, however indirectly; these included. */
export function holdersOf(things: Iterable<Thing>, isSure = false): Set<Thing> {
  const found = new Set<Thing>();
  for (const thing of things) found.add(find(thing));
  for (const thing of found)
    for (const holder of holders(thing).keys()) if (!isSure || surelyHolds(holder, thing)) found.add(holder);
  return found;
}

/** Containers whose elements we have seen, each of them: what they give is one of those, not a part of themselves. */
const displays = new Set(['list', 'tuple', 'dict', 'set', 'generator']);

const isDisplay = ({ madeBy }: Thing): boolean => madeBy !== undefined && displays.has(madeBy);

/** What an element of a value may be. */
export function elementsIn(value: Value): Value {
  const found = new Set<Thing>();
  for (const thing of value.things)
    addClosure(found, isDisplay(thing) ? unite([contentsOf(thing), heldBy(thing)]).things : [thing]);
  for (const thing of found) if (thing.path !== undefined || thing.madeBy === 'pandas.Index') found.delete(thing);
  return collapse(found);
}

/** What reading an attribute of a value may give. */
export function inside(value: Value): Value {
  const found = closure(value);
  for (const thing of found) if (thing.path !== undefined) found.delete(thing);
  return collapse(found);
}
