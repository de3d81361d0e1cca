// IPython's lines are not Python. They are found before parsing, by the rules of IPython's own `inputtransformer2`, and
// blanked to a placeholder of equal length, so that all offsets hold; what they say is kept as `Command`s.
import type { Excerpt } from './excerpt.js';
import { endOfLine, matchAt, skipBlanks } from './lines.js';
import { readLogicalLine, type LogicalLine } from './scan.js';

/** A line, or the right side of an assignment, that IPython reads. Its offsets are those of the text it was found in. */
export interface Command {
  readonly kind: 'shell' | 'magic' | 'help' | 'call';
  /** of the placeholder, which is an identifier */
  readonly from: number;
  readonly to: number;
  /** what stands from `from` to `to`, with continued lines joined at equal length */
  readonly text: string;
}

export interface Blanked {
  /** as long as the text that was given, and Python but for mistakes */
  readonly text: string;
  readonly commands: readonly Command[];
  /** names that were blanked because the grammar takes them for keywords */
  readonly names: readonly { readonly id: string; readonly from: number; readonly to: number }[];
  /** false where a bracket, a string or a line has no end */
  readonly isSound: boolean;
}

/** `%%name rest` at the top of a cell: offsets of its parts. */
export interface CellMagicHead {
  readonly from: number;
  readonly name: string;
  readonly arguments: { readonly from: number; readonly to: number };
  /** where the rest of the cell begins */
  readonly body: number;
}

const cellMagic = /%%([^\s?]\S*)[ \t]*/y;
const help = /(?:^|[^\p{L}\p{N}_.*%\]])%{0,2}(?!\d)[\p{L}\p{N}_*]+(?:\.(?!\d)[\p{L}\p{N}_*]+|\[-?\d+\])*\?\??$/u;

/** Read the cell magic that a text begins with, if it does. */
export function readCellMagic({ text }: Excerpt): CellMagicHead | undefined {
  const from = text.search(/\S/);
  if (from < 0 || (from > 0 && text[from - 1] !== '\n')) return undefined;
  const to = endOfLine(text, from);
  if (/^%%\w+\?/.test(text.slice(from, to))) return undefined;
  const head = matchAt(cellMagic, text, from);
  if (head === undefined) return undefined;
  return {
    from,
    name: head.slice(2).trimEnd(),
    arguments: { from: Math.min(from + head.length, to), to },
    body: Math.min(to + 1, text.length)
  };
}

/** Find and blank all commands of a text, and what else the grammar would misread (the `t` of t-strings becomes `f`). */
export function blankCommands(text: string): Blanked {
  const commands: Command[] = [];
  const names: { id: string; from: number; to: number }[] = [];
  const pieces: string[] = [];
  let kept = 0;
  let isSound = true;
  const replace = (from: number, to: number, by: string): void => {
    pieces.push(text.slice(kept, from), by);
    kept = to;
  };
  let at = 0;
  while (at < text.length) {
    const line = readLine(text, at);
    for (const { kind, from } of line.misread) {
      const to = from + (kind === 'type' ? 4 : 1);
      if (kind === 'type') names.push({ id: 'type', from, to });
      replace(from, to, kind === 'type' ? '____' : 'f');
    }
    if (line.command) {
      const { from, to } = line.command;
      replace(from, to, '_'.repeat(to - from));
      commands.push(line.command);
    }
    isSound &&= !line.problem;
    at = line.next;
  }
  pieces.push(text.slice(kept));
  return { text: pieces.join(''), commands, names, isSound };
}

type Line = Pick<LogicalLine, 'next' | 'misread' | 'problem'> & { readonly command?: Command };

function readLine(text: string, at: number): Line {
  const start = skipBlanks(text, at);
  if (isEscape(text, start)) return readEscaped(text, start);
  const line = readLogicalLine(text, at);
  if (line.escape !== undefined) return { ...readEscaped(text, line.escape), misread: line.misread };
  if (text[line.last] === '?' && help.test(text.slice(start, line.last + 1))) {
    const command = commandAt(text, 'help', start, line.last + 1);
    return { next: line.next, misread: [], command };
  }
  return line;
}

/** The first token of a line decides: `%=` and `!=` are operators, `//` is none of IPython's. */
function isEscape(text: string, at: number): boolean {
  const character = text[at] ?? '\n';
  const isOperator = text[at + 1] === '=' || (character === '/' && text[at + 1] === '/');
  return '!?%,;/'.includes(character) && !isOperator;
}

function readEscaped(text: string, from: number): Line {
  const to = endOfContinued(text, from);
  const content = text.slice(from, to).trimEnd();
  const isHelp = text[from] === '?' || (help.test(content) && !/['"#]/.test(content));
  const kind = isHelp ? 'help' : text[from] === '!' ? 'shell' : text[from] === '%' ? 'magic' : 'call';
  return { next: Math.min(to + 1, text.length), misread: [], command: commandAt(text, kind, from, to) };
}

function commandAt(text: string, kind: Command['kind'], from: number, to: number): Command {
  const joined = text.slice(from, to).replace(/\\\r?\n/g, lineBreak => ' '.repeat(lineBreak.length));
  const end = from + joined.trimEnd().length;
  return { kind, from, to: end, text: joined.trimEnd() };
}

/** End of a line that backslashes continue. */
function endOfContinued(text: string, at: number): number {
  let to = endOfLine(text, at);
  while (to < text.length && /\\\r?$/.test(text.slice(Math.max(at, to - 2), to))) to = endOfLine(text, to + 1);
  return to;
}
