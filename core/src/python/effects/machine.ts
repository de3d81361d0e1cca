// The machine that reads a notebook from top to bottom without running it: where it is, and what it writes down. It knows,
// at every point, what each global name is bound to, which step bound or last changed it, and which old value may still be
// behind it. Every read of a name that an earlier step left is a need of the reading step.
import type { CellRange } from '../../diagnostic.js';
import type { Expression, Node, ParsedCell, Statement } from '../syntax.js';
import { comesBefore, Home, Place } from './place.js';
import type { CellNumber } from '../history.js';
import type { StarNames } from '../stars.js';
import type { OwnModules } from './ownModules.js';
import { newState, Reading } from './reading.js';
import { addNeed, addRemark } from './report.js';
import type { Remark, Report } from './report.js';
import { prelude } from './slot.js';
import type { Certainty, Slot } from './slot.js';
import { builtinNames } from './tables/builtins.js';
import { linkSlot, makeThing, newSite, valueOf } from './thing.js';
import type { Callable, Frame, Site, Thing, Value } from './thing.js';

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
  /** what names were bound to before the branches that are being read, innermost last */
  readonly branches: Map<string, Slot | undefined>[] = [];
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

  private readonly libraries = new Map<string, Value>();

  constructor(
    readonly parse: (source: string) => ParsedCell,
    readonly evaluate: (machine: Machine, node: Expression, use: Use) => Value,
    readonly execute: (machine: Machine, body: readonly Statement[]) => boolean,
    readonly starNames: StarNames,
    readonly ownModules: OwnModules
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

  // What names are bound to

  /** The running statement reads what a slot holds. */
  readSlot(slot: Slot, node: Node): Value {
    this.logs.at(-1)?.push(slot);
    this.unitReads.push(slot);
    if (slot.kind === 'import' && this.step !== prelude) {
      const root = slot.value.things[0]?.path?.split('.')[0];
      if (root !== undefined) this.report.uses.add(root);
    }
    this.need(slot, this.place(node), this.certainty);
    if (slot.step !== this.step) this.readStars(slot.name, node, slot);
    return slot.value;
  }

  /** `import *` of modules that nobody could look into may have bound the name, or bound it anew after `slot`. The last of them. */
  readStars(name: string, node: Node, slot?: Slot): Slot | undefined {
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
    addNeed(this.report.needs, slot.name, { slot, range, through: this.through, certainty });
  }

  /** A name of the notebook, or the dotted one of what it has put on a module, has another value from now on. */
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

  makeSlot(slot: Slot): Slot {
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

  put(name: string, slot: Slot | undefined): void {
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
}
