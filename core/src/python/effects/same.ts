// Whether a statement that was read again did what it did before, but for the objects that it made anew. Then the old ones
// stay, so that nothing below has to be read again.
import { Home, Place } from './place.js';
import type { Part } from './journal.js';
import type { Reading } from './reading.js';
import type { Report } from './report.js';
import type { Slot } from './slot.js';
import type { Frame, Thing } from './thing.js';

export class Comparison {
  private readonly counterparts = new Map<object, object>();
  private readonly taken = new Set<object>();
  private readonly open: [now: object, before: object][] = [];

  constructor(
    private readonly now: Reading,
    private readonly before: Reading,
    /** of the statement itself: places in it may have moved */
    private readonly home: Home
  ) {}

  /** Whether both readings leave the same to the statements below. */
  isSame(): boolean {
    const changes = ({ journal }: Reading): unknown[] =>
      journal.changes.flatMap(({ target, content }) => [target, content]);
    if (!this.match(changes(this.now), changes(this.before))) return false;
    for (let pair = this.open.pop(); pair; pair = this.open.pop()) if (!this.matchInside(...pair)) return false;
    return true;
  }

  /** Let the old objects stand where the new ones would. */
  keepOld(): Report {
    for (const [now, before] of this.counterparts) if (now instanceof Place) (before as Place).moveTo(now);
    const { report } = this.now;
    const slot = (made: Slot): Slot => (this.counterparts.get(made) as Slot | undefined) ?? made;
    const thing = (made: Thing): Thing => (this.counterparts.get(made) as Thing | undefined) ?? made;
    return {
      ...report,
      needs: new Map([...report.needs].map(([key, need]) => [key, { ...need, slot: slot(need.slot) }])),
      parameters: new Map([...report.parameters].map(([name, read]) => [name, slot(read)])),
      changed: new Set([...report.changed].map(thing)),
      unbound: report.unbound.map(one => (one.deleted ? { ...one, deleted: slot(one.deleted) } : one)),
      preludeReads: report.preludeReads.map(read => ({ ...read, slot: slot(read.slot) }))
    };
  }

  private match(now: unknown, before: unknown): boolean {
    if (now === before || (isNothing(now) && isNothing(before))) return true;
    if (typeof now !== 'object' || typeof before !== 'object' || !now || !before) return false;
    const known = this.counterparts.get(now);
    if (known) return known === before;
    if (this.taken.has(before) || !this.areAlike(now, before)) return false;
    this.counterparts.set(now, before);
    this.taken.add(before);
    if (!(now instanceof Place)) this.open.push([now, before]);
    return true;
  }

  /** What each reading made itself may have a counterpart; all else is itself or another. */
  private areAlike(now: object, before: object): boolean {
    if (Object.getPrototypeOf(now) !== Object.getPrototypeOf(before) || now instanceof Home) return false;
    const { reader } = this.now.journal;
    if (now instanceof Place)
      return now.isAt(before as Place) || (now.home === this.home && (before as Place).home === this.home);
    if ('birth' in now) return now.birth === reader && 'birth' in before && before.birth === reader;
    if ('written' in now) return this.now.made.has(now as Slot) && this.before.made.has(before as Slot);
    return !('type' in now && 'from' in now);
  }

  private matchInside(now: object, before: object): boolean {
    if (now instanceof Map && before instanceof Map) return this.matchLists([...now].flat(), [...before].flat());
    if (now instanceof Set && before instanceof Set) return this.matchLists([...now], [...before]);
    if (Array.isArray(now) && Array.isArray(before)) return this.matchLists(now, before);
    this.wind(before);
    const keys = new Set([...Object.keys(now), ...Object.keys(before)]);
    return [...keys].every(
      key =>
        key === 'id' ||
        key === 'tape' ||
        this.match((now as Record<string, unknown>)[key], (before as Record<string, unknown>)[key])
    );
  }

  /** What the old reading made may have been changed since by statements below. */
  private wind(before: Partial<Part & Frame>): void {
    const { position } = this.now.journal.reader;
    before.tape?.wind(position);
    before.thing?.tape?.wind(position);
  }

  private matchLists(now: readonly unknown[], before: readonly unknown[]): boolean {
    return now.length === before.length && now.every((part, index) => this.match(part, before[index]));
  }
}

/** What holds nothing may be there or not. */
const isNothing = (part: unknown): boolean =>
  part === undefined ||
  ((part instanceof Map || part instanceof Set) && part.size === 0) ||
  (Array.isArray(part) && part.length === 0);
