// What a step prints goes whole into a file, in the order in which it came. Watchers see it live in small batches, and only its beginning when it is very long.
import { createWriteStream, type WriteStream } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

export type Stream = 'stdout' | 'stderr';

export interface LogPiece {
  readonly stream: Stream;
  readonly text: string;
}

export interface LogSizes {
  readonly sizeBytes: number;
  readonly lines: number;
}

const batchMs = 100;
/** an unfinished line waits that long for its end */
const patienceMs = 1000;
const batchChars = 16_000;
/** characters of one step's log that are kept as events, from its beginning; and bytes from its end, where it is longer */
export const liveChars = 256_000;
export const tailBytes = 8000;
/** stands above the end of a log of which watchers have the beginning only */
export const tailHead: LogPiece = { stream: 'stderr', text: '… and ends with:\n' };

/**
 * The log of one step. `FILE` holds the text; `FILE.streams` has a line `OFFSET STREAM` for each change from one stream to the other.
 * Memory stays bounded: `write` returns false when the caller should wait for `drained`.
 */
export class StepLog {
  private readonly file: WriteStream;
  private readonly marks: WriteStream;
  private readonly decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  private readonly timer: NodeJS.Timeout;
  private pending: LogPiece[] = [];
  private pendingSince = 0;
  private liveLeft = liveChars;
  private hasToldEnd = false;
  private tail: { readonly stream: Stream; readonly chunk: Buffer }[] = [];
  private tailLength = 0;
  private last: Stream | undefined;
  private sizeBytes = 0;
  private lines = 0;
  private failure: Error | undefined;
  private draining: Promise<void> | undefined;

  constructor(
    readonly path: string,
    private readonly onPiece: (piece: LogPiece) => void
  ) {
    this.file = createWriteStream(path, { flags: 'a', highWaterMark: 1 << 20 });
    this.marks = createWriteStream(`${path}.streams`, { flags: 'a' });
    for (const stream of [this.file, this.marks]) stream.on('error', error => (this.failure ??= error));
    this.timer = setInterval(() => this.flush(false), batchMs);
  }

  write(stream: Stream, chunk: Buffer): boolean {
    if (this.failure !== undefined) return true; // told at the end; the step goes on
    if (stream !== this.last) this.marks.write(`${this.sizeBytes} ${stream}\n`);
    this.last = stream;
    this.sizeBytes += chunk.length;
    for (let i = chunk.indexOf(10); i >= 0; i = chunk.indexOf(10, i + 1)) this.lines++;
    this.keepLive(stream, chunk);
    return this.file.write(chunk);
  }

  /** Resolves when the file has taken what was written. */
  drained(): Promise<void> {
    if (!this.file.writableNeedDrain || this.failure !== undefined) return Promise.resolve();
    this.draining ??= new Promise<void>(resolve => {
      const done = () => {
        this.draining = undefined;
        this.file.off('drain', done).off('error', done);
        resolve();
      };
      this.file.on('drain', done).on('error', done);
    });
    return this.draining;
  }

  /** @throws the error with which writing the file, or telling of a piece, failed, if one did */
  async close(): Promise<LogSizes> {
    clearInterval(this.timer);
    this.flush(true);
    this.tellTail();
    await Promise.all(
      [this.file, this.marks].map(
        stream => new Promise<void>(resolve => (stream.closed ? resolve() : stream.once('close', resolve).end()))
      )
    );
    if (this.failure !== undefined) throw this.failure;
    return { sizeBytes: this.sizeBytes, lines: this.lines };
  }

  private keepLive(stream: Stream, chunk: Buffer): void {
    if (this.liveLeft <= 0) {
      this.keepTail(stream, chunk);
      return;
    }
    const decoded = this.decoders[stream].write(chunk);
    const text = decoded.slice(0, this.liveLeft);
    if (text.length < decoded.length) this.keepTail(stream, Buffer.from(decoded.slice(text.length)));
    this.liveLeft -= text.length;
    if (text === '') return;
    if (this.pending.length === 0) this.pendingSince = Date.now();
    const before = this.pending.at(-1);
    if (before?.stream === stream) this.pending[this.pending.length - 1] = { stream, text: before.text + text };
    else this.pending.push({ stream, text });
  }

