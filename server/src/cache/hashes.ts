// What a file holds, as a hash. A file whose size, times and inode are as they were is not read again.
import { createHash } from 'node:crypto';
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Sql } from '../database.js';

/** two changes within one tick of the file system's clock leave the same time */
const tickMs = 50;

const smallBytes = 1 << 16;

export class FileHashes {
  constructor(private readonly sql: Sql) {}

  /** Of the file as it was when `known` was taken; undefined where it is no file, can't be read, or has changed since. */
  async hash(path: string, known?: BigIntStats): Promise<string | undefined> {
    const stats = await describe(path);
    if (stats === undefined || !stats.isFile()) return undefined;
    if (known !== undefined && identity(known) !== identity(stats)) return undefined;
    const row = this.sql.get('SELECT identity, hash FROM file_hashes WHERE path = ?', path);
    if (row?.identity === identity(stats)) return row.hash as string;
    const hash = await hashFile(path);
    const after = await describe(path);
    if (hash === undefined || after === undefined || identity(after) !== identity(stats)) return undefined;
    const changed = stats.mtimeMs > stats.ctimeMs ? stats.mtimeMs : stats.ctimeMs;
    if (Date.now() - Number(changed) > tickMs)
      this.sql.run(
        'INSERT OR REPLACE INTO file_hashes (path, identity, hash) VALUES (?, ?, ?)',
        ...[path, identity(stats), hash]
      );
    return hash;
  }
}

/** Undefined where it can't be read. */
export async function hashFile(path: string | Buffer, start = 0, end = Infinity): Promise<string | undefined> {
  const hash = createHash('sha256');
  if (end < start) return hash.digest('hex');
  try {
    const small = readSmall(path, start, end);
    if (small !== undefined) return hash.update(small).digest('hex');
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20, start, end }), hash);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}

/** What is small is here before a stream would have begun. */
function readSmall(path: string | Buffer, start: number, end: number): Buffer | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // should it be a pipe, nobody waits for its other end
  try {
    const stats = fstatSync(fd);
    const length = Math.min(stats.size, end + 1) - start;
    if (!stats.isFile() || length > smallBytes) return undefined;
    const buffer = Buffer.alloc(Math.max(length, 0));
    for (let done = 0; done < length;) {
      const read = readSync(fd, buffer, done, length - done, start + done);
      if (read === 0) return undefined; // it is being written
      done += read;
    }
    return buffer;
  } finally {
    closeSync(fd);
  }
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function describe(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

const identity = ({ size, mtimeNs, ctimeNs, ino }: BigIntStats) => `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
