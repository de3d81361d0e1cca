// The client's side of the conversation with a fork server about one step: JSON, one object a line. The server makes the pipes, as only it
// can hand them to a process; we open our ends by their names.
import { constants, openSync, closeSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { constants as osConstants } from 'node:os';
import { join } from 'node:path';
import { findStart } from '../owner.js';
import type { ProcessEnd, ProcessUsage, Started } from '../process.js';

export interface StepRequest {
  readonly secret: string;
  /** the arguments after `-c BOOT`; null stands for the runtime */
  readonly args: readonly (string | null)[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly umask: number;
  /** names as Python's `resource` has them */
  readonly limits: Readonly<Record<string, number>>;
  /** the arguments are told later */
  readonly held?: boolean;
}

/** What a step's process is forked from depends on this of it. */
export type Preparation = Pick<StepRequest, 'args' | 'env'>;

interface Answer {
  readonly pipes?: string;
  readonly refused?: string;
  readonly stale?: boolean;
  readonly runs?: boolean;
  readonly pid?: number;
  readonly status?: number;
  readonly signal?: number;
  readonly usage?: ProcessUsage;
}

/** The server will not, or cannot, fork this step; it is not running. */
export class Declined extends Error {
  constructor(
    message: string,
    /** there is no server, or it is about to end: a new one may take the step */
    readonly isGone = false
  ) {
    super(message);
  }
}

/** an import may take as long as this */
const answerMs = 60_000;
const orphanMs = 100;

/** A step's process that waits for its beginning. */
export interface Waiting {
  readonly pid: number;
  /**
   * Let it begin; one that is held, with these arguments.
   * @throws Declined
   */
  begin(args?: StepRequest['args']): Promise<Started>;
  /** The step ends, also if it has begun after all: it may run only once. */
  drop(): void;
}

/**
 * Have the step's process forked.
 * @throws Declined
 */
export async function fork(address: string, request: StepRequest, signal: AbortSignal): Promise<Waiting> {
  signal.throwIfAborted();
  const talk = new Conversation(await reach(address));
  const giveUp = () => talk.end();
  signal.addEventListener('abort', giveUp);
  let drop = giveUp;
  try {
    talk.say(JSON.stringify(request));
    const { pipes, refused, stale } = await talk.hear(answerMs);
    if (stale) throw changed();
    if (pipes === undefined) throw new Declined(refused ?? 'The fork server gave no answer.');
    const ends = openEnds(pipes);
    drop = () => {
      ends.letGo();
      for (const stream of [ends.stdout, ends.stderr, ends.events]) stream.destroy();
      talk.end();
    };
    talk.say('fork');
    const { pid } = await talk.hear(answerMs);
    if (pid === undefined) throw new Declined('The fork server could not fork.');
    const startedAt = findStart(pid);
    return {
      pid,
      async begin(args) {
        talk.say(args === undefined ? 'run' : `run ${JSON.stringify(args)}`);
        if (args !== undefined) {
          const { stale, refused, runs } = await talk.hear(answerMs);
          if (stale) throw changed();
          // else its end is what is told: it was killed while it waited
          if (!runs) throw new Declined(refused ?? 'The process that waited has ended.');
        }
        return { ...ends, pid, exited: waitForEnd(talk, pid, startedAt) };
      },
      drop
    };
  } catch (error) {
    drop();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

const changed = () => new Declined('A module has changed since it was imported.', true);

/**
 * Tell the server which steps will come, in this order.
 * @throws Declined
 */
export async function prepare(address: string, secret: string, steps: readonly Preparation[]): Promise<void> {
  const socket = await reach(address);
  socket.on('error', () => undefined);
  socket.end(`${JSON.stringify({ secret, prepare: steps })}\n`);
}

/** @throws Declined when nobody is there */
async function reach(address: string): Promise<Socket> {
  const socket = connect(join(address, 'socket'));
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', error => reject(new Declined(error.message, true)));
  });
}

function openEnds(folder: string): Omit<Started, 'pid' | 'exited'> {
  const open = (name: string) =>
    new Socket({ fd: openSync(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
  const alive = openSync(join(folder, 'alive'), constants.O_WRONLY | constants.O_NONBLOCK);
  let isHeld = true;
  return {
    stdout: open('out'),
    stderr: open('err'),
    events: open('events'),
    letGo() {
      if (isHeld) closeSync(alive);
      isHeld = false;
    }
  };
}

async function waitForEnd(talk: Conversation, pid: number, startedAt: string | undefined): Promise<ProcessEnd> {
  const { status, signal, usage } = await talk.hear().catch((): Answer => ({}));
  talk.end();
  // the server was killed: the step goes on, and nobody can wait for it but us
  if (status === undefined && signal === undefined)
    while (startedAt !== undefined && findStart(pid) === startedAt)
      await new Promise(resolve => setTimeout(resolve, orphanMs));
  return { status: status ?? null, signal: signalName(signal), ...(usage && { usage }) };
}

function signalName(number: number | undefined): NodeJS.Signals | null {
  const found = Object.entries(osConstants.signals).find(([, value]) => value === number);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}

/** Lines to and from the server. */
class Conversation {
  private text = '';
  private readonly lines: string[] = [];
  private isOver = false;
  private wake: () => void = () => undefined;

  constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      const parts = (this.text + chunk).split('\n');
      this.text = parts.pop()!;
      this.lines.push(...parts);
      this.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isOver = true;
      this.wake();
    });
  }

  say(line: string): void {
    this.socket.write(`${line}\n`);
  }

  /** @throws Declined when the server says nothing any more */
  async hear(withinMs?: number): Promise<Answer> {
    const until = withinMs === undefined ? Infinity : performance.now() + withinMs;
    while (this.lines.length === 0) {
      const leftMs = until - performance.now();
      if (this.isOver || leftMs <= 0) throw new Declined('The fork server ended, or does not answer.', this.isOver);
      await new Promise<void>(resolve => {
        this.wake = resolve;
        if (leftMs !== Infinity) setTimeout(resolve, leftMs).unref();
      });
    }
    return JSON.parse(this.lines.shift()!) as Answer;
  }

  end(): void {
    this.socket.destroy();
  }
}
