// While one types, a line is broken more often than not, and what it meant a moment ago is the best guess of what it will
// mean. A cell that was good and breaks keeps, for its broken lines, the statements that stood there when they were read
// last; the other lines are read as they are.
import type { CellMagic, Node, ParsedCell, StalePart, Statement } from './syntax.js';

/** A statement that was read, or a broken part between such, with what is known of it from before. */
interface Part extends Node {
  readonly isBroken: boolean;
  readonly text: string;
  readonly statements: StalePart['statements'];
}

/** `parsed` with the statements of `before`, the same cell as it was read last, in place of what is broken. */
export function keepBroken(parsed: ParsedCell, before: ParsedCell | undefined): ParsedCell {
  if (!before || parsed.errors.length === 0) return parsed;
  const now = innermost(parsed.body);
  const then = innermost(before.body);
  if (now.magic?.name !== then.magic?.name) return parsed;
  const parts = splitParts(parsed, now.body);
  const stale = fillIn(parts, splitParts(before, then.body), shiftOf(before.source, parsed.source));
  if (stale.length === 0) return parsed;
  const kept = stale.flatMap(({ statements }) => statements.map(({ statement }) => statement));
  const body = [...now.body, ...kept].sort((a, b) => a.from - b.from);
  return { ...parsed, body: now.magic ? [{ ...now.magic, body }] : body, stale };
}

/** The statements of a cell, or those inside the cell magic that it is. */
function innermost(body: readonly Statement[]): { body: readonly Statement[]; magic?: CellMagic } {
  const [only] = body;
  return body.length === 1 && only?.type === 'CellMagic' && only.body ? { body: only.body, magic: only } : { body };
}

function splitParts({ source, errors, stale = [] }: ParsedCell, body: readonly Statement[]): Part[] {
  const isStale = ({ from, to }: Node): boolean => stale.some(part => from >= part.from && to <= part.to);
  const parts: Part[] = [];
  let end = 0;
  const addBroken = (to: number): void => {
    const found = errors.filter(error => error.to > end && error.from < to);
    if (found.length === 0) return;
    const text = source.slice(end, to);
    const from = end + (text.length - text.trimStart().length);
    const part = { from, to: Math.max(from, end + text.trimEnd().length) };
    const known = stale.find(other => other.from === part.from);
    parts.push({ ...part, isBroken: true, text: text.trim(), statements: known?.statements ?? [] });
  };
  for (const statement of body) {
    if (isStale(statement)) continue;
    const { from, to } = statement;
    addBroken(from);
    const text = source.slice(from, to);
    parts.push({ from, to, isBroken: false, text, statements: [{ statement, text }] });
    end = to;
  }
  addBroken(source.length);
  return parts;
}

/** Give the broken parts between what both have at their beginnings and ends the statements that stood there. */
function fillIn(parts: readonly Part[], before: readonly Part[], shift: (offset: number) => number): StalePart[] {
  const isSame = (a: Part | undefined, b: Part | undefined): boolean => a?.text === b?.text;
  let first = 0;
  while (first < parts.length && first < before.length && isSame(parts[first], before[first])) first++;
  let last = 0;
  while (last < Math.min(parts.length, before.length) - first && isSame(parts.at(-1 - last), before.at(-1 - last)))
    last++;
  const gap = parts.slice(first, parts.length - last);
  const readAgain = new Set(gap.flatMap(({ isBroken, text }) => (isBroken ? [] : [text])));
  const lost = before
    .slice(first, before.length - last)
    .flatMap(({ statements }) => statements)
    .filter(({ text }) => !readAgain.has(text));
  const firstBroken = gap.find(({ isBroken }) => isBroken);
  return parts.flatMap((part, index): StalePart[] => {
    const unchanged = index < first ? before[index] : before[index - parts.length + before.length];
    const statements = gap.includes(part) ? (part === firstBroken ? lost : []) : unchanged!.statements;
    if (!part.isBroken || statements.length === 0) return [];
    const place = (offset: number): number => Math.min(Math.max(shift(offset), part.from), part.to);
    return [
      {
        from: part.from,
        to: part.to,
        statements: statements.map(({ statement, text }) => ({ statement: relocate(statement, place), text }))
      }
    ];
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

/** A copy of a part of the tree whose places are elsewhere. */
function relocate<T>(node: T, place: (offset: number) => number): T {
  if (Array.isArray(node)) return node.map(part => relocate(part as unknown, place)) as T;
  if (typeof node !== 'object' || node === null) return node;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node))
    copy[key] = (key === 'from' || key === 'to') && typeof value === 'number' ? place(value) : relocate(value, place);
  return copy as T;
}
