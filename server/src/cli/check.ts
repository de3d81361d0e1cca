// `sluice check`: what the notebook means, as text for people or one JSON object for programs.
import { printCheck, printDiagnostics } from '@sluice/core';
import { Pipelines, type Reading } from '../pipelines.js';
import { readArgs, write, type Command, type Io } from './command.js';
import { readNotebookFile } from './files.js';

const help = `sluice check NOTEBOOK [--json]

Show the notebook's steps, what flows between them and why, and what is wrong with it. Nothing is run.
Exit status: 0, or 2 when an error forbids running it.

  --json    one JSON object: pipeline, parameters, steps, flows, diagnostics
`;

async function run(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(
    args,
    { json: { type: 'boolean' } },
    { names: 'NOTEBOOK', least: 1, most: 1 }
  );
  const { path, text } = await readNotebookFile(positionals[0]!, io.cwd);
  const reading = await new Pipelines(io.install, io.env).read(text, path);
  await write(io.stdout, values.json ? `${JSON.stringify(reading.report)}\n` : print(reading, useColors(io)));
  return hasErrors(reading) ? 2 : 0;
}

export function hasErrors({ report }: Reading): boolean {
  return report.diagnostics.some(diagnostic => diagnostic.severity === 'error');
}

export function useColors({ stdout, env }: Io): boolean {
  return stdout.isTTY === true && !env.NO_COLOR;
}

function print({ analysis, notebook, diagnostics }: Reading, colors: boolean): string {
  return analysis !== undefined && notebook !== undefined
    ? printCheck(analysis, notebook, { colors })
    : printDiagnostics(diagnostics, notebook, { colors });
}

export const check: Command = { help, run };
