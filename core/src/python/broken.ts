// What to do with Python that does not parse: where it can be cut so that only the broken statement is lost, and what to
// tell its author.
import type { PythonParser } from './parser.js';
import { readLogicalLines, type LogicalLine, type Problem } from './scan.js';

/** A top-level statement, at offsets into its text. */
export interface Chunk {
  readonly from: number;
  readonly to: number;
  /** what is wrong with its characters; where nothing is, it may still not parse */
  readonly problem: Problem | undefined;
}

const clause = /(?:elif|else|except|finally)(?!\p{XID_Continue})/uy;

/** Cut a text into its top-level statements. A compound statement keeps its clauses, a definition its decorators. */
export function topLevelChunks(text: string): Chunk[] {
  const chunks: { from: number; to: number; problem: Problem | undefined }[] = [];
  let isDecorated = false;
  for (const line of readLogicalLines(text)) {
    const chunk = chunks.at(-1);
    if (chunk && (isDecorated || !beginsStatement(text, line))) {
      chunk.to = line.next;
      chunk.problem ??= line.problem;
    } else chunks.push({ from: line.from, to: line.next, problem: line.problem });
    if (line.last >= line.start) isDecorated = text[line.start] === '@';
  }
  return chunks;
}

function beginsStatement(text: string, line: LogicalLine): boolean {
  clause.lastIndex = line.start;
  return line.start === line.from && line.last >= line.start && !clause.test(text);
}

/** The first word of a text that did not parse at which the parser could not go on, by its own record. */
export function findProblem(parser: PythonParser, text: string): Problem {
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  let at = 0;
  let size = 0;
  let found: { from: number; to: number } | undefined;
  let hasResumed = false;
  const tree = parser(text, message => {
    const place = /^process .*row:(\d+), col:(\d+)/.exec(message);
    const token = /^lexed_lookahead .*size:(\d+)/.exec(message);
    // Columns and sizes are bytes of UTF-16.
    if (place) at = (lineStarts[Number(place[1])] ?? 0) + Number(place[2]) / 2;
    else if (token) size = Number(token[1]) / 2;
    else if (message.startsWith('resume')) hasResumed = true;
    else if (message.startsWith('detect_error') && !hasResumed && (!found || at >= found.from))
      found = { from: at, to: at + size };
  });
  tree.delete();
  return found ? describe(text, found.from, found.to) : nestedTooDeeply(text);
}

export function nestedTooDeeply(text: string): Problem {
  return { from: 0, to: text.length, message: 'nested too deeply' };
}

function describe(text: string, from: number, to: number): Problem {
  const token = text.slice(from, to);
  const start = from + (token.length - token.trimStart().length);
  const word = /^[\p{L}\p{N}_]+|^[^]/u.exec(text.slice(start, Math.max(to, start)))?.[0] ?? '';
  if (word !== '') return { from: start, to: start + word.length, message: `unexpected ‘${word}’` };
  const before = text.slice(0, from).trimEnd().length;
  return { from: Math.max(before - 1, 0), to: before, message: 'the line ends too early' };
}
