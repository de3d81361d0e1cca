// What is in an artifact: two bundles of the same content hold the same values. The header of a bundle (values.py writes it) tells nearly
// all of it, so that 200 MB are not read to learn that they are as they were.
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { hashFile, hashText } from './hashes.js';

export interface BundleContent {
  /** the same for the same values, whoever wrote them */
  readonly id: string;
  /** Where arrays are told apart by sums of their rows and columns only: where the bytes that these sums stand for are, and which writing it was. */
  readonly summed?: { readonly from: number; readonly writing: string };
}

interface Header {
  readonly [key: string]: unknown;
  readonly stream: readonly [size: number, sha256: string];
  readonly segments: readonly (readonly [offset: number, size: number])[];
  readonly check: string;
  readonly digest: string;
  readonly size: number;
}

const magic = 'SLUICE01';
const prefixBytes = 48;
const up = (offset: number) => Math.ceil(offset / 64) * 64;
/** who wrote it and when, and what is only said of it */
const circumstances = new Set(['pipeline', 'step', 'sealed', 'variables']);

/** Undefined where there is nothing, or something damaged, or something of which the header can't tell any more whether it is damaged. */
export async function readContent(path: string): Promise<BundleContent | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const prefix = await read(file, 0, prefixBytes);
    if (prefix.subarray(0, 8).toString('latin1') !== magic) {
      const id = await hashFile(path);
      return id === undefined ? undefined : { id };
    }
    const stats = await file.stat({ bigint: true });
    const length = Number(prefix.readBigUInt64LE(8));
    if (length > Number(stats.size)) return undefined;
    const data = await read(file, prefixBytes, length);
    if (!createHash('sha256').update(data).digest().equals(prefix.subarray(16))) return undefined;
    return await checkContent(path, data.toString('utf8'), up(prefixBytes + length), stats);
  } finally {
    await file.close();
  }
}

async function checkContent(
  path: string,
  text: string,
  start: number,
  stats: { readonly size: bigint; readonly mtimeNs: bigint }
): Promise<BundleContent | undefined> {
  const header = JSON.parse(text) as Header;
  if (Number(stats.size) !== start + header.size) return undefined;
  const [size, sha256] = header.stream;
  if ((await hashFile(path, start, start + size - 1)) !== sha256) return undefined;
  const writing = /"sealed": (\d+)/.exec(text)?.[1] ?? ''; // nanoseconds: more digits than a number has
  if (String(stats.mtimeNs) !== writing && !(await areSegmentsWhole(path, header, start))) return undefined;
  const id = hashText(JSON.stringify(Object.entries(header).filter(([key]) => !circumstances.has(key))));
  return header.check === 'sums' ? { id, summed: { from: start + up(size), writing } } : { id };
}

/** Somebody wrote to the file, or copied it. The sums are numpy's business, and the step's that reads it: they count as damaged here. */
async function areSegmentsWhole(path: string, { check, segments, digest }: Header, start: number): Promise<boolean> {
  if (check !== 'sha256') return false;
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    for (const [offset, size] of segments) hash.update(await read(file, start + offset, size));
  } finally {
    await file.close();
  }
  return hash.digest('hex') === digest;
}

/** Whether two bundles whose ids are the same hold the same: sums alone could be the same by chance. */
export async function isSameContent(
  a: BundleContent,
  pathOfA: string,
  b: BundleContent,
  pathOfB: string
): Promise<boolean> {
  if (a.id !== b.id) return false;
  if (a.summed === undefined || b.summed === undefined || a.summed.writing === b.summed.writing) return true;
  const files = await Promise.all([pathOfA, pathOfB].map(path => open(path).catch(() => undefined)));
  const [first, second] = files;
  try {
    if (first === undefined || second === undefined) return false;
    for (let offset = 0; ; offset += chunkBytes) {
      const [x, y] = await Promise.all([
        read(first, a.summed.from + offset, chunkBytes),
        read(second, b.summed.from + offset, chunkBytes)
      ]);
      if (!x.equals(y)) return false;
      if (x.length < chunkBytes) return true;
    }
  } finally {
    await Promise.all(files.map(file => file?.close()));
  }
}

const chunkBytes = 1 << 22;

/** Fewer bytes at the file's end. */
async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
