// The machine that reads a notebook from top to bottom without running it. It knows, at every point, what each global
// name is bound to, which step bound or last changed it, and which old value may still be behind it. Every read of a
// name that an earlier step left is a need of the reading step.
import type { CellRange } from '../../diagnostic.js';
import type { Expression, Node, ParsedCell, Statement } from '../syntax.js';
import { currentReader, look, setEntry } from './journal.js';
import { comesBefore, Home, Place } from './place.js';
import type { CellNumber } from '../history.js';
import type { StarNames } from '../stars.js';
import { newState, Reading } from './reading.js';
import { addNeed, addRemark } from './report.js';
import type { Remark, Report } from './report.js';
import { isAttributeName, prelude } from './slot.js';
import type { Certainty, Slot } from './slot.js';
import { builtinNames, historyNames } from './tables/builtins.js';
import { writesThrough } from './tables/functions.js';
import {
  closure,
  find,
  hold,
  holdersOf,
  immutable,
  linkSlot,
  makeThing,
  newSite,
  slotsOf,
  unite,
  unlinkSlots,
  valueOf
} from './thing.js';
import type { Callable, Frame, Site, Thing, Value } from './thing.js';

type Changes = ReadonlyMap<string, Slot | undefined>;

export interface Outcome {
  /** whether control comes out at the end */
  readonly falls: boolean;
  readonly changes: Changes;
}

/**
 * What becomes of an expression's value. `kept`: it is stored or passed to where we go on watching it. `base`: an
 * attribute or element of it is taken. `callee`: it is called. `used`: anyone may do anything with it, such as call it.
 */
export type Use = 'kept' | 'base' | 'callee' | 'used';

export class Machine {
  readonly state = newState();
  reading = new Reading(this.state, { position: 0 });
  /** slots read since the last push; what a definition's header reads */
  readonly logs: Slot[][] = [];

  step = prelude;
  /** of the cell that runs now; undefined where the notebook does not ask for numbers */
  number: CellNumber | undefined;
  /** of the statement, or the function in it, that runs now */
  home = new Home();
  /** the top-level statement that runs now */
  unit: CellRange = new Place(this.home, 0, 0);
  /** undefined at the beginning of a step, where what earlier steps have set is repeated */
  statement: Statement | undefined;
  /** what the top-level statement that runs now has read, and whether it only sets things */
  unitReads: Slot[] = [];
  isPlainUnit = false;
  /** the expression that stands alone now: nobody takes its value */
  dropped: Expression | undefined;
  /** the value of the last expression that stood alone */
  shown: Value | undefined;
  frame: Frame | undefined;
  site: Site = newSite();
  /** the call that was made last */
  call: object = this;
  /** nesting of branches that may not run */
  depth = 0;
  /** names of the functions that are running, outermost first */
  through: readonly string[] = [];
  /** functions that are running, against recursion */
  readonly running: Callable[] = [];
  /** partial functions that are being called, for the same reason */
  readonly opened = new Set<Thing>();
  /** places of dynamic code stand for all that is in it */
  stand: Node | undefined;
  /** the `try` around imports, where it travels as a whole */
  importTry: CellRange | undefined;
  /** what the running `try` may catch, as far as the notebook raises it itself */
  raised: readonly Value[] = [];
  /** inside a `try` that catches NameError */
  catchesNameError = 0;
  /**
   * Statements that may still be run inside functions for the sake of one statement of the notebook. When it is used up,
   * each function runs once more at most, so that nothing is missed and the work stays bounded.
   */
  fuel = 0;
  /** bodies that ran for the statement of the notebook that runs now */
  readonly ran = new Set<Node>();
  /** how often a name's object changed in place */
  changes = 0;
  /** how often something was done that can be seen, that changes what was there before, or that gives another thing each time */
  effects = 0;
  /** how often it did what is another thing when it is done again: wrote a file, asked for the time */
  unrepeatable = 0;
  /** what was touched since the last binding, so that it is not done twice */
  touched = new Set<unknown>();

  private readonly branches: Map<string, Slot | undefined>[] = [];
  private readonly libraries = new Map<string, Value>();

