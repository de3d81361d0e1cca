// The runtime that each step carries: the Python files of jupyterlab_sluice/runtime/, packed into one text for the IR.
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';

export interface PackedRuntime {
  /** the program that unpacks the rest, see decision 0002 */
  readonly boot: string;
  /** base64 of zlib of a JSON object `{module: source}` */
  readonly packed: string;
}

const loads = new Map<string, Promise<PackedRuntime>>();

/** Modules that a step needs only while its notebook is verified. */
const verifying = new Set(['checkpoints.py', 'fingerprint.py']);

/** Modules that no step needs: what loads a past run's values runs in a live kernel, and a snapshot is a task of its own. */
const outsideSteps = new Set(['load.py', 'volume_snapshot.py']);

/** Read once a process. The same files give the same text, byte for byte. */
export function packRuntime(folder: string, { withCheckpoints = false } = {}): Promise<PackedRuntime> {
  const key = `${folder}?${withCheckpoints}`;
  const load = loads.get(key) ?? pack(folder, file => withCheckpoints || !verifying.has(file));
  loads.set(key, load);
  return load;
}

async function pack(folder: string, isWanted: (file: string) => boolean): Promise<PackedRuntime> {
  // one after the other: so few and small, they are read before others could have been asked for
  const files = readdirSync(folder)
    .filter(file => file.endsWith('.py') && file !== 'boot.py' && !outsideSteps.has(file) && isWanted(file))
    .sort();
  const sources = files.map(file => readFileSync(join(folder, file), 'utf8'));
  const modules = Object.fromEntries(files.map((file, i) => [file.slice(0, -'.py'.length), withoutProse(sources[i]!)]));
  const packed = await promisify(deflate)(JSON.stringify(modules), { level: 9 });
  return { boot: await readFile(join(folder, 'boot.py'), 'utf8'), packed: packed.toString('base64') };
}

/** What a module says to those who read it stays here: a fifth of what would travel. Lines keep their numbers. */
function withoutProse(source: string): string {
  return source
    .replace(/^( *)"""(?:[^"\\]|"(?!""))*"""$/gm, (text, indent: string) => `${indent}""${text.replace(/[^\n]/g, '')}`)
    .replace(/^ *#.*$/gm, '');
}

const programs = new Map<string, Promise<string>>();

/** The whole program of a task that takes a snapshot of a volume from within a pod; read once a process. */
export function readSnapshotProgram(folder: string): Promise<string> {
  const path = join(folder, 'volume_snapshot.py');
  const program = programs.get(path) ?? readFile(path, 'utf8').then(withoutProse);
  programs.set(path, program);
  return program;
}
