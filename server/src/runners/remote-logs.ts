// What the steps of a run elsewhere print: whole in a file each, and its beginning as events, as it is with steps here. A piece, its place in
// the file and how far its source has been read are written down together, so that a follower that was killed goes on where it stood.
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync
} from 'node:fs';
import { logFile } from '../home.js';
import { liveChars, tailBytes, tailHead, type LogPiece, type LogSizes, type Stream } from '../logs.js';
import type { Store } from '../store.js';
import type { EngineEvent } from './engine.js';
import type { Positions } from './news.js';

const batchMs = 100;

type Origin = EngineEvent['origin'];

export class RemoteLogs {
  private readonly steps = new Map<string, RemoteLog>();
  private pending: { step: string; pieces: LogPiece[]; origin: Origin } | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Store,
    private readonly run: string,
    private readonly positions: Positions
  ) {}

  /** Kept within 100 ms, or with `flush`. */
  write(step: string, piece: LogPiece, origin: Origin): void {
    const { pending } = this;
    if (pending !== undefined && (pending.step !== step || pending.origin?.source !== origin?.source)) this.flush();
    this.pending ??= { step, pieces: [], origin };
    this.pending.origin = origin;
    const last = this.pending.pieces.at(-1);
    if (last?.stream === piece.stream)
      this.pending.pieces[this.pending.pieces.length - 1] = { ...piece, text: last.text + piece.text };
    else this.pending.pieces.push(piece);
    this.timer ??= setTimeout(() => this.flushLater(), batchMs);
  }

  /** @throws when it can't be written; what is pending stays so */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.pending === undefined) return;
    const { step, pieces, origin } = this.pending;
    const log = this.open(step);
    const keep = origin === undefined ? undefined : () => this.positions.write(origin);
    log.write(pieces, keep);
    if (origin !== undefined) this.positions.committed(origin);
    this.pending = undefined;
  }

  /** The last lines of a step's log of which watchers have the beginning only; in the transaction that keeps the step's end. */
  tellTail(step: string): void {
    if (this.store.log(this.run, step) !== undefined) this.open(step).tellTail();
  }

  close(): void {
    try {
      this.flush();
    } catch {
      // told again by the source when the run is followed again
    }
    clearTimeout(this.timer);
    for (const log of this.steps.values()) log.close();
  }

  private open(step: string): RemoteLog {
    let log = this.steps.get(step);
    if (log === undefined) this.steps.set(step, (log = new RemoteLog(this.store, this.run, step)));
    return log;
  }

  private flushLater(): void {
    try {
      this.flush();
    } catch {
      this.timer ??= setTimeout(() => this.flushLater(), 1000); // e.g. the disk is full
    }
  }
}

class RemoteLog {
  private readonly path: string;
  private readonly file: number;
  private sizes: LogSizes;
  private last: Stream | undefined;
  private liveLeft: number;

  constructor(
    private readonly store: Store,
    private readonly run: string,
    private readonly step: string
  ) {
    this.path = logFile(store.home, run, step);
    this.sizes = store.log(run, step) ?? { sizeBytes: 0, lines: 0 };
    this.file = openSync(this.path, existsSync(this.path) ? 'r+' : 'w+');
    ftruncateSync(this.file, this.sizes.sizeBytes); // what was written and not written down comes again
    const marks = existsSync(this.marksPath) ? readFileSync(this.marksPath, 'utf8').split('\n') : [];
    const valid = marks.filter(line => line !== '' && Number(line.split(' ')[0]) < this.sizes.sizeBytes);
    writeFileSync(this.marksPath, valid.map(line => `${line}\n`).join(''));
    this.last = valid.at(-1)?.split(' ')[1] as Stream | undefined;
    this.liveLeft = liveChars - this.sizes.sizeBytes;
  }

  private get marksPath(): string {
    return `${this.path}.streams`;
  }

  write(pieces: readonly LogPiece[], keep: (() => void) | undefined): void {
    let { sizeBytes, lines } = this.sizes;
    let { last, liveLeft } = this;
    let marks = '';
    for (const { stream, text } of pieces) {
      if (stream !== last) marks += `${sizeBytes} ${stream}\n`;
      last = stream;
      const bytes = Buffer.from(text);
      writeSync(this.file, bytes, 0, bytes.length, sizeBytes);
      sizeBytes += bytes.length;
      lines += text.split('\n').length - 1;
    }
    if (marks !== '') writeFileSync(this.marksPath, marks, { flag: 'a' });
    this.store.sql.transaction(() => {
      for (const { stream, text } of pieces) {
        const shown = text.slice(0, Math.max(0, liveLeft));
        if (shown !== '') this.append({ stream, text: shown });
        if (liveLeft > 0 && liveLeft - text.length <= 0) this.tellThatThereIsMore();
        liveLeft -= text.length;
      }
      this.store.addLog(this.run, this.step, this.path, { sizeBytes, lines });
      keep?.();
    });
    Object.assign(this, { sizes: { sizeBytes, lines }, last, liveLeft });
  }

  tellTail(): void {
    const from = Math.max(liveChars, this.sizes.sizeBytes - tailBytes);
    if (this.liveLeft >= 0 || from >= this.sizes.sizeBytes) return;
    const buffer = Buffer.alloc(this.sizes.sizeBytes - from);
    readSync(this.file, buffer, 0, buffer.length, from);
    const line = buffer.indexOf(10) + 1;
    const begin = line < buffer.length ? from + line : from;
    this.append(tailHead);
    const marks = readFileSync(this.marksPath, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.split(' ') as [string, Stream]);
    for (const [i, [offset, stream]] of marks.entries()) {
      const end = Number(marks[i + 1]?.[0] ?? this.sizes.sizeBytes);
      const text = buffer.toString('utf8', Math.max(begin, Number(offset)) - from, Math.max(begin, end) - from);
      if (text !== '') this.append({ stream, text });
    }
  }

  close(): void {
    closeSync(this.file);
  }

  private append({ stream, text }: LogPiece): void {
    this.store.append(this.run, { type: 'log', step: this.step, stream, text });
  }

  private tellThatThereIsMore(): void {
    this.append({ stream: 'stderr', text: `… there is more: the whole log is in ${this.path}\n` });
  }
}
