// While one types, a line is broken more often than not, and what it meant a moment ago is the best guess of what it will
// mean. A cell that was good and breaks keeps, for its broken lines, the statements that stood there when they were read
// last; the other lines are read as they are.
import { readInput } from './input.js';
import type { Node, ParsedCell, StalePart, TopStatement } from './syntax.js';

/** `parsed` with the statements of `before`, the same cell as it was read last, for what is broken. */
export function keepBroken(parsed: ParsedCell, before: ParsedCell | undefined): ParsedCell {
  if (!before || parsed.errors.length === 0) return parsed;
  const stale = fillIn(splitParts(parsed), splitParts(before), shiftOf(before.source, parsed.source));
  return stale.length === 0 ? parsed : { ...parsed, stale };
}

const known = new WeakMap<ParsedCell, readonly TopStatement[]>();

/** All statements of a cell in order, those of before that stand for broken parts included. */
export function topStatements(cell: ParsedCell): readonly TopStatement[] {
  let statements = known.get(cell);
  if (!statements) known.set(cell, (statements = findTopStatements(cell)));
  return statements;
}

function findTopStatements(cell: ParsedCell): readonly TopStatement[] {
  const { stale = [] } = cell;
  const isReplaced = ({ from, to }: Node): boolean => stale.some(part => from >= part.from && to <= part.to);
  const fresh = freshStatements(cell).filter(({ statement }) => !isReplaced(statement));
  if (stale.length === 0) return fresh;
  return [...fresh, ...stale.flatMap(({ statements }) => statements)].sort((a, b) => a.from - b.from);
}

function freshStatements({ source, body }: ParsedCell): TopStatement[] {
  // Where prompts and margins are taken off, equal texts may be read in two ways.
  const isPlain = readInput(source).text === source;
  return body.map(statement => {
    // A `;` behind it is no part of an expression, but says whether it is shown.
    const isHidden = statement.type === 'Expression' && !statement.isShown;
    const text = isPlain ? source.slice(statement.from, statement.to) + (isHidden ? ';' : '') : undefined;
    return { statement, text, from: statement.from };
  });
}

/** A statement that was read, or a broken part, with what is known of it from before. */
interface Part extends Node {
  readonly isBroken: boolean;
  readonly text: string;
  readonly statements: readonly TopStatement[];
}

function splitParts(cell: ParsedCell): Part[] {
  const { source, errors, stale = [] } = cell;
  const parts: Part[] = [];
  let end = 0;
  const addBroken = (from: number, to: number): void => {
    const text = source.slice(from, to);
    const start = from + (text.length - text.trimStart().length);
    const part = { from: start, to: Math.max(start, from + text.trimEnd().length) };
    const { statements } = stale.find(other => other.from === part.from) ?? { statements: [] };
    parts.push({ ...part, isBroken: true, text: text.trim(), statements });
  };
  const isBroken = (from: number, to: number): boolean => errors.some(error => error.to > from && error.from < to);
  for (const top of freshStatements(cell)) {
    const { from, to } = top.statement;
    if (isBroken(end, from)) addBroken(end, from);
    // A magic's own text is read, and what it holds may be broken.
    if (isBroken(from, to)) addBroken(from, to);
    else {
      const text = source.slice(from, to);
      parts.push({ from, to, isBroken: false, text, statements: [top] });
    }
    end = to;
  }
  if (isBroken(end, source.length)) addBroken(end, source.length);
  return parts;
}

/** Give the broken parts between what both have at their beginnings and ends the statements that stood there. */
function fillIn(parts: readonly Part[], before: readonly Part[], shift: (offset: number) => number): StalePart[] {
  const most = Math.min(parts.length, before.length);
  let first = 0;
  while (first < most && parts[first]!.text === before[first]!.text) first++;
  let last = 0;
  while (last < most - first && parts.at(-1 - last)!.text === before.at(-1 - last)!.text) last++;
  const gap = parts.slice(first, parts.length - last);
  const readAgain = new Set(gap.flatMap(({ isBroken, text }) => (isBroken ? [] : [text])));
  const lost = before
    .slice(first, before.length - last)
    .flatMap(({ statements }) => statements)
    .filter(({ text }) => text === undefined || !readAgain.has(text));
  const firstBroken = gap.find(({ isBroken }) => isBroken);
  return parts.flatMap((part, index): StalePart[] => {
    const unchanged = index < first ? before[index] : before[index - parts.length + before.length];
    const statements = gap.includes(part) ? (part === firstBroken ? lost : []) : unchanged!.statements;
    if (!part.isBroken || statements.length === 0) return [];
    const within = { from: part.from, to: part.to };
    const place = (offset: number): number => Math.min(Math.max(shift(offset), part.from), part.to);
    return [{ ...within, statements: statements.map(each => ({ ...each, from: place(each.from), within })) }];
  });
}

/** From an offset in the old text to where it is now; what stood in the part that changed goes to its beginning. */
function shiftOf(before: string, now: string): (offset: number) => number {
  const most = Math.min(before.length, now.length);
  let head = 0;
  while (head < most && before[head] === now[head]) head++;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  return offset => {
    if (offset <= head) return offset;
    return offset >= before.length - tail ? offset + now.length - before.length : head;
  };
}
