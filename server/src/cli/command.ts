// What a command is: its help, its options, and what it does with them. `io` is all that it knows of the world around it.
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { suggest } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { Install } from '../install.js';
import type { Output } from '../terminal.js';

export type Interrupt = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly install: Install;
  /** call `handle` on Ctrl+C and its like, and when the terminal is closed, until the returned function is called */
  onInterrupt(handle: (signal: Interrupt) => void): () => void;
}

export interface Command {
  readonly help: string;
  /** resolves with the exit status */
  run(args: readonly string[], io: Io): Promise<number>;
}

/**
 * A command's options and its operands, of which there are `least` to `most`.
 * @throws PipelineError `usage`
 */
export function readArgs<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  operands: { readonly names: string; readonly least: number; readonly most: number }
) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new PipelineError(explain(cause, Object.keys(options)), 'usage', { cause });
  }
  const { length } = parsed.positionals;
  if (length < operands.least) throw new PipelineError(`${operands.names} is missing.`, 'usage');
  if (length > operands.most)
    throw new PipelineError(
      `‘${parsed.positionals[operands.most]}’ is too much: only ${operands.names || 'options'} can be given.`,
      'usage'
    );
  return parsed;
}

function explain(cause: unknown, known: readonly string[]): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [, option] = /Unknown option '--?([^']*)'/.exec(message) ?? [];
  if (option === undefined)
    return (
      message
        .split('. ')[0]!
        .replaceAll("'", '’')
        .replace(/^Option ’/, 'Option ‘') + '.'
    );
  const written = `${option.length > 1 ? '--' : '-'}${option}`;
  const meant = suggest(option, known);
  return `There is no option ‘${written}’.${meant === undefined ? '' : ` Did you mean ‘--${meant}’?`}`;
}

/** Write, and wait where the reader is slower than we are. */
export async function write(output: Output, text: string): Promise<void> {
  if (!output.write(text) && output.once !== undefined)
    await new Promise<void>(resolve => output.once!('drain', resolve));
}