  /** Hand on whole lines; all there is when `isLast` or when a line has been unfinished for long. */
  private flush(isLast: boolean): void {
    if (this.pending.length > 0) {
      const mayCut = isLast || Date.now() - this.pendingSince > patienceMs || this.liveLeft <= 0;
      const pieces = isLast ? this.pending.splice(0) : this.pending.splice(0, 4);
      const tail = mayCut || this.pending.length > 0 ? undefined : pieces.pop();
      for (const piece of pieces) this.tell(piece);
      if (tail !== undefined) {
        const end = Math.max(tail.text.lastIndexOf('\n'), tail.text.lastIndexOf('\r')) + 1;
        if (end > 0) this.tell({ stream: tail.stream, text: tail.text.slice(0, end) });
        if (end < tail.text.length) this.pending.unshift({ stream: tail.stream, text: tail.text.slice(end) });
        if (end > 0) this.pendingSince = Date.now();
      }
    }
    if (this.liveLeft <= 0 && this.pending.length === 0 && !this.hasToldEnd) {
      this.hasToldEnd = true;
      this.tell({ stream: 'stderr', text: `… there is more: the whole log is in ${this.path}\n` });
    }
  }

  private keepTail(stream: Stream, chunk: Buffer): void {
    // a copy, so that the end does not keep the whole chunk, nor a chunk that is used again
    const end = Buffer.from(chunk.subarray(-tailBytes));
    this.tail.push({ stream, chunk: end });
    this.tailLength += end.length;
    while (this.tailLength - this.tail[0]!.chunk.length >= tailBytes)
      this.tailLength -= this.tail.shift()!.chunk.length;
  }

  /** The last lines of a log of which watchers have the beginning only. */
  private tellTail(): void {
    const [first, ...others] = this.tail;
    if (first === undefined) return;
    const cut = first.chunk.subarray(Math.max(0, this.tailLength - tailBytes));
    const line = cut.indexOf(10) + 1;
    const begin = line < cut.length || others.length > 0 ? line : 0;
    this.tell(tailHead);
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
    for (const { stream, chunk } of [{ ...first, chunk: cut.subarray(begin) }, ...others])
      this.tell({ stream, text: decoders[stream].write(chunk) });
  }

  /** Also where the records take nothing more, as on a full disk: that is told at the end, and the step goes on. */
  private tell({ stream, text }: LogPiece): void {
    try {
      for (let i = 0; i < text.length; i += batchChars) this.onPiece({ stream, text: text.slice(i, i + batchChars) });
    } catch (error) {
      this.failure ??= error as Error;
    }
  }
}

/** Reads a log in pieces of one stream each, a part at a time. What is written afterwards is read the next time. */
export class LogReader {
  private readonly decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  /** `offset` is where to begin, in bytes. */
  constructor(
    readonly path: string,
    private offset = 0
  ) {}

  /** All that there is by now; nothing where there is no log yet. */
  async *read(): AsyncIterable<LogPiece> {
    const file = await openLog(this.path);
    if (file === undefined) return;
    try {
      const marks = await readMarks(this.path);
      const buffer = Buffer.alloc(1 << 16);
      let mark = 0;
      for (;;) {
        while (marks[mark + 1] !== undefined && marks[mark + 1]!.offset <= this.offset) mark++;
        const end = marks[mark + 1]?.offset ?? Infinity;
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - this.offset), this.offset);
        if (bytesRead === 0) return;
        this.offset += bytesRead;
        const stream = marks[mark]?.stream ?? 'stdout';
        yield { stream, text: this.decoders[stream].write(buffer.subarray(0, bytesRead)) };
      }
    } finally {
      await file.close();
    }
  }
}

/** Where the last lines of a log begin, in bytes. The log is read from its end. */
export async function findLastLines(path: string, lines: number): Promise<number> {
  const file = await openLog(path);
  if (file === undefined) return 0;
  try {
    const { size } = await file.stat();
    if (lines === 0) return size;
    const buffer = Buffer.alloc(1 << 16);
    let left = lines;
    // the byte at the end is left out: if it ends the last line, it does not begin another one
    for (let end = size - 1; end > 0;) {
      const from = Math.max(0, end - buffer.length);
      const { bytesRead } = await file.read(buffer, 0, end - from, from);
      for (let i = bytesRead; i > 0 && (i = buffer.lastIndexOf(10, i - 1)) >= 0;) if (--left === 0) return from + i + 1;
      end = from;
    }
    return 0;
  } finally {
    await file.close();
  }
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function readMarks(path: string): Promise<readonly { readonly offset: number; readonly stream: Stream }[]> {
  const text = await readFile(`${path}.streams`, 'utf8').catch(() => '');
  const lines = text.split('\n').filter(line => line !== '');
  return lines.map(line => ({ offset: Number(line.split(' ')[0]), stream: line.split(' ')[1] as Stream }));
}
