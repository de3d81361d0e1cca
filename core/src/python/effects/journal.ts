// A statement is read in a state that the statements above it have left. The journal of a statement says which parts of
// that state it looked at and what it changed in them, so that its changes can be undone and done again without reading it
// once more: that is what makes an edit cheap. What a statement makes itself is its own, and needs no journal.

/** Stands for what is looked at everywhere, such as which things were united into one: a change of it concerns everyone. */
export const everything = Symbol('everything');

export interface Change {
  /** what was changed: a map, a set or an object */
  readonly target: object;
  /** what was put there, and where in it */
  readonly content: readonly unknown[];
  readonly undo: () => void;
  readonly redo: () => void;
}

export class Journal {
  /** names, and parts of the state by the object that stands for them */
  reads = new Set<unknown>();
  readonly writes = new Set<unknown>();
  readonly changes: Change[] = [];

  constructor(
    /** what is made in its name is its own */
    readonly owner: object
  ) {}

  undo(): void {
    for (let index = this.changes.length - 1; index >= 0; index--) this.changes[index]!.undo();
  }

  redo(): void {
    for (const change of this.changes) change.redo();
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
  try {
    read();
  } finally {
    current = undefined;
  }
}

/** Who makes what is made now. */
export const currentOwner = (): object | undefined => current?.owner;

export const isJournaling = (): boolean => current !== undefined;

/** Whether the statement that is read now made what `birth` made. */
export const isOwn = (birth: object | undefined): boolean => current !== undefined && birth === current.owner;

export function noteRead(part: unknown): void {
  current?.reads.add(part);
}

/** Make a change in what `birth` owns, which can be undone and done again where that is not the statement itself. */
function change(birth: object | undefined, part: unknown, made: Change): void {
  if (current && birth !== current.owner) {
    current.writes.add(part);
    current.changes.push(made);
  }
  made.redo();
}

/** These two are by far the most frequent changes, so they are classes: that takes less room than functions do. */
class Addition<T> implements Change {
  private isNew = false;

  constructor(
    readonly target: Set<T>,
    private readonly member: T
  ) {}

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

class Entry<K, V> implements Change {
  private before: V | undefined;

  constructor(
    readonly target: Map<K, V>,
    private readonly key: K,
    private readonly value: V,
    private readonly wins: (value: V, known: V) => boolean
  ) {}

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

export function addMember<T>(birth: object | undefined, part: unknown, target: Set<T>, member: T): void {
  if (!current || birth === current.owner) target.add(member);
  else change(birth, part, new Addition(target, member));
}

export function removeMembers<T>(
  birth: object | undefined,
  part: unknown,
  target: Set<T>,
  members: readonly T[]
): void {
  let before: readonly T[] = [];
  change(birth, part, {
    target,
    content: members,
    undo: () => {
      target.clear();
      for (const each of before) target.add(each);
    },
    redo: () => {
      before = [...target];
      for (const member of members) target.delete(member);
    }
  });
}

/** `wins` says whether the value takes the place of the one that is there. */
export function setEntry<K, V>(
  birth: object | undefined,
  part: unknown,
  target: Map<K, V>,
  key: K,
  value: V,
  wins: (value: V, known: V) => boolean = () => true
): void {
  change(birth, part, new Entry(target, key, value, wins));
}

/** Other entries that mean the same. Nobody who looked at the old ones is concerned. */
export function rewriteEntries<K, V>(birth: object | undefined, target: Map<K, V>, after: readonly [K, V][]): void {
  let before: readonly [K, V][] = [];
  const fill = (entries: readonly [K, V][]): void => {
    target.clear();
    for (const [key, value] of entries) target.set(key, value);
  };
  change(birth, target, {
    target,
    content: after.flat(),
    undo: () => fill(before),
    redo: () => ((before = [...target]), fill(after))
  });
}

export function setField<T extends object, K extends keyof T>(
  birth: object | undefined,
  target: T,
  key: K,
  value: T[K]
): void {
  let before = target[key];
  change(birth, everything, {
    target,
    content: [key, value],
    undo: () => (target[key] = before),
    redo: () => {
      before = target[key];
      target[key] = value;
    }
  });
}

export function pushItem<T>(birth: object | undefined, target: T[], item: T): void {
  change(birth, everything, { target, content: [item], undo: () => target.pop(), redo: () => target.push(item) });
}