  constructor(
    readonly parse: (source: string) => ParsedCell,
    readonly evaluate: (machine: Machine, node: Expression, use: Use) => Value,
    readonly execute: (machine: Machine, body: readonly Statement[]) => boolean,
    readonly starNames: StarNames
  ) {}

  place(node: Node): Place {
    const { from, to } = this.stand ?? node;
    return new Place(this.home, from, to);
  }

  get report(): Report {
    return this.reading.report;
  }

  /** What a global name is bound to now. */
  slotOf(name: string): Slot | undefined {
    return this.reading.look(name);
  }

  get certainty(): Certainty {
    return this.depth === 0 ? 'certain' : 'possible';
  }

  remark(code: string, severity: Remark['severity'], message: string, node: Node): void {
    addRemark(this.report.remarks, { code, severity, message, range: this.place(node) });
  }

  /** The thing that is made at this place; `role` tells several of one place apart. */
  make(place: object, parts: Partial<Thing> = {}, role = parts.madeBy ?? ''): Thing {
    const { things } = this.site;
    let here = things.get(place);
    if (!here) things.set(place, (here = new Map()));
    let thing = here.get(role);
    if (!thing) here.set(role, (thing = makeThing(parts)));
    return thing;
  }

  /** Go into a call of the function that stands at `node`. What it makes is told apart by the call that led there. */
  enter(node: object): Site {
    const { site, call } = this;
    const calls = site.calls.get(call) ?? newSite();
    site.calls.set(call, calls);
    this.site = calls.calls.get(node) ?? newSite();
    calls.calls.set(node, this.site);
    return site;
  }

  /** The source that imports again: the whole `try` around it, where that is all that the `try` is for. */
  importUnit(node: Node): CellRange {
    return this.importTry ?? this.place(node);
  }

  /** The value of a module's or built-in name. */
  library(path: string): Value {
    let value = this.libraries.get(path);
    if (!value) this.libraries.set(path, (value = valueOf(makeThing({ path, birth: undefined }))));
    return value;
  }

  // Names

  read(name: string, node: Node): Value {
    for (let frame = this.frame; frame; frame = frame.parent) {
      if (frame.info?.globals.has(name)) break;
      if (frame.kind === 'class' && frame !== this.frame) continue;
      look(frame.thing);
      const local = frame.names.get(name);
      if (local) return local;
      if (frame.kind === 'function' && frame.info?.locals.has(name)) return immutable;
    }
    return this.readGlobal(name, node);
  }

  readGlobal(name: string, node: Node): Value {
    const slot = this.slotOf(name);
    if (slot && !slot.isDeleted) {
      this.logs.at(-1)?.push(slot);
      this.unitReads.push(slot);
      if (slot.kind === 'import' && this.step !== prelude) {
        const root = slot.value.things[0]?.path?.split('.')[0];
        if (root !== undefined) this.report.uses.add(root);
      }
      this.need(slot, this.place(node), this.certainty);
      if (slot.step !== this.step) this.readStars(name, node, slot);
      return slot.value;
    }
    if (historyNames.test(name)) this.remarkHistory(name, node);
    const star = this.readStars(name, node);
    const put = this.readModuleAttribute(`builtins.${name}`, node);
    if (put) return builtinNames.has(name) ? unite([this.library(`builtins.${name}`), put]) : put;
    if (builtinNames.has(name) || historyNames.test(name)) return this.library(`builtins.${name}`);
    if (star) return this.library(`${(star.value.things[0]?.path ?? '?') + '.' + name}`);
    if (this.catchesNameError === 0)
      this.report.unbound.push({
        name,
        step: this.step,
        range: this.place(node),
        certainty: this.certainty,
        ...(slot ? { deleted: slot } : {})
      });
    return immutable;
  }

  /** What the notebook has put on a module, under its dotted name; undefined where the module has what it has of its own. */
  readModuleAttribute(path: string, node: Node): Value | undefined {
    const slot = this.attributeSlot(path);
    return slot?.isCarried ? this.readGlobal(path, node) : slot?.value;
  }

