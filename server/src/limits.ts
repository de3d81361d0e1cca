// What a step may take at most: memory, as its settings say, and processes, so that a fork bomb ends its step and not the machine. Where
// Linux lets us, each step gets a control group of its own, which counts all of its processes and tells who was killed for lack of
// memory; elsewhere the shell that starts the step sets limits for each process.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isOwnerAlive, thisOwner, type Owner } from './owner.js';
import { readCount } from './sizes.js';

export interface LimitSpec {
  readonly memoryBytes?: number;
  readonly env: NodeJS.ProcessEnv;
}

export interface Limits {
  readonly memoryBytes: number | undefined;
  readonly processes: number;
  /** whether the limits hold for all processes of the step together, and what they run into is known */
  readonly isCounted: boolean;
  /** the limits that each process carries itself, by their names in Python's module `resource` */
  readonly ofEach: Readonly<Record<string, number>>;
  /** Put a process that has just started under the limits that count all of them. */
  enter(pid: number): void;
  /** The same for one that waits for it. The system takes some milliseconds, in which others go on. */
  enterWaiting(pid: number): Promise<void>;
  /** What the step ran into so far. */
  read(): LimitReport;
  /** Kill what is left of the step, also what left its process group, and forget the limits. */
  close(): Promise<void>;
}

export interface LimitReport {
  /** processes that were killed for lack of memory */
  readonly memoryKills: number;
  /** times that a process or thread was refused */
  readonly processRefusals: number;
  readonly peakMemoryBytes?: number;
}

/** The files of one version of Linux’ control groups; numbers in `events` stand behind their key. */
interface Dialect {
  readonly memoryLimit: string;
  /** swap would let a step go on, slowly, far beyond its limit */
  readonly swap: readonly [file: string, content: (memoryBytes: number) => string];
  readonly memoryPeak: string;
  readonly memoryEvents: string;
  /** kills all processes of the step when one is to be killed: a pool that lost a worker waits for ever */
  readonly killTogether?: string;
}

const dialects: Readonly<Record<1 | 2, Dialect>> = {
  1: {
    memoryLimit: 'memory.limit_in_bytes',
    swap: ['memory.memsw.limit_in_bytes', String],
    memoryPeak: 'memory.max_usage_in_bytes',
    memoryEvents: 'memory.oom_control'
  },
  2: {
    memoryLimit: 'memory.max',
    swap: ['memory.swap.max', () => '0'],
    memoryPeak: 'memory.peak',
    memoryEvents: 'memory.events',
    killTogether: 'memory.oom.group'
  }
};

/** Where groups for our steps can be made; in version 1 memory and processes have a place each. */
interface Place {
  readonly version: 1 | 2;
  readonly memory: string;
  readonly processes: string;
}

let known: { readonly place: Place | undefined } | undefined;
let made = 0;

export function makeLimits({ memoryBytes, env }: LimitSpec): Limits {
  const processes = mostProcesses(env);
  const place = env.SLUICE_CGROUPS === '0' ? undefined : knownPlace();
  const group = place === undefined ? undefined : makeGroup(place, memoryBytes, processes);
  const kills = readKills();
  return {
    memoryBytes,
    processes,
    isCounted: group !== undefined,
    ofEach: group === undefined ? limitEach(memoryBytes, processes) : {},
    enter: pid => group?.enter(pid),
    enterWaiting: async pid => group?.enterWaiting(pid),
    read: () => group?.read() ?? { memoryKills: readKills() - kills, processRefusals: 0 },
    close: async () => group?.close()
  };
}

/**
 * SLUICE_PROCESSES, else enough for every pool that uses all cores in each of its workers; never so many that nobody else could start one.
 * @throws PipelineError `usage`
 */
export function mostProcesses(env: NodeJS.ProcessEnv): number {
  const wanted = readCount(env, 'SLUICE_PROCESSES');
  if (wanted !== undefined) return wanted;
  return Math.min(
    2048 + 2 * availableParallelism() ** 2,
    Math.floor((numberIn('/proc/sys/kernel/pid_max') ?? 65_536) / 2)
  );
}

