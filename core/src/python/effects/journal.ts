// A statement is read in a state that the statements above it have left. That state has parts: what a name is bound to, what
// an object holds, what holds it. Each part keeps a tape of the changes that statements made in it, in the order of the
// notebook, and can be wound back to any statement and forward again. So a statement that is read again looks at the state as
// it would find it there, and what it does not look at stays as it is: that is what makes an edit cheap. What a statement
// makes itself nobody else has seen before it ends, so what it does to that needs no tape.

/** Who reads the state and changes it: a statement. */
export interface Reader {
  /** where it stands among all statements of the notebook */
  readonly position: number;
}

/** What is looked at as one, and changed. */
export interface Part {
  /** the statement that made it; undefined where it belongs to none */
  readonly birth?: Reader | undefined;
  /** what others than that statement have changed in it */
  tape?: Tape | undefined;
}

export abstract class Change {
  constructor(
    readonly reader: Reader,
    readonly part: Part
  ) {}

  /** what was changed: a map, a set or an object */
  abstract readonly target: object;
  /** what was put there, and where in it */
  abstract readonly content: readonly unknown[];
  abstract undo(): void;
  abstract redo(): void;

  /** What is another for those who look at it. */
  concerns(): readonly Part[] {
    return [this.part];
  }
}

/** Tapes that are not at their end. */
const woundBack = new Set<Tape>();

export class Tape {
  private readonly changes: Change[] = [];
  /** so many of them are in force */
  private done = 0;

  /** Let all that is done up to this position be in force, and nothing else. */
  wind(position: number): void {
    const { changes } = this;
    while (this.done > 0 && changes[this.done - 1]!.reader.position > position) {
      changes[--this.done]!.undo();
      woundBack.add(this);
    }
    while (this.done < changes.length && changes[this.done]!.reader.position <= position) changes[this.done++]!.redo();
  }

  /** Keep a change that is made now, at its reader's position. */
  keep(change: Change): void {
    this.wind(change.reader.position);
    if (this.done === this.changes.length) this.changes.push(change);
    else this.changes.splice(this.done, 0, change);
    this.done++;
  }

  /** Undo what this reader has done, for good. */
  drop(reader: Reader): void {
    this.wind(reader.position - 1);
    let count = 0;
    while (this.changes[this.done + count]?.reader === reader) count++;
    this.changes.splice(this.done, count);
  }
}

/** Let all changes be in force again. */
export function windForward(): void {
  for (const tape of woundBack) tape.wind(Infinity);
  woundBack.clear();
}

export class Journal {
  reads = new Set<Part>();
  readonly changes: Change[] = [];

  constructor(
    readonly reader: Reader,
    /** stands for what is looked at everywhere, such as which things were united into one: a change of it concerns everyone */
    readonly everything: Part
  ) {}

  /** Take its changes off the tapes. */
  undo(): void {
    for (let index = this.changes.length - 1; index >= 0; index--) this.changes[index]!.part.tape!.drop(this.reader);
  }

  redo(): void {
    for (const change of this.changes) {
      change.part.tape!.keep(change);
      change.redo();
    }
  }

  /** The same changes were made by looking at other things. */
  takeReads({ reads }: Journal): void {
    this.reads = reads;
  }
}

/** The journal of the statement that is read now. Reading is never interrupted, so one at a time is enough. */
let current: Journal | undefined;

export function keepJournal(journal: Journal, read: () => void): void {
  current = journal;
  journal.everything.tape?.wind(journal.reader.position);
  try {
    read();
  } finally {
    current = undefined;
  }
}

/** Who makes what is made now. */
export const currentReader = (): Reader | undefined => current?.reader;

export const isJournaling = (): boolean => current !== undefined;

/** To be called before a part is looked at: it is as it would be found here. */
export function look(part: Part): void {
  if (!current || part.birth === current.reader) return;
  current.reads.add(part);
  part.tape?.wind(current.reader.position);
}

/** The journal in which a change of this part is kept; undefined where it is for good: by whom the part was made, or when nothing is read. */
const journalFor = (part: Part): Journal | undefined =>
  current === undefined || part.birth === current.reader ? undefined : current;

/** Put a change on the tape of its part. */
export function keepChange<T extends Change>(journal: Journal, change: T): T {
  const { part } = change;
  (part.tape ??= new Tape()).keep(change);
  journal.changes.push(change);
  return change;
}

class Addition<T> extends Change {
  private isNew = false;

  constructor(
    reader: Reader,
    part: Part,
    readonly target: Set<T>,
    private readonly member: T
  ) {
    super(reader, part);
  }

  get content(): readonly unknown[] {
    return [this.member];
  }

  undo(): void {
    if (this.isNew) this.target.delete(this.member);
  }

