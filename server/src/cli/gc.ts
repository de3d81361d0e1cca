// `sluice gc`: what can go, and how much that frees.
import { PipelineError } from '../errors.js';
import { collect, type Collected } from '../snapshots/gc.js';
import { formatSize } from '../words.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { openRecords } from './records.js';

const help = `sluice gc [--keep N] [--older-than AGE] [--dry-run] [--json]

  Remove what nobody needs: contents of files that no snapshot has any more, spare copies of folders, what killed processes left.
  Runs, with their records, values and snapshots, are removed only when you say which:

  --keep N           of each notebook, keep the newest N runs
  --older-than AGE   remove runs that ended longer ago, such as 30d, 12h or 8w; with --keep, only those beyond the N
  --dry-run          remove nothing; say what would go
  --json             for programs

  A run that goes on keeps all runs, as it may take values from them.
`;

const hours = { h: 1, d: 24, w: 168 };

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values } = readArgs(
    args,
    {
      keep: { type: 'string' },
      'older-than': { type: 'string' },
      'dry-run': { type: 'boolean' },
      json: { type: 'boolean' }
    },
    { names: '', least: 0, most: 0 }
  );
  const isDry = values['dry-run'] === true;
  const collecting = {
    isDry,
    ...(values.keep === undefined ? {} : { keep: toCount(values.keep) }),
    ...(values['older-than'] === undefined ? {} : { before: Date.now() - toMs(values['older-than']) })
  };
  const store = openRecords(io);
  try {
    const collected = await collect(store, collecting);
    await write(
      io.stdout,
      values.json === true ? `${JSON.stringify(toJson(collected, isDry))}\n` : print(collected, isDry)
    );
    return 0;
  } finally {
    store.close();
  }
}

export function toCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new PipelineError(`--keep takes a number of runs, 1 or more, instead of ‘${text}’.`, 'usage');
}

export function toMs(text: string): number {
  const [, number, unit] = /^(\d+)([hdw])$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * hours[unit as keyof typeof hours] * 3_600_000;
  throw new PipelineError(`--older-than takes an age such as 30d, 12h or 8w, instead of ‘${text}’.`, 'usage');
}

function toJson({ runs, ...rest }: Collected, isDry: boolean): object {
  return { dryRun: isDry, runs: runs.map(run => run.id), ...rest };
}

function print({ runs, snapshots, objects, leftovers, freedBytes, kept }: Collected, isDry: boolean): string {
  const lines = runs.map(run => `run ${run.number}  ${run.id}  ${run.notebook ?? run.pipeline}  ${run.state}`);
  const parts = [
    [runs.length, 'run', 'runs'],
    [snapshots, 'snapshot before a restoration', 'snapshots before restorations'],
    [objects.count, 'object', 'objects'],
    [leftovers.count, 'leftover', 'leftovers']
  ] as const;
  const list = parts.filter(([count]) => count > 0).map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  if (list.length === 0) lines.push('There is nothing to remove.');
  else lines.push(`${list.join(', ')}: ${formatSize(freedBytes)} ${isDry ? 'would be freed' : 'freed'}.`);
  if (kept !== undefined) lines.push(kept);
  return lines.map(line => `${line}\n`).join('');
}

export const gc: Command = { help, run: execute };