// ---- each process by itself

/**
 * Memory counts as what a process may write (RLIMIT_DATA): mapped files that are only read are free. Linux keeps no limit of processes
 * for root, and counts all processes of any other user: the limit leaves room for those that run already.
 */
function limitEach(memoryBytes: number | undefined, processes: number): Record<string, number> {
  return {
    ...(memoryBytes !== undefined && { RLIMIT_DATA: Math.ceil(memoryBytes / 1024) * 1024 }),
    ...(process.getuid?.() !== 0 && process.platform === 'linux' && { RLIMIT_NPROC: processes + countTasks() })
  };
}

/** What starts the step, so that it carries these limits. One that the system has set lower stays. */
export function wrapWithShell(
  argv: readonly string[],
  { RLIMIT_DATA, RLIMIT_NPROC }: Limits['ofEach']
): readonly string[] {
  const limits = [
    ...(RLIMIT_DATA === undefined ? [] : [`ulimit -d ${RLIMIT_DATA / 1024}`]),
    ...(RLIMIT_NPROC === undefined ? [] : [limitProcesses(RLIMIT_NPROC)])
  ];
  if (limits.length === 0) return argv;
  return ['/bin/sh', '-c', `{ ${limits.join('; ')}; } 2>/dev/null; exec "$@"`, 'sh', ...argv];
}

// bash calls the limit -u, dash and busybox call it -p
const limitProcesses = (most: number) => `ulimit -u ${most} || ulimit -p ${most}`;

function countTasks(): number {
  const uid = process.getuid!();
  let tasks = 0;
  for (const pid of readdirSync('/proc'))
    if (/^\d+$/.test(pid)) {
      const status = maybeRead(`/proc/${pid}/status`) ?? '';
      if (Number(/^Uid:\s*(\d+)/m.exec(status)?.[1]) === uid)
        tasks += Number(/^Threads:\s*(\d+)/m.exec(status)?.[1] ?? 1);
    }
  return tasks;
}

/** Processes that the kernel has killed for lack of memory since it started, whosever they were. */
function readKills(): number {
  return numberAfter('oom_kill', maybeRead('/proc/vmstat')) ?? 0;
}

// ---- all processes of a step together

interface Group {
  enter(pid: number): void;
  enterWaiting(pid: number): Promise<void>;
  read(): LimitReport;
  close(): Promise<void>;
}

/** Undefined where the system refuses it after all. */
function makeGroup(where: Place, memoryBytes: number | undefined, processes: number): Group | undefined {
  const { memoryLimit, swap, memoryPeak, memoryEvents, killTogether } = dialects[where.version];
  const name = groupName(thisOwner(), ++made);
  const memory = join(where.memory, name);
  const folders = [...new Set([memory, join(where.processes, name)])];
  const processFolder = folders.at(-1)!;
  const remove = async () => void (await Promise.all(folders.map(removeGroup)));
  try {
    for (const folder of folders) mkdirSync(folder);
    if (memoryBytes !== undefined) {
      writeFileSync(join(memory, memoryLimit), String(memoryBytes));
      maybeWrite(join(memory, swap[0]), swap[1](memoryBytes));
    }
    if (killTogether !== undefined) maybeWrite(join(memory, killTogether), '1');
    writeFileSync(join(processFolder, 'pids.max'), String(processes));
  } catch {
    void remove();
    return undefined;
  }
  return {
    enter(pid) {
      for (const folder of folders) maybeWrite(join(folder, 'cgroup.procs'), String(pid));
    },
    async enterWaiting(pid) {
      for (const folder of folders) await writeFile(join(folder, 'cgroup.procs'), String(pid)).catch(() => undefined); // as `maybeWrite` says
    },
    read() {
      const peak = numberIn(join(memory, memoryPeak));
      return {
        memoryKills: numberAfter('oom_kill', maybeRead(join(memory, memoryEvents))) ?? 0,
        processRefusals: numberAfter('max', maybeRead(join(processFolder, 'pids.events'))) ?? 0,
        ...(peak === undefined ? {} : { peakMemoryBytes: peak })
      };
    },
    close: remove
  };
}

