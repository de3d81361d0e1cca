// One reading of a statement: what it did to the names and to the objects behind them, which can be undone and done again,
// and what it has to report.
import { everything, Journal, keepJournal } from './journal.js';
import { newReport } from './report.js';
import type { Report, Setting } from './report.js';
import type { Slot } from './slot.js';

/** What outlives the statements of a notebook, besides the objects. */
export interface State {
  readonly slots: Map<string, Slot>;
  /** every slot that a name was ever bound to, branches that were left included */
  readonly history: Map<string, Slot[]>;
  /** `from m import *` statements so far */
  readonly stars: Slot[];
  readonly settings: Setting[];
}

export const newState = (): State => ({ slots: new Map(), history: new Map(), stars: [], settings: [] });

/** Keys of what a statement may read and write, besides names and objects. */
export const starsKey = 'import *';
export const settingsKey = 'settings';
export const historyKey = (name: string): string => `history of ${name}`;

export class Reading {
  journal: Journal;
  report: Report = newReport();
  /** what names were bound to before and are after; filled when the reading ends */
  readonly bound = new Map<string, { before: Slot | undefined; readonly after: Slot | undefined }>();
  /** slots in the order in which names were bound to them */
  readonly puts: Slot[] = [];
  readonly stars: Slot[] = [];
  readonly settings: Setting[] = [];
  /** slots that it made itself */
  readonly made = new Set<Slot>();
  private readonly before = new Map<string, Slot | undefined>();

  constructor(
    private readonly state: State,
    owner: object
  ) {
    this.journal = new Journal(owner);
  }

  perform(read: () => void): void {
    keepJournal(this.journal, read);
    for (const [name, before] of this.before) {
      const after = this.state.slots.get(name);
      if (after !== before) this.bound.set(name, { before, after });
    }
  }

  /** The names that it bound at any time. */
  names(): Iterable<string> {
    return this.before.keys();
  }

  look(name: string): Slot | undefined {
    const slot = this.state.slots.get(name);
    if (!slot || !this.made.has(slot)) this.journal.reads.add(name);
    return slot;
  }

  put(name: string, slot: Slot | undefined): void {
    if (!this.before.has(name)) this.before.set(name, this.state.slots.get(name));
    setSlot(this.state.slots, name, slot);
    if (!slot) return;
    this.puts.push(slot);
    const past = this.state.history.get(name);
    if (past) past.push(slot);
    else this.state.history.set(name, [slot]);
  }

  addStar(slot: Slot): void {
    this.stars.push(slot);
    this.state.stars.push(slot);
  }

  addSetting(setting: Setting): void {
    this.settings.push(setting);
    this.state.settings.push(setting);
  }

  undo(): void {
    this.journal.undo();
    for (const [name, { before }] of this.bound) setSlot(this.state.slots, name, before);
    for (const { name } of this.puts) this.state.history.get(name)!.pop();
    this.state.stars.length -= this.stars.length;
    this.state.settings.length -= this.settings.length;
  }

  redo(): void {
    this.journal.redo();
    for (const [name, bound] of this.bound) {
      bound.before = this.state.slots.get(name);
      setSlot(this.state.slots, name, bound.after);
    }
    for (const slot of this.puts) this.state.history.get(slot.name)!.push(slot);
    this.state.stars.push(...this.stars);
    this.state.settings.push(...this.settings);
  }

  /** Whether it would be another one now that these have changed. */
  dependsOn(changed: ReadonlySet<unknown>): boolean {
    if (changed.size === 0) return false;
    if (changed.has(everything)) return true;
    const { reads } = this.journal;
    const [few, many] = changed.size < reads.size ? [changed, reads] : [reads, changed];
    for (const part of few) if (many.has(part)) return true;
    return false;
  }

  /** All that is another when this reading is gone, or new. */
  *parts(): Generator<unknown> {
    yield* this.bound.keys();
    yield* this.journal.writes;
    for (const { name } of this.puts) yield historyKey(name);
    if (this.stars.length > 0) yield starsKey;
    if (this.settings.length > 0) yield settingsKey;
  }
}

export function setSlot(slots: Map<string, Slot>, name: string, slot: Slot | undefined): void {
  if (slot) slots.set(name, slot);
  else slots.delete(name);
}