  redo(): void {
    this.isNew = !this.target.has(this.member);
    this.target.add(this.member);
  }
}

export function addMember<T>(part: Part, target: Set<T>, member: T): void {
  const journal = journalFor(part);
  if (journal) keepChange(journal, new Addition(journal.reader, part, target, member)).redo();
  else target.add(member);
}

class Removal<T> extends Change {
  private before: readonly T[] = [];

  constructor(
    reader: Reader,
    part: Part,
    readonly target: Set<T>,
    readonly content: readonly T[]
  ) {
    super(reader, part);
  }

  undo(): void {
    this.target.clear();
    for (const each of this.before) this.target.add(each);
  }

  redo(): void {
    this.before = [...this.target];
    for (const member of this.content) this.target.delete(member);
  }
}

export function removeMembers<T>(part: Part, target: Set<T>, members: readonly T[]): void {
  const journal = journalFor(part);
  if (journal) keepChange(journal, new Removal(journal.reader, part, target, members)).redo();
  else for (const member of members) target.delete(member);
}

type Wins<V> = (value: V, known: V) => boolean;

class Entry<K, V> extends Change {
  private before: V | undefined;

  constructor(
    reader: Reader,
    part: Part,
    readonly target: Map<K, V>,
    private readonly key: K,
    private readonly value: V,
    private readonly wins: Wins<V>
  ) {
    super(reader, part);
  }

  get content(): readonly unknown[] {
    return [this.key, this.value];
  }

  undo(): void {
    if (this.before === undefined) this.target.delete(this.key);
    else this.target.set(this.key, this.before);
  }

  redo(): void {
    this.before = this.target.get(this.key);
    if (this.before === undefined || this.wins(this.value, this.before)) this.target.set(this.key, this.value);
  }
}

const always = (): boolean => true;

/** `wins` says whether the value takes the place of the one that is there. */
export function setEntry<K, V>(part: Part, target: Map<K, V>, key: K, value: V, wins: Wins<V> = always): void {
  const journal = journalFor(part);
  if (journal) return keepChange(journal, new Entry(journal.reader, part, target, key, value, wins)).redo();
  const known = target.get(key);
  if (known === undefined || wins(value, known)) target.set(key, value);
}

class Rewriting<K, V> extends Change {
  private before: readonly [K, V][] = [];

  constructor(
    reader: Reader,
    part: Part,
    readonly target: Map<K, V>,
    private readonly after: readonly [K, V][]
  ) {
    super(reader, part);
  }

  get content(): readonly unknown[] {
    return this.after.flat();
  }

  undo(): void {
    refill(this.target, this.before);
  }

  redo(): void {
    this.before = [...this.target];
    refill(this.target, this.after);
  }

  override concerns(): readonly Part[] {
    return [];
  }
}

function refill<K, V>(target: Map<K, V>, entries: readonly [K, V][]): void {
  target.clear();
  for (const [key, value] of entries) target.set(key, value);
}

/** Other entries that mean the same. Nobody who looked at the old ones is concerned. */
export function rewriteEntries<K, V>(part: Part, target: Map<K, V>, after: readonly [K, V][]): void {
  const journal = journalFor(part);
  if (journal) keepChange(journal, new Rewriting(journal.reader, part, target, after)).redo();
  else refill(target, after);
}

class FieldChange<T extends object, K extends keyof T> extends Change {
  private before: T[K] | undefined;

  constructor(
    reader: Reader,
    part: Part,
    readonly target: T,
    private readonly key: K,
    private readonly value: T[K]
  ) {
    super(reader, part);
  }

  get content(): readonly unknown[] {
    return [this.key, this.value];
  }

  undo(): void {
    this.target[this.key] = this.before as T[K];
  }

  redo(): void {
    this.before = this.target[this.key];
    this.target[this.key] = this.value;
  }
}

export function setField<T extends Part, K extends keyof T>(target: T, key: K, value: T[K]): void {
  const journal = journalFor(target);
  if (journal) keepChange(journal, new FieldChange(journal.reader, journal.everything, target, key, value)).redo();
  else target[key] = value;
}

class Push<T> extends Change {
  constructor(
    reader: Reader,
    part: Part,
    readonly target: T[],
    private readonly item: T
  ) {
    super(reader, part);
  }

  get content(): readonly unknown[] {
    return [this.item];
  }

  undo(): void {
    this.target.pop();
  }

  redo(): void {
    this.target.push(this.item);
  }
}

export function pushItem<T>(part: Part, target: T[], item: T): void {
  const journal = journalFor(part);
  if (journal) keepChange(journal, new Push(journal.reader, part, target, item)).redo();
  else target.push(item);
}
