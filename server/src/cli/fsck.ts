// `sluice fsck`: whether all is as it was written, and what is not.
import { check } from '../snapshots/fsck.js';
import { formatCount, formatPath, formatSize } from '../words.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { openRecords } from './records.js';

const help = `sluice fsck [--json]

  Read all records, objects, snapshots and artifacts, and name what is damaged: which run, which step, which file.
  Nothing is changed. Exit status 1: something is damaged.

  --json   for programs
`;

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values } = readArgs(args, { json: { type: 'boolean' } }, { names: '', least: 0, most: 0 });
  const store = openRecords(io);
  try {
    const verdict = await check(store);
    const { damages, checked, unneeded } = verdict;
    if (values.json === true) await write(io.stdout, `${JSON.stringify(verdict)}\n`);
    else {
      for (const { message } of damages) await write(io.stdout, `${formatPath(message)}\n`);
      const { runs, snapshots, objects, bytes } = checked;
      const counts = [formatCount(runs, 'run'), formatCount(snapshots, 'snapshot'), formatCount(objects, 'object')];
      io.stdout.write(`${counts.join(', ')} (${formatSize(bytes)}): `);
      io.stdout.write(damages.length === 0 ? 'nothing is damaged.\n' : `${damages.length} damaged.\n`);
      if (unneeded > 0)
        io.stdout.write(`${unneeded} of the objects are needed by nothing; \`sluice gc\` removes them.\n`);
    }
    return damages.length === 0 ? 0 : 1;
  } finally {
    store.close();
  }
}

export const fsck: Command = { help, run: execute };
