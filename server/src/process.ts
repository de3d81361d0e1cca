// One process that executes one step, in a process group of its own: what it prints, what it tells, how it ends, and how it is made to end.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Stream } from './logs.js';

export interface ProcessSpec {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** called with the id of the process before it has run any code of the step */
  onStart?(pid: number): void;
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
}

export interface StepProcess {
  readonly ended: Promise<ProcessEnd>;
  /** Ask the group to end, and make it end three seconds later. */
  stop(): void;
  kill(): void;
}

const graceMs = 3000;
/** a line longer than this from the runtime is dropped */
const eventBytes = 32 << 20;

const eventsFd = 3;
const aliveFd = 4;

/**
 * Start the process. Its descriptor 4 is the reading end of a pipe that only we hold open: the runtime ends the group when we die.
 * When the process ends, whatever it left running in its group is killed.
 */
export function startProcess(spec: ProcessSpec): StepProcess {
  const [program, ...args] = spec.argv as [string, ...string[]];
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
  for (const stream of child.stdio) stream?.on('error', () => undefined); // e.g. ECONNRESET when it is killed
  forward(child.stdout!, chunk => spec.onOutput('stdout', chunk));
  forward(child.stderr!, chunk => spec.onOutput('stderr', chunk));
  readLines(child.stdio[eventsFd] as Readable, spec.onEvent);
  let grace: NodeJS.Timeout | undefined;
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // the group has ended already
    }
  };
  const kill = () => signalGroup('SIGKILL');
  const ended = new Promise<ProcessEnd>(resolve => {
    child.once('error', error => {
      if (child.pid === undefined) resolve({ status: null, signal: null, error });
    });
    child.once('exit', (status, signal) => {
      clearTimeout(grace);
      kill();
      (child.stdio[aliveFd] as Readable).destroy();
      const end = { status, signal };
      // a grandchild that left the group may hold the pipes open: it does not hold up the run
      const patience = setTimeout(() => {
        for (const stream of [child.stdout, child.stderr, child.stdio[eventsFd]]) (stream as Readable).destroy();
        resolve(end);
      }, 2000);
      child.once('close', () => {
        clearTimeout(patience);
        resolve(end);
      });
    });
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
