// What was found at each path the last time, and how the file system described it then: what is described alike has not changed, and is not
// read again. A file that was written just before it was read could be written once more with the same times: it is read again.
import { readFileSync, type BigIntStats } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Tree, TreeEntry } from './tree.js';

interface Known {
  readonly description: string;
  readonly entry: TreeEntry;
}

/** clocks of file systems tick every 10 ms or faster, or by whole seconds or two */
const tickNs = 20_000_000n;
const coarseTickNs = 2_000_000_000n;

/** indices that this process has written */
let written = 0;

export class StatIndex {
  private readonly known: Map<string, Known>;

  private constructor(
    known: Iterable<readonly [string, Known]>,
    /** of the collection that was the last when this was written: entries are backed by objects unless there was another since */
    public collection: number,
    /** the tree of exactly these entries, where it was written */
    public tree: string | undefined
  ) {
    this.known = new Map(known);
  }

  static empty(): StatIndex {
    return new StatIndex([], -1, undefined);
  }

  /** Empty where there is none, or none that can be used. */
  static read(path: string): StatIndex {
    try {
      const text = readFileSync(path, 'utf8');
      if (!isWhole(text)) return StatIndex.empty();
      const end = text.lastIndexOf('\n', text.length - 2) + 1;
      const [head, ...lines] = text.slice(0, end - 1).split('\n');
      const { version, collection, tree } = JSON.parse(head!);
      if (version !== 1) return StatIndex.empty();
      const known = lines.map(line => {
        const [path, description, entry] = JSON.parse(line) as [string, string, TreeEntry];
        return [path, { description, entry }] as const;
      });
      return new StatIndex(known, collection, tree);
    } catch {
      return StatIndex.empty();
    }
  }

  static isWhole(path: string): boolean {
    return isWhole(readFileSync(path, 'utf8'));
  }

  async write(path: string): Promise<void> {
    const { collection, tree } = this;
    const lines = [JSON.stringify({ version: 1, collection, tree })];
    for (const [path, { description, entry }] of this.known) lines.push(JSON.stringify([path, description, entry]));
    const text = `${lines.join('\n')}\n`;
    await mkdir(dirname(path), { recursive: true });
    const beside = `${path}.${process.pid}-${(written += 1)}`; // two runs of one process may write it at the same time
    await writeFile(beside, `${text}${crc32(text)}\n`);
    await rename(beside, path);
  }

  /** Undefined where it is not known, or may have changed. */
  find(path: string, stats: BigIntStats): TreeEntry | undefined {
    const known = this.known.get(path);
    return known !== undefined && known.description === describe(stats) ? known.entry : undefined;
  }

  /** Write down what was found between `sinceMs` and now. */
  set(path: string, stats: BigIntStats, entry: TreeEntry, sinceMs: number): void {
    const description = isRacy(stats, sinceMs) ? '' : describe(stats);
    this.known.set(path, { description, entry });
  }

  /** Whether it has changed since or not. */
  entry(path: string): TreeEntry | undefined {
    return this.known.get(path)?.entry;
  }

  get size(): number {
    return this.known.size;
  }

  get entries(): Tree {
    return new Map([...this.known].map(([path, { entry }]) => [path, entry]));
  }

  /** Only these are still there. */
  keep(paths: { has(path: string): boolean }): void {
    for (const path of this.known.keys()) if (!paths.has(path)) this.known.delete(path);
  }
}

/** The last line is the checksum of the others. */
function isWhole(text: string): boolean {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  return end > 0 && Number(text.slice(end)) === crc32(text.slice(0, end));
}

function describe(stats: BigIntStats): string {
  const { mode, size, mtimeNs, ctimeNs, ino } = stats;
  // a folder's times change with what is in it, which is looked at anyway
  return stats.isDirectory() ? `folder ${mode}` : `${mode} ${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}

function isRacy(stats: BigIntStats, sinceMs: number): boolean {
  // another link is another inode
  if (!stats.isFile()) return false;
  const changed = stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs;
  const tick = stats.ctimeNs % 10_000_000n === 0n ? coarseTickNs : tickNs;
  return changed > BigInt(Math.floor(sinceMs)) * 1_000_000n - tick;
}
