// What a command is: its help, its options, and what it does with them. `io` is all that it knows of the world around it.
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { didYouMean, suggest } from '@sluice/core';
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
 * A command's options and its operands, of which there are `least` to `most`; any number where nothing is said.
 * @throws PipelineError `usage`
 */
export function readArgs<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  operands: { readonly names: string; readonly least: number; readonly most: number } = {
    names: '',
    least: 0,
    most: Infinity
  }
) {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true });
  } catch (cause) {
    throw new PipelineError(explain(cause, Object.keys(options)), 'usage', { cause });
  }
  const given = parsed.tokens.flatMap(token => (token.kind === 'option' ? [token] : []));
  const again = given.find(
    ({ name }, i) => !options[name]?.multiple && given.slice(0, i).some(one => one.name === name)
  );
  if (again?.value !== undefined) throw new PipelineError(`‘${again.rawName}’ can be given once only.`, 'usage');
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

/** One of the things that a command does, with its operands in words, and how many of them there may be. */
export interface Action {
  readonly operands: string;
  readonly least: number;
  readonly most: number;
}

/**
 * The action that the first positional names, `list` where there is none; and its operands.
 * @throws PipelineError `usage`
 */
export function chooseAction<T extends Action>(
  command: string,
  actions: Readonly<Record<string, T>>,
  [name = 'list', ...operands]: readonly string[]
): { readonly action: T; readonly operands: readonly string[] } {
  const action = pick(command, actions, name);
  if (operands.length >= action.least && operands.length <= action.most) return { action, operands };
  const words = ['sluice', command, name, action.operands].filter(word => word !== '');
  throw new PipelineError(`Write ${words.join(' ')}.`, 'usage');
}

/** @throws PipelineError `usage` with the names that there are */
export function pick<T>(command: string, table: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(table, name)) return table[name]!;
  const names = Object.keys(table);
  throw new PipelineError(
    `‘sluice ${command}’ has no ‘${name}’.${didYouMean(name, names) || ` It has ${names.join(', ')}.`}`,
    'usage'
  );
}

/** Write, and wait where the reader is slower than we are. */
export async function write(output: Output, text: string): Promise<void> {
  if (!output.write(text) && output.once !== undefined)
    await new Promise<void>(resolve => output.once!('drain', resolve));
}
