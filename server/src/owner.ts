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

function findPlace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

const bootOf = (place: string) => place.split(' ')[0];

function findStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the command's name, in parentheses, may hold anything; the start time is the 20th field after it
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