function knownPlace(): Place | undefined {
  if (known === undefined) {
    known = { place: findPlace() };
    if (known.place !== undefined) sweep(known.place);
  }
  return known.place;
}

/** The nearest group at or above ours in which we may make others: the user’s own where systemd delegates it, any where we are root. */
function findPlace(): Place | undefined {
  const mounts = (maybeRead('/proc/self/mounts') ?? '').split('\n').map(line => line.split(' '));
  const groups = (maybeRead('/proc/self/cgroup') ?? '').split('\n').map(line => line.split(':'));
  const find = (controller: 'memory' | 'pids' | undefined): string | undefined => {
    const mount = mounts.find(([, , type, options]) =>
      controller === undefined ? type === 'cgroup2' : type === 'cgroup' && options!.split(',').includes(controller)
    )?.[1];
    const own = groups.find(([, names]) =>
      controller === undefined ? names === '' : names!.split(',').includes(controller)
    )?.[2];
    return mount === undefined || own === undefined ? undefined : findParent(mount, own, controller === undefined);
  };
  const unified = find(undefined);
  if (unified !== undefined) return { version: 2, memory: unified, processes: unified };
  const [memory, processes] = [find('memory'), find('pids')];
  return memory === undefined || processes === undefined ? undefined : { version: 1, memory, processes };
}

function findParent(mount: string, own: string, isUnified: boolean): string | undefined {
  for (let path = own; ; path = dirname(path)) {
    const folder = join(mount, path);
    if (canHaveGroups(folder, isUnified)) return folder;
    if (path === '/' || path === '.') return undefined;
  }
}

function canHaveGroups(folder: string, isUnified: boolean): boolean {
  if (isUnified) {
    const controllers = (maybeRead(join(folder, 'cgroup.subtree_control')) ?? '').trim().split(' ');
    if (!controllers.includes('memory') || !controllers.includes('pids')) return false;
  }
  const probe = join(folder, groupName(thisOwner(), 0));
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return true;
  } catch {
    return false;
  }
}

// A group's name says whose it is, so that the next runner can clear up after one that was killed.
const groupName = (owner: Owner, n: number) => `${prefixOf(owner)}${owner.pid}-${owner.startedAt}-${n}`;
/** process ids count in one namespace only */
const prefixOf = ({ place }: Owner) => `sluice-${/\d+(?=]$)/.exec(place)?.[0]}-`;

function sweep({ memory, processes }: Place): void {
  const owner = thisOwner();
  const prefix = prefixOf(owner);
  for (const parent of new Set([memory, processes]))
    for (const name of readdirSync(parent)) {
      if (!name.startsWith(prefix)) continue;
      const [pid, startedAt] = name.slice(prefix.length).split('-');
      if (isOwnerAlive({ ...owner, pid: Number(pid), startedAt: startedAt! }) === false)
        void removeGroup(join(parent, name));
    }
}

/** Kill what is in it, until nothing is; what starts others meanwhile has to be killed more than once, where it can’t be forbidden. */
async function removeGroup(folder: string): Promise<void> {
  maybeWrite(join(folder, 'pids.max'), '0');
  for (let ms = 1; ms < 1000; ms *= 2) {
    const pids = (maybeRead(join(folder, 'cgroup.procs')) ?? '').split('\n').filter(pid => pid !== '' && pid !== '0');
    for (const pid of pids)
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it has ended meanwhile
      }
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return;
    }
    await setTimeout(ms);
  }
}

function maybeRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function maybeWrite(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch {
    // the process has ended already, or this kernel has no such limit
  }
}

function numberIn(path: string): number | undefined {
  const text = maybeRead(path);
  return text === undefined ? undefined : Number(text);
}

function numberAfter(key: string, text: string | undefined): number | undefined {
  const [, number] = new RegExp(`^${key} (\\d+)$`, 'm').exec(text ?? '') ?? [];
  return number === undefined ? undefined : Number(number);
}