  attributeSlot(path: string): Slot | undefined {
    if (!this.reading.attributes().includes(path)) return undefined;
    const slot = this.slotOf(path);
    return slot?.isDeleted ? undefined : slot;
  }

  /** `import *` of modules that nobody could look into may have bound the name, or bound it anew after `slot`. The last of them. */
  private readStars(name: string, node: Node, slot?: Slot): Slot | undefined {
    let last: Slot | undefined;
    for (const [index, star] of this.reading.stars().entries()) {
      if (slot && comesBefore(star.written, slot.written)) continue;
      last = star;
      this.logs.at(-1)?.push(star);
      if (star.step === prelude || star.step === this.step || this.step === prelude) continue;
      const isPlain = !slot && !builtinNames.has(name);
      const need = { slot: isPlain ? { ...star, name } : star, range: this.place(node), through: this.through };
      addNeed(this.report.needs, `${need.slot.name} of star ${index}`, { ...need, certainty: 'possible' });
    }
    return last;
  }

  /** What the cell of this number has shown; undefined where the notebook itself has bound `name`, as which it is kept. */
  readResult(name: string, number: number, node: Node): Value | undefined {
    if (this.isBound(name)) return undefined;
    if (this.slotOf(`_${number}`)) return this.readGlobal(`_${number}`, node);
    this.remarkHistory(`${name}[${number}]`, node);
    return immutable;
  }

  private isBound(name: string): boolean {
    const slot = this.slotOf(name);
    if (slot && !slot.isDeleted) return true;
    for (let frame = this.frame; frame; frame = frame.parent)
      if (frame.names.has(name) || frame.info?.locals.has(name)) return true;
    return false;
  }

  /** The first step has the notebook's own history, as far as it goes; later ones have another. What cells have shown is known by number. */
  private remarkHistory(name: string, node: Node): void {
    const isNumbered = /\d/.test(name) && !name.startsWith('_i');
    if (/^_{2,3}$/.test(name) || (!isNumbered && this.step <= 0)) return;
    const reason = !isNumbered
      ? `is what this session has run and shown so far, and each step has a session of its own`
      : this.number === 'unknown'
        ? 'counts the cells that have run, and above is one that is tagged ‘skip’: it may or may not have run'
        : 'is what the cell of that number shows when the notebook runs from top to bottom, but no step’s cell above shows a value there';
    this.remark(
      'session-history',
      'error',
      `‘${name}’ ${reason}. Give the value a name in the cell that makes it.`,
      node
    );
  }

  /** The running step needs what a slot holds. */
  need(slot: Slot, range: CellRange, certainty: Certainty): void {
    if (slot.kind === 'parameter' && this.step === prelude) {
      this.report.preludeReads.push({ range, slot });
      return;
    }
    if (slot.step === this.step) {
      if (slot.keeps) this.need(slot.keeps, range, 'possible');
      return;
    }
    if (slot.kind === 'parameter') {
      this.report.parameters.set(slot.name, slot);
      return;
    }
    if (slot.step === prelude) return;
    if (this.step === prelude) {
      this.report.preludeReads.push({ range, slot });
      return;
    }
    this.noteNeed(slot, range, certainty);
  }

  noteNeed(slot: Slot, range: CellRange, certainty: Certainty): void {
    addNeed(this.report.needs, slot.name, { slot, range, through: this.through, certainty });
  }

  bind(name: string, value: Value, node: Node, parts: Partial<Slot> = {}): void {
    const frame = this.bindingFrame(name);
    if (frame) this.bindLocal(frame, name, value, node);
    else this.bindGlobal(name, value, node, parts);
  }

  bindGlobal(name: string, value: Value, node: Node, parts: Partial<Slot> = {}): void {
    this.remarkShadow(name, node);
    this.rebind(name, value, node, parts);
  }

  /** As `bindGlobal`, where it is no news that Python’s own names are hidden. */
  rebind(name: string, value: Value, node: Node, parts: Partial<Slot>): void {
    const origin = this.place(node);
    this.remarkReassigned(name, node);
    this.put(name, this.makeSlot({ name, kind: 'value', value, step: this.step, origin, written: origin, ...parts }));
    if (this.step !== prelude) this.report.binds.add(name);
  }

