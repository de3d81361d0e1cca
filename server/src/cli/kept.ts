// What a notebook was compiled to is kept with the user's caches, so that a notebook that is run again unchanged is not read again: that takes
// longer than all else before its first step. Kept is what rests on the notebook's text and on our own programs alone,
// and on there being no module of its own beside it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parsePrintedIr } from '@sluice/core';
import { findCaches } from '../caches.js';
import { rememberPlan } from '../runners/plans.js';
import type { Io } from './command.js';
import type { CompiledToRun } from './compile-to-run.js';
import type { NamedFile } from './files.js';

type Kept = { readonly [field in keyof CompiledToRun]: NonNullable<CompiledToRun[field]> };

/** notebooks whose IR is kept; more than twice as many are never there */
const most = 50;

/** The IR of a notebook that is to be run; undefined when the notebook has errors, which have been printed. */
export async function compileOnce(file: NamedFile, io: Io): Promise<string | undefined> {
  const colors = io.stderr.isTTY === true && !io.env.NO_COLOR;
  const place = findPlace(file, colors, io);
  const kept = place === undefined ? undefined : readKept(place, dirname(file.path));
  const { said, ir, imports } = kept ?? (await (await import('./compile-to-run.js')).compileToRun(file, colors, io));
  io.stderr.write(said);
  if (kept === undefined && place !== undefined && ir !== undefined && imports !== undefined)
    keep(place, { said, ir, imports });
  return ir;
}

/** The text, our code and the steps' runtime give it its name. */
function findPlace({ path, text }: NamedFile, colors: boolean, { install, env }: Io): string | undefined {
  const caches = findCaches(env);
  const { program, runtimeFolder } = install;
  if (caches === undefined || program === undefined) return undefined;
  const modules = readdirSync(runtimeFolder).filter(name => name.endsWith('.py'));
  const ours = [program, ...modules.sort().map(name => join(runtimeFolder, name))].map(file => {
    const { mtimeMs, size } = statSync(file);
    return [file, mtimeMs, size];
  });
  const key = createHash('sha256')
    .update(JSON.stringify([install.version, ours, colors, path, text]))
    .digest('hex');
  return join(caches, 'notebooks', `${key.slice(0, 40)}.json`);
}

function readKept(place: string, folder: string): Kept | undefined {
  try {
    const kept = JSON.parse(readFileSync(place, 'utf8')) as Kept;
    if (kept.imports.some(name => ['', '.py'].some(end => existsSync(join(folder, name + end))))) return undefined;
    rememberPlan(kept.ir, parsePrintedIr(kept.ir));
    return kept;
  } catch {
    return undefined; // it is not there, or not whole
  }
}

/** For its owner only, as the notebook may be. Where it can't be written, nothing is kept. */
function keep(place: string, kept: Kept): void {
  const folder = dirname(place);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    makeRoom(folder);
    const unfinished = join(folder, `${process.pid}-${basename(place)}`);
    writeFileSync(unfinished, JSON.stringify(kept), { mode: 0o600 });
    renameSync(unfinished, place);
  } catch {
    // the next run compiles it again
  }
}

function makeRoom(folder: string): void {
  const names = readdirSync(folder);
  if (names.length < 2 * most) return;
  const files = names.map(name => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }));
  for (const { path } of files.sort((a, b) => b.at - a.at).slice(most)) rmSync(path, { force: true });
}
