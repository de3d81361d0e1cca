// The content-addressed store: each object is a file named by the SHA-256 of its content, read-only, compressed where that pays. What is
// in it survives a power cut from the moment that `commit` resolves: objects are written beside, synced, and only then named.
import { spawn } from 'node:child_process';
import { hash, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, utimesSync, type PathLike } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress } from 'node:zlib';
import { PipelineError } from '../errors.js';
import { inParallel } from './parallel.js';

const compressed = '.zst';
const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** a smaller object takes a block of the disk either way */
const worthCompressing = 4096;
const sampleBytes = 8 << 10;
/** from so many objects on, one sync of the file system is quicker than theirs */
const manyObjects = 64;

export class ObjectStore {
  readonly folder: string;

  constructor(home: string) {
    this.folder = join(home, 'objects');
  }

  /** Where temporary files are written; what a killed process leaves there is collected later. */
  get unfinished(): string {
    return join(this.folder, 'unfinished');
  }

  /** The two names that an object can have: as it is, and compressed. */
  paths(id: string): readonly [string, string] {
    const path = join(this.folder, id.slice(0, 2), id.slice(2));
    return [path, path + compressed];
  }

  /** Whether the object is there. If so, it is young again: nobody collects it before it is referred to. */
  touch(id: string): boolean {
    const now = new Date();
    return this.paths(id).some(path => {
      try {
        utimesSync(path, now, now);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
        throw error;
      }
    });
  }

  has(id: string): boolean {
    return this.paths(id).some(path => existsSync(path));
  }

  /** @throws PipelineError `damaged` when it is missing or not what its name says */
  async read(id: string): Promise<Buffer> {
    for (const path of this.paths(id)) {
      const content = await readObject(path);
      if (content === undefined) continue;
      if (content === 'damaged' || (await digest(content)) !== id) throw damaged(id, path);
      return content;
    }
    throw missing(id);
  }

  /** Whether this file of it is what its name says. */
  async isWhole(id: string, path: string): Promise<boolean> {
    const content = await readObject(path);
    return content === undefined || (content !== 'damaged' && (await digest(content)) === id);
  }

  batch(): ObjectBatch {
    return new ObjectBatch(this);
  }
}

/** Objects that come to the store together, and are synced together. */
export class ObjectBatch {
  /** by id: the temporary file, which has its last part as its name */
  private readonly written = new Map<string, string>();
  private readonly present = new Set<string>();
  private readonly writing = new Map<string, Promise<void>>();
  private readonly prefix = `${process.pid}-${randomBytes(4).toString('hex')}`;

  constructor(private readonly store: ObjectStore) {
    mkdirSync(store.unfinished, { recursive: true, mode: 0o700 });
  }

  /** Resolves with its id. It is in the store only after `commit`. */
  async put(content: Buffer): Promise<string> {
    const id = await digest(content);
    if (!this.present.has(id) && !this.written.has(id)) {
      if (this.store.touch(id)) this.present.add(id);
      else {
        if (!this.writing.has(id)) this.writing.set(id, this.write(id, content));
        await this.writing.get(id);
      }
    }
    return id;
  }

  private async write(id: string, content: Buffer): Promise<void> {
    const packed = await compress(content);
    const path = join(this.store.unfinished, `${this.prefix}-${id}${packed === undefined ? '' : compressed}`);
    await writeFile(path, packed ?? content, { flag: 'wx', mode: 0o444 });
    this.written.set(id, path);
    this.writing.delete(id);
  }

  /** Resolves when all that was put will be there after a power cut as well. */
  async commit(): Promise<void> {
    const files = [...this.written];
    if (files.length === 0) return;
    await syncAll(
      files.map(([, path]) => path),
      this.store.folder
    );
    const folders = new Set(files.map(([id]) => join(this.store.folder, id.slice(0, 2))));
    let isNew = false;
    for (const folder of folders) isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined || isNew;
    await inParallel(files, 16, async ([id, path]) => {
      const [plain, packed] = this.store.paths(id);
      await rename(path, basename(path).endsWith(compressed) ? packed : plain);
    });
    await syncAll([...folders, ...(isNew ? [this.store.folder] : [])], this.store.folder);
    for (const [id] of files) this.present.add(id);
    this.written.clear();
  }

  /** Remove what was written and not committed. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.writing.values());
    await inParallel([...this.written.values()], 16, path => rm(path, { force: true }));
    this.written.clear();
  }
}

/** SHA-256; large contents are hashed beside the event loop. */
export async function digest(content: Buffer): Promise<string> {
  if (content.length < 128 << 10) return hash('sha256', content, 'hex');
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', content as Buffer<ArrayBuffer>)).toString('hex');
}

const compressAside = promisify(zstdCompress) as (content: Buffer, options: typeof zstd) => Promise<Buffer>;
const decompress = promisify(zstdDecompress) as (content: Buffer) => Promise<Buffer>;

/** Undefined where it does not pay; of a large content a sample tells. */
async function compress(content: Buffer): Promise<Buffer | undefined> {
  if (content.length <= worthCompressing) return undefined;
  if (content.length > 4 * sampleBytes) {
    const middle = content.length >> 1;
    const samples = [content.subarray(0, sampleBytes), content.subarray(middle, middle + sampleBytes)];
    if (samples.every(sample => !isSmaller(zstdCompressSync(sample, zstd), sample))) return undefined;
  }
  const packed = await compressAside(content, zstd);
  return isSmaller(packed, content) ? packed : undefined;
}

const isSmaller = (packed: Buffer, content: Buffer) => packed.length < content.length * 0.9;

async function syncAll(paths: readonly string[], folder: string): Promise<void> {
  if (paths.length >= manyObjects && process.platform === 'linux' && (await syncFileSystem(folder))) return;
  await inParallel(paths, 8, sync);
}

async function sync(path: PathLike): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Node has no syncfs; coreutils' `sync` has. */
function syncFileSystem(folder: string): Promise<boolean> {
  return new Promise(resolve => {
    const child = spawn('sync', ['-f', folder], { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', status => resolve(status === 0));
  });
}

/** Undefined where there is none. */
async function readObject(path: string): Promise<Buffer | 'damaged' | undefined> {
  try {
    const stored = await readFile(path);
    return path.endsWith(compressed) ? await decompress(stored).catch(() => 'damaged' as const) : stored;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EIO') return 'damaged';
    throw error;
  }
}

const damaged = (id: string, path: string) =>
  new PipelineError(
    `The object ${id.slice(0, 12)} of a snapshot is damaged: ‘${path}’ does not hold what its name says. \`sluice fsck\` names what it belongs to.`,
    'damaged',
    { detail: { object: id } }
  );

const missing = (id: string) =>
  new PipelineError(
    `The object ${id.slice(0, 12)} of a snapshot is missing. \`sluice fsck\` names what it belongs to.`,
    'damaged',
    { detail: { object: id } }
  );
