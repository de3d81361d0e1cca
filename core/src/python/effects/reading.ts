// One reading of a statement: what it did to the names and to the objects behind them, which can be undone and done again,
// and what it has to report.
import { Change, Journal, keepChange, keepJournal, look, pushItem, Tape } from './journal.js';
import type { Part, Reader } from './journal.js';
import { newReport } from './report.js';
import type { Report, Setting } from './report.js';
import type { Slot } from './slot.js';

/** A global name: what it is bound to, and as a part of its own, what it ever was. */
export class Name implements Part {
  readonly tape = new Tape();
  slot: Slot | undefined;
  readonly history: History = { past: [], tape: this.tape };
}

interface History extends Part {
  /** every slot that the name was ever bound to, branches that were left included */
  readonly past: Slot[];
}

/** A list that is looked at as a whole. */
interface List<T> extends Part {
  readonly items: T[];
}

/** What outlives the statements of a notebook, besides the objects. */
export interface State {
  readonly names: Map<string, Name>;
  /** `from m import *` statements so far */
  readonly stars: List<Slot>;
  readonly settings: List<Setting>;
  /** dotted names of what the notebook has put on modules so far */
  readonly attributes: List<string>;
  /** see `Journal` */
  readonly everything: Part;
}

export const newState = (): State => ({
  names: new Map(),
  stars: { items: [] },
  settings: { items: [] },
  attributes: { items: [] },
  everything: {}
});

export function nameOf({ names }: State, name: string): Name {
  let found = names.get(name);
  if (!found) names.set(name, (found = new Name()));
  return found;
}

/** What one reading bound a name to, one after the other. */
class Binding extends Change {
  readonly puts: Slot[] = [];
  private before: Slot | undefined;
  private after: Slot | undefined;
  /** false where the name is afterwards bound to what it was bound to before */
  isBound = false;

  constructor(
    reader: Reader,
    readonly target: Name
  ) {
    super(reader, target);
    this.before = target.slot;
  }

  /** The reading has ended. */
  seal(): void {
    this.after = this.target.slot;
    this.isBound = this.after !== this.before;
  }

  get content(): readonly unknown[] {
    return [this.isBound, ...(this.isBound ? [this.after] : []), ...this.puts];
  }

  undo(): void {
    const { target, puts } = this;
    if (this.isBound) target.slot = this.before;
    target.history.past.length -= puts.length;
  }

  redo(): void {
    const { target, puts } = this;
    this.before = target.slot;
    if (this.isBound) target.slot = this.after;
    target.history.past.push(...puts);
  }

  override concerns(): readonly Part[] {
    return [...(this.isBound ? [this.target] : []), ...(this.puts.length > 0 ? [this.target.history] : [])];
  }
}

export class Reading {
  readonly journal: Journal;
  report: Report = newReport();
  /** how often it has bound a name so far */
  puts = 0;
  /** slots that it made itself */
  readonly made = new Set<Slot>();
  private readonly bindings = new Map<Name, Binding>();

  constructor(
    private readonly state: State,
    private readonly reader: Reader
  ) {
    this.journal = new Journal(reader, state.everything);
  }

  perform(read: () => void): void {
    keepJournal(this.journal, read);
    for (const binding of this.bindings.values()) binding.seal();
  }

  /** The names that it bound at any time. */
  names(): Iterable<Name> {
    return this.bindings.keys();
  }

  look(name: string): Slot | undefined {
    const slot = this.peek(name);
    if (!slot || !this.made.has(slot)) look(nameOf(this.state, name));
    return slot;
  }

  /** What a name is bound to, for the record. */
  peek(name: string): Slot | undefined {
    const part = nameOf(this.state, name);
    part.tape.wind(this.reader.position);
    return part.slot;
  }

  /** What a name was bound to so far. */
  lookBack(name: string): readonly Slot[] {
    const { history } = nameOf(this.state, name);
    look(history);
    return history.past;
  }

  put(name: string, slot: Slot | undefined): void {
    const part = nameOf(this.state, name);
    let binding = this.bindings.get(part);
    if (!binding) {
      part.tape.wind(this.reader.position);
      binding = keepChange(this.journal, new Binding(this.reader, part));
      this.bindings.set(part, binding);
    }
    part.slot = slot;
    if (!slot) return;
    this.puts++;
    binding.puts.push(slot);
    part.history.past.push(slot);
  }

  /** Leave a branch, and with it what it did to a name. */
  takeBack(name: string, slot: Slot | undefined): void {
    nameOf(this.state, name).slot = slot;
  }

  stars(): readonly Slot[] {
    look(this.state.stars);
    return this.state.stars.items;
  }

  addStar(slot: Slot): void {
    pushItem(this.state.stars, this.state.stars.items, slot);
  }

  settings(): readonly Setting[] {
    look(this.state.settings);
    return this.state.settings.items;
  }

  addSetting(setting: Setting): void {
    pushItem(this.state.settings, this.state.settings.items, setting);
  }

  attributes(): readonly string[] {
    look(this.state.attributes);
    return this.state.attributes.items;
  }

  addAttribute(path: string): void {
    pushItem(this.state.attributes, this.state.attributes.items, path);
  }

  undo(): void {
    this.journal.undo();
  }

  redo(): void {
    this.journal.redo();
  }

  /** Whether it would be another one now that these have changed. */
  dependsOn(changed: ReadonlySet<Part>): boolean {
    if (changed.size === 0) return false;
    const { reads, everything } = this.journal;
    if (changed.has(everything)) return true;
    const [few, many] = changed.size < reads.size ? [changed, reads] : [reads, changed];
    for (const part of few) if (many.has(part)) return true;
    return false;
  }

  /** Note all that is another when this reading is gone, or new. */
  addTo(changed: Set<Part>): void {
    for (const change of this.journal.changes) for (const part of change.concerns()) changed.add(part);
  }

  /** Names that it binds are not another behind it. */
  settle(changed: Set<Part>): void {
    for (const binding of this.bindings.values()) if (binding.isBound) changed.delete(binding.target);
  }
}
