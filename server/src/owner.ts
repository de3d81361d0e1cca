// Each run belongs to the process that executes it. Process ids are used again, so an owner is known by its start time and its machine as well.
import { readFileSync, readlinkSync } from 'node:fs';

export interface Owner {
  readonly pid: number;
  /** this boot of this machine, and the namespace in which the pid counts; empty where the system doesn't tell */
  readonly place: string;
  /** in clock ticks since boot; empty where the system doesn't tell */
  readonly startedAt: string;
}

export function thisOwner(): Owner {
  return { pid: process.pid, place: findPlace(), startedAt: findStart(process.pid) ?? '' };
}

/** Undefined: nobody can tell from here, as the owner lives in another container or on another machine. */
export function isOwnerAlive(owner: Owner): boolean | undefined {
  const place = findPlace();
  if (owner.place !== place) return bootOf(owner.place) === bootOf(place) || !place ? undefined : false;
  if (owner.startedAt !== '') return findStart(owner.pid) === owner.startedAt;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** an owner that can't be seen shows up more often than this */
const signOfLifeMs = 5000;
const longMs = 60_000;
/** a command may be too short to wait for a sign of life; clocks jump by less */
const certainMs = 24 * 3600_000;

/** Whether an owner that can't be seen has been silent for long. Time is what passes here: a clock that is set wrong ends no run. */
export class Silence {
  private readonly told = new Map<string, number>();
  private readonly heard = new Map<string, { readonly seenAt: number; readonly since: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether the owner of this run, which is us, has to show up again. */
  isDue(run: string): boolean {
    const now = this.now();
    if (now - (this.told.get(run) ?? -Infinity) < signOfLifeMs) return false;
    this.told.set(run, now);
    return true;
  }

  /** `seenAt` is when the owner says it showed up last, by its own clock. */
  isLong(run: string, seenAt: number): boolean {
    const now = this.now();
    const before = this.heard.get(run);
    if (before?.seenAt === seenAt) return now - before.since > longMs;
    this.heard.set(run, { seenAt, since: now });
    return before === undefined && Date.now() - seenAt > certainMs;
  }
}

function findPlace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

const bootOf = (place: string) => place.split(' ')[0];

/** When a process started, in clock ticks since boot; undefined when it has ended, or where the system doesn't tell. */
export function findStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the command's name, in parentheses, may hold anything; the start time is the 20th field after it
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
