// The content of a file, as an object or, when it is large, as a list of chunks: a byte that changes costs one chunk. Chunks have a fixed
// size, as data files change in place or grow at their end; cutting by content would cost a pass in JavaScript over each byte.
import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PipelineError } from '../errors.js';
import { digest, type ObjectBatch, type ObjectStore } from './objects.js';
import { inParallel } from './parallel.js';

const wholeBytes = 64 << 20;
const chunkBytes = 512 << 10;
/** chunks in work at a time */
const window = 16;
const attempts = 5;

export interface Blob {
  readonly id: string;
  readonly isChunked: boolean;
  /** as the file was while this was read */
  readonly stats: BigIntStats;
}

/** Read the file and put its content into the batch, or only find its id. A file that changes meanwhile is read again. */
export async function readBlob(path: string | Buffer, batch: ObjectBatch | undefined): Promise<Blob> {
  // neither through a link that has come in its place, nor waiting at a pipe
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    for (let attempt = 1; ; attempt++) {
      const before = await file.stat({ bigint: true });
      const content = await readContent(file, Number(before.size), batch);
      const after = await file.stat({ bigint: true });
      const isSteady =
        before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
      // one that never rests is taken as it was read
      if (isSteady || attempt === attempts) return { ...content, stats: after };
      await new Promise(resolve => setTimeout(resolve, 10 * attempt));
    }
  } finally {
    await file.close();
  }
}

async function readContent(file: FileHandle, size: number, batch: ObjectBatch | undefined) {
  const put = (content: Buffer) => (batch === undefined ? digest(content) : batch.put(content));
  if (size <= wholeBytes) {
    const content = await readPart(file, 0, size);
    return { id: await put(content), isChunked: false };
  }
  const ids: string[] = [];
  const starts = Array.from({ length: Math.ceil(size / chunkBytes) }, (_, i) => i);
  await inParallel(starts, window, async i => {
    const start = i * chunkBytes;
    ids[i] = await put(await readPart(file, start, Math.min(chunkBytes, size - start)));
  });
  return { id: await put(encodeChunks(ids)), isChunked: true };
}

/** Shorter where the file has become shorter. */
async function readPart(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function encodeChunks(ids: readonly string[]): Buffer {
  return Buffer.from(ids.map(id => `${id}\n`).join(''));
}

/** @throws PipelineError `damaged` */
export async function readChunkIds(store: ObjectStore, id: string): Promise<string[]> {
  const ids = (await store.read(id)).toString('latin1').split('\n').slice(0, -1);
  if (!ids.every(part => /^[0-9a-f]{64}$/.test(part)))
    throw new PipelineError(`The object ${id.slice(0, 12)} should list a file’s chunks, and does not.`, 'damaged', {
      detail: { object: id }
    });
  return ids;
}

/** The content in pieces, each checked before it is given. @throws PipelineError `damaged` */
export async function* readContentOf(
  store: ObjectStore,
  { id, isChunked }: { readonly id: string; readonly isChunked: boolean }
): AsyncIterable<Buffer> {
  if (!isChunked) yield await store.read(id);
  else for (const chunk of await readChunkIds(store, id)) yield await store.read(chunk);
}
