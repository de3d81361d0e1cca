// A command that has started ahead of its call and has read its code. Whoever calls (jupyterlab_sluice/spare.py) tells what a process inherits
// that is started; where something of it can't be handed over and differs, it starts its own. Used once.
import { readlinkSync, rmSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Install } from '../install.js';
import { surroundings } from '../warm/address.js';
import { idleSeconds } from '../warm/server.js';
import './run.js'; // and all that it needs

/** so often we look whether somebody can still find us */
const lookMs = 10_000;
/** the socket that the caller has opened for us */
const listener = 3;
/** what is sent: a kind, the length of the content in four bytes, the content; jupyterlab_sluice/spare.py has the same */
const kinds = { out: 1, err: 2, status: 3 } as const;
const lengthBytes = 4;

interface Call {
  readonly pid: number;
  /** where that pid counts */
  readonly namespace: string;
  readonly umask: number;
  readonly isTerminal: { readonly out: boolean; readonly err: boolean };
  readonly size: Size;
  readonly folder: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Size {
  columns: number;
  rows: number;
}

/** Wait at the path for a call, and be what it asks for. The process ends where none comes for long, or our code has changed. */
export function waitForCall(path: string, { program = '' }: Install, start: (leave: () => void) => void): void {
  const [code, here] = [identify(program), identify(path)];
  const until = performance.now() + idleSeconds * 1000;
  const isUsable = () => identify(program) === code && performance.now() < until;
  const isFound = () => identify(path) === here;
  const remove = () => isFound() && rmSync(path, { force: true });
  const look = setInterval(() => (isUsable() && isFound()) || process.exit(), lookMs);
  process.once('exit', remove);
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    receive(socket, call => {
      if (!isUsable()) process.exit();
      if (!server.listening || !isAlike(call)) return socket.destroy();
      clearInterval(look);
      server.close();
      remove();
      process.off('exit', remove);
      become(call, socket);
      whenCalled(socket, () => start(() => leave(socket)));
    });
  });
  server.listen({ fd: listener });
}

/** Another file at this path, or a changed one, gives another text. */
function identify(path: string): string {
  const { ino, mtimeMs, size } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return `${ino} ${mtimeMs} ${size}`;
}

/** Whether we are what the caller would have started, in what it can't hand over. */
function isAlike({ pid, namespace }: Call): boolean {
  try {
    return readlinkSync('/proc/self/ns/pid') === namespace && isDeepStrictEqual(surroundings(pid), surroundings());
  } catch {
    return false;
  }
}

function receive(socket: Socket, take: (call: Call) => void): void {
  let data = Buffer.alloc(0);
  socket.on('data', function read(chunk: Buffer) {
    data = Buffer.concat([data, chunk]);
    if (data.length < lengthBytes || data.length < lengthBytes + data.readUInt32BE()) return;
    socket.off('data', read);
    take(readCall(data.toString('utf8', lengthBytes)));
  });
}

function readCall(text: string): Call {
  const [about, namespace, folder, count, ...rest] = text.split('\0') as [string, string, string, string, ...string[]];
  const [pid, umask, out, err, columns, rows] = about.split(' ').map(Number) as [
    ...[number, number, number, number, number, number]
  ];
  const assignments = rest.slice(Number(count)).map(text => [text.split('=', 1)[0]!, text] as const);
  return {
    ...{ pid, namespace, umask, folder },
    isTerminal: { out: out === 1, err: err === 1 },
    size: { columns, rows },
    args: rest.slice(0, Number(count)),
    env: Object.fromEntries(assignments.map(([name, text]) => [name, text.slice(name.length + 1)]))
  };
}

function become({ umask, isTerminal, size, folder, args, env }: Call, socket: Socket): void {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(env, name)) delete process.env[name];
  Object.assign(process.env, env);
  process.umask(umask);
  process.chdir(folder);
  process.argv.splice(2, process.argv.length, ...args);
  for (const [name, kind, hasTerminal] of [
    ['stdout', kinds.out, isTerminal.out],
    ['stderr', kinds.err, isTerminal.err]
  ] as const)
    Object.defineProperty(process, name, { value: new Relay(socket, kind, hasTerminal ? size : undefined) });
  process.once('uncaughtException', error => {
    process.stderr.write(`${error.stack ?? String(error)}\n`);
    process.exitCode = 1;
    leave(socket);
  });
  socket.on('data', (lines: Buffer) => {
    // the terminal has another size
    const [columns, rows] = String(lines).trimEnd().split('\n').at(-1)!.split(' ').map(Number);
    if (rows !== undefined) Object.assign(size, { columns, rows });
  });
}

/** Tell the caller who we are. It may have given up by now: then nothing is done. */
function whenCalled(socket: Socket, begin: () => void): void {
  const giveUp = () => process.exit();
  socket.once('close', giveUp);
  socket.once('data', () => {
    socket.off('close', giveUp);
    socket.unref(); // it is not what the command lives for
    begin();
  });
  const answer = Buffer.alloc(lengthBytes);
  answer.writeUInt32BE(process.pid);
  socket.write(answer);
}

function leave(socket: Socket): void {
  socket.once('close', () => process.exit());
  if (socket.destroyed) process.exit();
  socket.end(frame(kinds.status, Buffer.from([Number(process.exitCode)])), () => process.exit());
}

/** What the command writes, on its way to the caller's descriptors. */
class Relay extends Writable {
  readonly isTTY?: true;

  constructor(
    private readonly socket: Socket,
    private readonly kind: number,
    private readonly terminal: Size | undefined
  ) {
    super();
    if (terminal !== undefined) this.isTTY = true;
  }

  get columns(): number | undefined {
    return this.terminal?.columns;
  }

  get rows(): number | undefined {
    return this.terminal?.rows;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(frame(this.kind, chunk), error =>
      done(error ? Object.assign(new Error('Nobody reads this any more.'), { code: 'EPIPE' }) : null)
    );
  }
}

function frame(kind: number, content: Buffer): Buffer {
  const header = Buffer.alloc(1 + lengthBytes);
  header.writeUInt8(kind);
  header.writeUInt32BE(content.length, 1);
  return Buffer.concat([header, content]);
}
