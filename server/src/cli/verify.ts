// `sluice verify`: does the pipeline what the notebook does? Both are run, and what differs first is named.
import { dirname } from 'node:path';
import {
  printDiagnostics,
  type Difference,
  type Verification,
  type VerifiedStep,
  type VerifyStage
} from '@sluice/core';
import { findHome, openHome } from '../home.js';
import { Pipelines } from '../pipelines.js';
import { Store } from '../store.js';
import { painter, type Paint } from '../terminal.js';
import { verifyNotebook } from '../verify.js';
import { formatCount } from '../words.js';
import { hasErrors, useColors } from './check.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { readNotebookFile } from './files.js';

const help = `sluice verify NOTEBOOK [--json]

Run the notebook from top to bottom in one process, then its pipeline, and compare step by step: what is printed, results, pictures,
metrics, and the values that each step binds or changes. Both run in copies of the notebook's folder, with the parameters' defaults.
What differs between two runs of the notebook itself, such as times or random numbers without a seed, is listed and not judged.
Text on stderr is not compared: Python shows a warning once in each process.

  --json    one JSON object: outcome, pipeline, run, steps, first

Exit status: 0 the same, 1 different or failed, 2 wrong usage or invalid notebook, 130 canceled.
`;

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(
    args,
    { json: { type: 'boolean' } },
    { names: 'NOTEBOOK', least: 1, most: 1 }
  );
  const { path, text } = await readNotebookFile(positionals[0]!, io.cwd);
  const pipelines = new Pipelines(io.install, io.env);
  const reading = await pipelines.read(text, path);
  if (hasErrors(reading)) {
    const colors = io.stderr.isTTY === true && !io.env.NO_COLOR;
    io.stderr.write(`${printDiagnostics(reading.diagnostics, reading.notebook, { colors })}\n`);
    return 2;
  }
  const interrupt = new AbortController();
  const stopListening = io.onInterrupt(() => interrupt.abort());
  const store = new Store(openHome(findHome(io.env, dirname(path), io.cwd)));
  try {
    const options = { pipelines, store, env: io.env, signal: interrupt.signal };
    const onStage = (stage: VerifyStage) => io.stderr.write(`${stages[stage]}\n`);
    const verification = await verifyNotebook(reading, path, values.json ? options : { ...options, onStage });
    if (verification === undefined) return 130;
    const number = store.read(verification.run).number;
    const text = values.json
      ? `${JSON.stringify(verification)}\n`
      : printVerification(verification, number, painter(useColors(io)));
    await write(io.stdout, text);
    return verification.outcome === 'same' ? 0 : 1;
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    throw error;
  } finally {
    stopListening();
    store.close();
  }
}

const stages: Readonly<Record<VerifyStage, string>> = {
  notebook: 'Running the notebook from top to bottom …',
  pipeline: 'Running its pipeline …',
  again: 'They differ. Running the notebook once more, to see whether it does the same each time …'
};

function printVerification({ outcome, steps, first, run }: Verification, number: number, paint: Paint): string {
  const lines = steps.flatMap(step => printStep(step, paint));
  const unsteady = steps.some(step => step.unsteady.length > 0);
  const end = {
    same: `The pipeline does what the notebook does${unsteady ? ', as far as the notebook itself does the same each time' : ''}.`,
    different: `The pipeline does not do what the notebook does: see step ‘${first?.step}’ first. \`sluice runs show ${number}\` has its run (${run}).`,
    failed: 'The notebook itself fails, and its pipeline fails alike.'
  }[outcome];
  return `${[...lines, end].join('\n')}\n`;
}

function printStep(step: VerifiedStep, paint: Paint): string[] {
  const { name, state, values, outputs, differences, unsteady, notCompared, hints } = step;
  const found = `${counted(values, 'value')}, ${counted(outputs, 'output')}`;
  const head = {
    same: `${paint('green', '✓')} ${name}: ${found} equal`,
    different: `${paint('red', '✗')} ${name}: ${differences[0]?.text ?? ''}${place(differences[0])}`,
    failed: `${paint('red', '✗')} ${name}: fails in both; until then ${found} equal`,
    unreached: paint('dim', `– ${name}: the notebook fails before it`)
  }[state];
  return [
    head,
    ...differences.slice(1, most).map(difference => `    ${difference.text}${place(difference)}`),
    ...(differences.length > most ? [`    … and ${counted(differences.length - most, 'difference')} more`] : []),
    ...hints.slice(0, most).map(hint => paint('dim', `    ${hint}`)),
    ...unsteady
      .slice(0, most)
      .map(one => paint('dim', `    ~ ${one.text} Two runs of the notebook differ in it, too.`)),
    ...(unsteady.length > most ? [paint('dim', `    ~ … and ${unsteady.length - most} more like this`)] : []),
    ...notCompared.map(one => paint('dim', `    not compared: ‘${one.name}’, since ${one.reason}`))
  ];
}

const most = 8;

/** Outputs say their cell themselves. */
function place(difference: Difference | undefined): string {
  return difference?.kind === 'value' ? ` (cell ${difference.cell + 1})` : '';
}

function counted(count: number, noun: string): string {
  return count === 0 ? `no ${noun}s` : formatCount(count, noun);
}

export const verify: Command = { help, run: execute };
