// How long a snapshot of a folder takes: the first one, and those with one changed file. Arguments: an empty folder, how many files, and
// their size in bytes. Prints milliseconds, and the bytes by which the store grew for one changed file.
import { randomFillSync } from 'node:crypto';
import { appendFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { importSource } from './bundle.mjs';

const { scanWorkspace } = await importSource('server/src/scan.ts');
const { ObjectStore } = await importSource('server/src/snapshots/objects.ts');
const { StatIndex } = await importSource('server/src/snapshots/stat-index.ts');
const { takeSnapshot } = await importSource('server/src/snapshots/take.ts');

const [, , folder, count, size] = process.argv;
const work = join(folder, 'work');
const home = join(folder, 'home');
const pathOf = number => join(work, String(number % 100), `${number}.bin`);
for (let part = 0; part < 100; part++) await mkdir(join(work, String(part)), { recursive: true });
for (let number = 0; number < Number(count); number++) {
  const content = Buffer.alloc(Number(size), `file ${number} `); // half of it can be compressed
  await writeFile(pathOf(number), randomFillSync(content, 0, content.length >> 1));
}

const objects = new ObjectStore(home);
const rules = { limits: { sizeBytes: Infinity, files: Infinity }, home };
const indexPath = join(home, 'index');

/** As a run begins: the index is read, the folder is looked through, what is new is stored, the index is written. */
async function take() {
  const begin = performance.now();
  const index = StatIndex.read(indexPath);
  const { base, entries } = await scanWorkspace(work, [], rules);
  const { id } = await takeSnapshot(objects, base, entries, index, 0);
  await index.write(indexPath);
  return { id, ms: performance.now() - begin };
}

async function sizeOf(path) {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter(entry => entry.isFile());
  const stats = await Promise.all(files.map(entry => stat(join(entry.parentPath, entry.name))));
  return stats.reduce((sum, { size }) => sum + size, 0);
}

const first = await take();
await new Promise(resolve => setTimeout(resolve, 100)); // files written just before are read twice
await take();
const before = await sizeOf(objects.folder);
const changed = [];
for (let pass = 0; pass < 5; pass++) {
  await appendFile(pathOf(pass), 'x');
  changed.push(await take());
}
const ids = new Set([first, ...changed].map(({ id }) => id));
if (ids.size !== 6) throw new Error('A change was not seen.');
const median = changed.map(({ ms }) => ms).sort((a, b) => a - b)[2];
console.log(
  JSON.stringify({ first: first.ms, changed: median, addedBytes: ((await sizeOf(objects.folder)) - before) / 5 })
);
