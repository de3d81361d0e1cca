// IPython numbers the cells that it runs, and keeps what each has shown: as `Out[3]` and `_3`, the last three as `_`, `__` and `___`. Run from top to
// bottom a notebook gives each cell one number, so that these names mean one value each. Only few notebooks use the numbers; this module tells which.
import type { ParsedCell } from './syntax.js';

/** Names that hold what cells have shown, `_` apart, which every notebook may have. */
const numbered = /\b(?:Out|_oh|_{2,3}|_\d+)\b/;

const known = new WeakMap<ParsedCell, boolean>();

/** Whether the cell may read what others have shown by their numbers. */
export function usesNumbers(parsed: ParsedCell): boolean {
  let uses = known.get(parsed);
  if (uses === undefined) known.set(parsed, (uses = numbered.test(parsed.source)));
  return uses;
}

/** A cell's number when the notebook runs from top to bottom; `unknown` below a skipped cell, which in a session may have run as well. */
export type CellNumber = number | 'unknown';
