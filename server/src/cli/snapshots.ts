// `sluice snapshots`: what the workspace was at each moment of a run; what changed in between; and how to get files back.
import { resolve } from 'node:path';
import type { SnapshotFile } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { storedPath } from '../paths.js';
import { SnapshotLibrary } from '../snapshots/library.js';
import type { StoredSnapshot } from '../snapshots/records.js';
import type { Store } from '../store.js';
import { formatCount, formatPath, formatSize, formatTable } from '../words.js';
import { chooseAction, readArgs, write, type Action, type Command, type Io } from './command.js';
import { openRecords } from './records.js';

const help = `sluice snapshots [list [NOTEBOOK] | show ID | files ID [FOLDER] | diff ID ID | restore ID [PATH]...] [--json]

  list [NOTEBOOK]        snapshots, newest first (the default)
  show ID                of which run and step it is, and what changed since the one before
  files ID [FOLDER]      what is in it
  diff ID ID             which files were added, changed and removed from the first to the second
  restore ID [PATH]...   write its files, or those at the paths, to a folder or back to where they came from

ID is an id or the beginning of one. Each run has one at its start, and one before and after each step.

  --to DIR     for restore: the folder to write to, new or empty
  --back       for restore: write into the notebook’s folder; a snapshot of what is there is taken first
  --delete     with --back: delete there what the snapshot does not have
  --json       for programs
`;

const options = {
  json: { type: 'boolean' },
  to: { type: 'string' },
  back: { type: 'boolean' },
  delete: { type: 'boolean' }
} as const;

interface Context {
  readonly library: SnapshotLibrary;
  readonly store: Store;
  readonly io: Io;
  readonly json: boolean;
  readonly to?: string;
  readonly isBack: boolean;
  readonly isExact: boolean;
}

interface SnapshotsAction extends Action {
  run(context: Context, ...operands: string[]): Promise<number>;
}

const actions: Record<string, SnapshotsAction> = {
  list: { operands: '[NOTEBOOK]', least: 0, most: 1, run: list },
  show: { operands: 'ID', least: 1, most: 1, run: show },
  files: { operands: 'ID [FOLDER]', least: 1, most: 2, run: files },
  diff: { operands: 'ID ID', least: 2, most: 2, run: diff },
  restore: { operands: 'ID [PATH]... --to DIR (or --back)', least: 1, most: Infinity, run: restore }
};

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(args, options);
  const { action, operands } = chooseAction('snapshots', actions, positionals);
  const store = openRecords(io);
  try {
    const library = new SnapshotLibrary(store);
    const flags = { json: values.json === true, isBack: values.back === true, isExact: values.delete === true };
    return await action.run(
      { library, store, io, ...flags, ...(values.to === undefined ? {} : { to: values.to }) },
      ...operands
    );
  } finally {
    store.close();
  }
}

async function list({ library, store, io, json }: Context, notebook?: string): Promise<number> {
  const snapshots = library.list(notebook && storedPath(store.home, resolve(io.cwd, notebook)));
  if (json) await write(io.stdout, `${JSON.stringify({ snapshots: snapshots.map(({ record }) => record) })}\n`);
  else if (snapshots.length === 0) io.stdout.write(`There is no snapshot yet in ${store.home}. Each run takes some.\n`);
  else {
    const rows = snapshots.map(snapshot => describe(store, snapshot));
    const lines = formatTable([['snapshot', 'run', 'notebook', 'of', 'taken', 'files', 'size'], ...rows]);
    await write(io.stdout, `${lines.join('\n')}\n`);
  }
  return 0;
}

async function show({ library, store, io, json }: Context, id: string): Promise<number> {
  const snapshot = library.find(id);
  const { record, base } = snapshot;
  const siblings = record.run === undefined ? [] : library.listRun(record.run);
  const before = siblings[siblings.findIndex(other => other.id === record.id) - 1];
  const changes = before && (await library.diff(before.id, record.id));
  if (json) await write(io.stdout, `${JSON.stringify({ ...record, folder: base, ...(changes && { changes }) })}\n`);
  else {
    const [id, run, notebook, of, taken, files, size] = describe(store, snapshot);
    const about = [run && `run ${run}`, notebook, taken].filter(Boolean).join(', ');
    io.stdout.write(`${id}  ${of}  ${about}\n${files} files, ${size}, of ${base}\n`);
    if (changes) io.stdout.write(`\nsince ${before.id} (${before.moment}${before.step ? ` ${before.step}` : ''})\n`);
    if (changes) await write(io.stdout, formatDiff(changes));
  }
  return 0;
}

async function files({ library, io, json }: Context, id: string, folder?: string): Promise<number> {
  const files = await library.files(id, folder);
  if (json) await write(io.stdout, `${JSON.stringify({ files })}\n`);
  else {
    const size = ({ kind, bytes }: SnapshotFile) => (kind === 'file' ? formatSize(bytes) : '');
    const rows = files.map(file => [
      size(file),
      file.kind === 'folder' ? `${formatPath(file.path)}/` : formatPath(file.path)
    ]);
    await write(
      io.stdout,
      formatTable(rows)
        .map(line => `${line}\n`)
        .join('')
    );
  }
  return 0;
}

async function diff({ library, io, json }: Context, first: string, second: string): Promise<number> {
  const changes = await library.diff(first, second);
  await write(io.stdout, json ? `${JSON.stringify(changes)}\n` : formatDiff(changes));
  return 0;
}

async function restore({ library, io, json, to, isBack, isExact }: Context, id: string, ...paths: string[]) {
  if ((to === undefined) !== isBack)
    throw new PipelineError(
      'Write --to DIR, for a new folder, or --back, for where the files came from; one of them.',
      'usage'
    );
  if (isExact && !isBack)
    throw new PipelineError('--delete goes with --back only: a new folder has nothing to delete.', 'usage');
  const restored = await library.restore(id, {
    ...(to === undefined ? {} : { to: resolve(io.cwd, to) }),
    ...{ paths, isExact }
  });
  if (json) io.stdout.write(`${JSON.stringify(restored)}\n`);
  else {
    const { files, safety } = restored;
    io.stdout.write(`${formatCount(files, 'file')} ${isExact ? 'written or deleted' : 'written'} in ${restored.to}.\n`);
    if (safety !== undefined)
      io.stdout.write(`What was there before is in snapshot ${safety}: sluice snapshots restore ${safety} --back\n`);
  }
  return 0;
}

function describe(store: Store, { record, notebook }: StoredSnapshot): string[] {
  const { id, run, moment, step, at, files, bytes } = record;
  return [
    id,
    run === undefined ? '' : String(store.read(run).number),
    notebook ?? '',
    moment === 'safety' ? 'before a restoration' : moment === 'start' ? 'start' : `${moment} ${step}`,
    new Date(at).toLocaleString('sv'),
    String(files),
    formatSize(bytes)
  ];
}

function formatDiff(changes: Awaited<ReturnType<SnapshotLibrary['diff']>>): string {
  const { added, changed, removed } = changes;
  const lines = [
    ...added.map(path => [path, 'added'] as const),
    ...changed.map(path => [path, 'changed'] as const),
    ...removed.map(path => [path, 'removed'] as const)
  ];
  if (lines.length === 0) return 'Nothing differs.\n';
  return lines.map(([path, what]) => `${what.padEnd(7)}  ${formatPath(path)}\n`).join('');
}

export const snapshots: Command = { help, run: execute };