  private remarkReassigned(name: string, node: Node): void {
    if (this.slotOf(name)?.kind === 'parameter' && this.step !== prelude)
      this.remark(
        'parameter-reassigned',
        'info',
        `‘${name}’ is a pipeline parameter, and this gives it another value: later steps read this one, whatever the run was started with.`,
        node
      );
  }

  private remarkShadow(name: string, node: Node): void {
    if (!this.slotOf(name) && builtinNames.has(name) && !name.startsWith('_'))
      this.remark(
        'shadows-builtin',
        'info',
        `‘${name}’ is a name of Python’s own, and this gives it another meaning in all later cells. Choose another name if that is not meant.`,
        node
      );
  }

  private bindingFrame(name: string): Frame | undefined {
    let frame = this.frame;
    while (frame?.kind === 'comprehension' && !frame.names.has(name)) frame = frame.parent;
    if (!frame || frame.kind !== 'function') return frame;
    if (frame.info?.globals.has(name)) return undefined;
    if (!frame.info || frame.info.locals.has(name)) return frame;
    for (let outer = frame.parent; outer; outer = outer.parent)
      if (outer.kind === 'function' && outer.info?.locals.has(name)) return outer;
    return frame;
  }

  bindLocal(frame: Frame, name: string, value: Value, node: Node): void {
    look(frame.thing);
    const old = frame.names.get(name);
    const isOuter = frame !== this.frame && this.frame?.kind === 'function';
    const held = old && (isOuter || this.depth > frame.depth) ? unite([old, value]) : value;
    setEntry(frame.thing, frame.names, name, held);
    hold(frame.thing, value);
    if (isOuter) this.change(valueOf(frame.thing), node);
  }

  remove(name: string, node: Node): void {
    if (this.bindingFrame(name)) return;
    const slot = this.slotOf(name);
    this.readGlobal(name, node);
    if (slot && !slot.isDeleted) {
      const written = this.place(node);
      this.put(
        name,
        this.makeSlot({ ...slot, value: immutable, step: this.step, origin: written, written, isDeleted: true })
      );
    }
  }

  private makeSlot(slot: Slot): Slot {
    this.reading.made.add(slot);
    if (slot.kind !== 'value') linkSlot(slot.value, slot);
    return slot;
  }

  /** Let what names are bound to now know of its names. Before a statement ends nobody looks for values that it bound itself. */
  linkNames(): void {
    for (const { slot } of this.reading.names()) {
      if (slot && this.reading.made.has(slot)) linkSlot(slot.value, slot);
    }
  }

  private put(name: string, slot: Slot | undefined): void {
    const branch = this.branches.at(-1);
    if (branch && !branch.has(name)) branch.set(name, this.reading.peek(name));
    this.reading.put(name, slot);
    if (this.touched.size > 0) this.touched = new Set();
  }

  /** Whether a step ends with this slot, so that later steps can still have it. */
  isLeft(slot: Slot): boolean {
    const past = this.reading.lookBack(slot.name);
    return past.filter(({ step }) => step === slot.step).at(-1) === slot;
  }

  // Change in place

  /** The objects that `value` may be change in place, and with them all that holds them. */
  change(value: Value, node: Node, { isPossible = false } = {}): void {
    if (this.step === prelude) return;
    const own = new Set(value.things.map(find));
    if (own.size === 0) return;
    for (const thing of own)
      if (writesThrough(thing.madeBy)) for (const inner of closure(valueOf(thing))) own.add(inner);
    const { changed } = this.report;
    let isSure = !isPossible && own.size === 1;
    for (const thing of own) {
      if (thing.birth !== currentReader()) this.effects++;
      changed.add(thing);
      if (thing.isGroup) isSure = false;
    }
    const sure = isSure ? holdersOf(own, true) : new Set<Thing>();
    for (const thing of holdersOf(own)) this.changeSlots(thing, node, sure.has(thing));
  }

