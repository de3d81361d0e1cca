// What to do with Python that does not parse: where it can be cut so that only the broken statement is lost, and what to
// tell its author.
import type { Node, Tree } from 'web-tree-sitter';
import { firstWord } from './expressions.js';
import { readLogicalLines, type LogicalLine, type Problem } from './scan.js';

const clause = /(?:elif|else|except|finally)\b/y;

/** Offsets of a text's top-level statements. A compound statement keeps its clauses, a definition its decorators. */
export function topLevelChunks(text: string): [from: number, to: number][] {
  const chunks: [number, number][] = [];
  let isDecorated = false;
  for (const line of readLogicalLines(text)) {
    const chunk = chunks.at(-1);
    if (chunk && (isDecorated || !beginsStatement(text, line))) chunk[1] = line.next;
    else chunks.push([line.from, line.next]);
    if (line.last >= line.start) isDecorated = text[line.start] === '@';
  }
  return chunks;
}

function beginsStatement(text: string, line: LogicalLine): boolean {
  clause.lastIndex = line.start;
  return line.start === line.from && line.last >= line.start && !clause.test(text);
}

/** The first mistake in a text that did not parse. */
export function findProblem(tree: Tree, text: string): Problem {
  const problem = readLogicalLines(text).find(line => line.problem)?.problem;
  if (problem) return problem;
  const node = firstError(tree.rootNode);
  if (node.isMissing) {
    const from = endOfCode(text, node.startIndex);
    return { from: Math.max(from - 1, 0), to: from, message: `expected ${nameOf(node.type)}` };
  }
  const error = text.slice(node.startIndex, node.endIndex);
  const word = firstWord(error);
  const from = node.startIndex + Math.max(error.indexOf(word), 0);
  if (word.trim() === '') return { from: Math.max(from - 1, 0), to: from, message: 'unexpected end of the line' };
  return { from, to: from + word.length, message: `unexpected ‘${word}’` };
}

/** The innermost error that comes first. */
function firstError(node: Node): Node {
  const inner = node.children.find(child => child.isError || child.isMissing || child.hasError);
  if (!inner) return node;
  return node.isError && !inner.isError && !inner.isMissing && !inner.hasError ? node : firstError(inner);
}

function endOfCode(text: string, at: number): number {
  return text.slice(0, at).trimEnd().length;
}

function nameOf(type: string): string {
  if (/^\W+$/.test(type)) return `‘${type}’`;
  return type === 'identifier' ? 'a name or value' : type.replaceAll('_', ' ').trim();
}
