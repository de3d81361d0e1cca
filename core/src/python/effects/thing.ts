// What the analysis knows of Python's objects: not their values, but which names may hold the same object, what an object
// holds, and which of the notebook's functions and classes it carries. A `Thing` stands for the objects made at one place
// of the program; a `Value` is all that an expression may be. A value without things is immutable and shares nothing.
import type { ClassDefinition, FunctionDefinition, Lambda } from '../syntax.js';

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

export interface Thing {
  readonly id: number;
  /** full dotted name where it comes from a module or is built in: `numpy.random.seed`, `builtins.len` */
  readonly path?: string;
  /** dotted name of the library callable that made it, or `list`, `dict`, `set`, `tuple`, `generator` */
  readonly madeBy?: string;
  readonly callable?: Callable;
  readonly classInfo?: ClassInfo;
  /** the notebook classes that it is an instance of */
  readonly instanceOf?: ClassInfo;
  /** the bound method's object */
  readonly self?: Value;
  /** of a tuple, list or dict display whose shape is known: its elements in order */
  readonly elements?: readonly Value[];
  /** what it surely holds, by a display or a store */
  readonly contents: Set<Thing>;
  /** what it may hold, because a library was given both */
  readonly held: Set<Thing>;
  readonly holders: Set<Thing>;
  /** a method that changes its object, read but not yet called: `push = xs.append` */
  readonly changes?: Value;
  /** the slots of what was registered on it: `@show.register` */
  readonly extras: object[];
  /** the names bound to it, now or earlier; the machine looks whether they still are */
  readonly slots: Set<object>;
  /** made with a `random_state` of its own */
  readonly isSeeded?: boolean;
  /** why it cannot go to another process, e.g. `an open file` */
  readonly untravelling?: string;
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
  /** cell that its text stands in */
  readonly cell: number;
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
  readonly cell: number;
  readonly bases: readonly Value[];
  readonly members: Map<string, Value>;
  /** the class object itself */
  thing?: Thing;
}

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

export function makeThing(parts: Partial<Thing> = {}): Thing {
  return {
    ...parts,
    id: ++lastId,
    contents: new Set(),
    held: new Set(),
    holders: new Set(),
    slots: new Set(),
    extras: []
  };
}

export const valueOf = (thing: Thing): Value => ({ things: [thing] });

export function unite(values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!;
  const things = new Set<Thing>();
  for (const value of values) for (const thing of value.things) things.add(thing);
  return { things: [...things] };
}

/** From now on `holder` surely holds what `value` may be. */
export function hold(holder: Thing, value: Value): void {
  for (const thing of value.things) {
    if (thing === holder || thing.path !== undefined) continue;
    holder.contents.add(thing);
    thing.holders.add(holder);
  }
}

/** From now on `holder` may hold what `value` may be. */
export function mayHold(holder: Thing, value: Value): void {
  for (const thing of value.things) {
    if (thing === holder || thing.path !== undefined || holder.contents.has(thing)) continue;
    holder.held.add(thing);
    thing.holders.add(holder);
  }
}

/** The things of a value and all they hold, however deep. */
export function closure(value: Value, isSure = false): Set<Thing> {
  const found = new Set<Thing>(value.things);
  for (const thing of found) {
    for (const inner of thing.contents) found.add(inner);
    if (!isSure) for (const inner of thing.held) found.add(inner);
    if (thing.self) for (const inner of thing.self.things) found.add(inner);
  }
  return found;
}

/** All things that hold one of these, however indirectly; these included. */
export function holdersOf(things: Iterable<Thing>, isSure = false): Set<Thing> {
  const found = new Set<Thing>(things);
  for (const thing of found)
    for (const holder of thing.holders) if (!isSure || holder.contents.has(thing)) found.add(holder);
  return found;
}

/** Containers whose elements we have seen, each of them: what they give is one of those, not a part of themselves. */
const displays = new Set(['list', 'tuple', 'dict', 'set', 'generator']);

/** What an element of a value may be. */
export function elementsIn(value: Value): Value {
  const found = new Set<Thing>();
  for (const thing of value.things) {
    const isDisplay = thing.madeBy !== undefined && displays.has(thing.madeBy);
    for (const inner of closure(isDisplay ? { things: [...thing.contents, ...thing.held] } : valueOf(thing)))
      if (inner.path === undefined) found.add(inner);
  }
  return { things: [...found] };
}

/** What reading an attribute of a value may give. */
export function inside(value: Value): Value {
  return { things: [...closure(value)].filter(thing => thing.path === undefined) };
}