  private changeSlots(thing: Thing, node: Node, isSure: boolean): void {
    const left: Slot[] = [];
    for (const known of slotsOf(thing)) {
      const slot = known as Slot;
      if (this.slotOf(slot.name) !== slot) left.push(slot);
      else this.changeSlot(slot, node, isSure && slot.value.things.length === 1);
    }
    // behind a branch that ends in an error they may hold again
    if (this.branches.length === 0) unlinkSlots(thing, left);
  }

  changeSlot(slot: Slot, node: Node, isSure: boolean): void {
    if (slot.kind === 'import' || slot.isDeleted) return;
    this.changes++;
    const written = this.place(node);
    const changed = {
      ...slot,
      kind: 'value' as const,
      written,
      ...(isAttributeName(slot.name) && { isCarried: true })
    };
    if (slot.step === this.step) {
      if (slot.kind !== 'value' || changed.isCarried) this.put(slot.name, this.makeSlot(changed));
      return;
    }
    this.put(slot.name, this.makeSlot({ ...changed, step: this.step, keeps: slot }));
    // what a cell has shown is of use only to those who read it
    if (isSure && !slot.isResult) this.need(slot, written, this.certainty);
  }

  // Branches

  /** Run a branch, and take back what it did to the names. */
  capture(run: () => boolean): Outcome {
    const branch = new Map<string, Slot | undefined>();
    const touched = new Set(this.touched); // what is touched in the branch may have to be touched surely behind it
    this.branches.push(branch);
    this.depth++;
    const falls = run();
    this.depth--;
    this.branches.pop();
    const changes = new Map<string, Slot | undefined>();
    for (const [name, old] of branch) {
      changes.set(name, this.reading.peek(name));
      this.reading.takeBack(name, old);
    }
    this.touched = touched;
    return { falls, changes };
  }

  apply(changes: Changes): void {
    for (const [name, slot] of changes) this.put(name, slot);
  }

  /** Go on with the names as any of these branches left them. False where none comes out. */
  join(outcomes: readonly Outcome[]): boolean {
    const falling = outcomes.filter(({ falls }) => falls);
    const names = new Set(falling.flatMap(({ changes }) => [...changes.keys()]));
    for (const name of names) {
      const old = this.slotOf(name);
      this.put(name, this.joinSlots(falling.map(({ changes }) => (changes.has(name) ? changes.get(name) : old))));
    }
    return falling.length > 0;
  }

  private joinSlots(candidates: readonly (Slot | undefined)[]): Slot | undefined {
    const distinct = [...new Set(candidates)];
    if (distinct.length === 1) return distinct[0];
    const live = distinct.filter((slot): slot is Slot => slot !== undefined && !slot.isDeleted);
    const first = live[0];
    if (!first) return distinct.find(slot => slot !== undefined);
    const isMaybe = live.length < distinct.length || live.some(slot => slot.isMaybe);
    if (live.length === 1 && first.step === this.step && first.kind === 'import')
      return this.makeSlot({ ...first, isMaybe });
    const isImport =
      live.every(slot => slot.kind === 'import' && slot.step === this.step) &&
      this.unitReads.every(({ kind }) => kind !== 'value');
    const values = this.joinValues(live);
    const newest = live.find(slot => slot.step === this.step) ?? first;
    const old = live.find(slot => slot.step !== this.step) ?? live.find(slot => slot.keeps)?.keeps;
    return this.makeSlot({
      name: first.name,
      kind: isImport ? 'import' : 'value',
      value: live.length === 1 ? first.value : unite([immutable, ...values]),
      values,
      step: this.step,
      origin: newest.origin,
      written: newest.written,
      isMaybe,
      ...(live.every(slot => slot.isResult) ? { isResult: true } : {}),
      ...(live.some(slot => slot.isCarried) ? { isCarried: true } : {}),
      ...(isImport ? { unit: this.unit, headers: this.unitReads } : {}),
      ...(old ? { keeps: old } : {})
    });
  }

  /** What a name may be, newest first; see `farthest`. */
  private joinValues(live: readonly Slot[]): Value[] {
    const { made } = this.reading;
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
}

/**
 * A name that many branches bind, one after the other, may still be what it was before all of them, such as the name of a
 * loop where each loop had nothing to do. Beyond so many things it is taken that one of the branches has run.
 */
const farthest = 12;
