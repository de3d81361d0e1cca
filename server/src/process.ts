// One process that executes one step, in a process group of its own: what it prints, what it tells, how it ends, and how it is made to end.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { wrapWithShell, type Limits } from './limits.js';
import type { Stream } from './logs.js';

export interface ProcessSpec {
  /** for which a process may be held */
  readonly step?: string;
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** of each process, see `Limits` */
  readonly limits?: Limits['ofEach'];
  /** called with the id of the process before it has run any code of the step */
  onStart?(pid: number): void;
  /** the same, called instead for a process that waits until this resolves */
  onWaiting?(pid: number): Promise<void> | void;
  /** returns a promise when it wants the process to wait before it prints more */
  onOutput(stream: Stream, chunk: Buffer): Promise<void> | undefined;
  /** one JSON value that the runtime told through SLUICE_EVENTS */
  onEvent(event: unknown): void;
}

export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** the process could not be started */
  readonly error?: Error;
  readonly usage?: ProcessUsage;
}

/** Of the process and of those that it has waited for. */
export interface ProcessUsage {
  readonly cpuMs: number;
  /** of the largest of them */
  readonly peakMemoryBytes: number;
}

export interface StepProcess {
  readonly ended: Promise<ProcessEnd>;
  /** Ask the group to end, and make it end three seconds later. */
  stop(): void;
  kill(): void;
}

/** A process that has started, however that came about. */
export interface Started {
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly events: Readable;
  /** Let the process know that nobody listens any more. */
  letGo(): void;
  readonly exited: Promise<ProcessEnd>;
}

const graceMs = 3000;
/** how long what a process printed is read after its end, when others hold its pipes open */
const patienceMs = 2000;
/** a line longer than this from the runtime is dropped */
const eventBytes = 32 << 20;

const eventsFd = 3;
const aliveFd = 4;

/**
 * Start the process. Its descriptor 4 is the reading end of a pipe that only we hold open: the runtime ends the group when we die.
 * When the process ends, whatever it left running in its group is killed.
 */
export function startProcess(spec: ProcessSpec): StepProcess {
  const [program, ...args] = wrapWithShell(spec.argv, spec.limits ?? {}) as [string, ...string[]];
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd: spec.cwd,
      env: { ...spec.env, SLUICE_EVENTS: String(eventsFd), SLUICE_ALIVE: String(aliveFd) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      detached: true
    });
  } catch (error) {
    // e.g. E2BIG: an argument too long for the system
    return { ended: Promise.resolve({ status: null, signal: null, error: error as Error }), stop() {}, kill() {} };
  }
  if (child.pid !== undefined) spec.onStart?.(child.pid);
  const alive = child.stdio[aliveFd] as Readable;
  alive.on('error', () => undefined);
  return attend(spec, {
    pid: child.pid,
    stdout: child.stdout!,
    stderr: child.stderr!,
    events: child.stdio[eventsFd] as Readable,
    letGo: () => alive.destroy(),
    exited: new Promise(resolve => {
      child.once('error', error => {
        if (child.pid === undefined) resolve({ status: null, signal: null, error });
      });
      child.once('exit', (status, signal) => resolve({ status, signal }));
    })
  });
}

/** Listen to a process until it has ended and all that it printed is read. */
export function attend(spec: ProcessSpec, { pid, stdout, stderr, events, letGo, exited }: Started): StepProcess {
  const streams = [stdout, stderr, events];
  for (const stream of streams) stream.on('error', () => undefined); // e.g. ECONNRESET when it is killed
  const closed = Promise.all(streams.map(waitForClose));
  let told: ToldEnd | undefined;
  forward(stdout, chunk => spec.onOutput('stdout', chunk));
  forward(stderr, chunk => spec.onOutput('stderr', chunk));
  readLines(events, event => {
    if (isToldEnd(event)) told = event;
    else spec.onEvent(event);
  });
  let grace: NodeJS.Timeout | undefined;
  const signalGroup = (signal: NodeJS.Signals) => {
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // the group has ended already
    }
  };
  const kill = () => signalGroup('SIGKILL');
  const ended = exited.then(async (end): Promise<ProcessEnd> => {
    clearTimeout(grace);
    kill();
    letGo();
    if (pid === undefined) return end;
    // a grandchild that left the group may hold the pipes open: it does not hold up the run
    const patience = setTimeout(() => streams.forEach(stream => stream.destroy()), patienceMs);
    await closed;
    clearTimeout(patience);
    const usage = end.usage ?? told?.usage ?? undefined;
    return {
      ...end,
      ...(end.status === null && end.signal === null && { status: told?.status ?? null }),
      ...(usage && { usage })
    };
  });
  return {
    ended,
    stop() {
      signalGroup('SIGTERM');
      grace ??= setTimeout(kill, graceMs);
    },
    kill
  };
}

/** It may be closed already, as those of a process that was killed before it began. */
async function waitForClose(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise(resolve => stream.once('close', resolve));
}

/** The last that the runtime tells. Where nobody could wait for the process, its status is known from here. */
interface ToldEnd {
  readonly type: 'ended';
  readonly status: number;
  readonly usage: ProcessUsage | null;
}

function isToldEnd(event: unknown): event is ToldEnd {
  if (typeof event !== 'object' || event === null || !('type' in event) || event.type !== 'ended') return false;
  const { status, usage } = event as Partial<ToldEnd>;
  return (
    typeof status === 'number' &&
    (usage === null || (typeof usage?.cpuMs === 'number' && typeof usage.peakMemoryBytes === 'number'))
  );
}

function forward(stream: Readable, take: (chunk: Buffer) => Promise<void> | undefined): void {
  stream.on('data', (chunk: Buffer) => {
    const wait = take(chunk);
    if (wait === undefined) return;
    stream.pause();
    void wait.finally(() => stream.resume());
  });
}

function readLines(stream: Readable, take: (value: unknown) => void): void {
  let parts: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      length += end - start;
      if (length <= eventBytes) takeLine(Buffer.concat(parts).toString('utf8'), take);
      parts = [];
      length = 0;
      start = end + 1;
    }
    length += chunk.length - start;
    if (length <= eventBytes) parts.push(chunk.subarray(start));
    else parts = [];
  });
}

function takeLine(line: string, take: (value: unknown) => void): void {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return; // user code wrote to a descriptor that is not its own
  }
  take(value);
}
