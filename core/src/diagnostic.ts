// A diagnostic says what is wrong with a notebook, where, and what to do. User mistakes are values of this type, never throws.

export type Severity = 'error' | 'warning' | 'info';

/**
 * A place in a notebook. `cell` is the cell's index among all cells, from 0; `from` and `to` are offsets in UTF-16 units
 * into that cell's source (as CodeMirror counts), `to` exclusive.
 */
export interface CellRange {
  readonly cell: number;
  readonly from: number;
  readonly to: number;
}

export interface Diagnostic {
  /** short, stable and documented in docs/diagnostics.md, e.g. `undefined-name` */
  readonly code: string;
  readonly severity: Severity;
  /** what is wrong, where, what to do; names in ‘quotes’; a full stop */
  readonly message: string;
  /** undefined where the notebook as a whole is meant */
  readonly range?: CellRange;
}

/** Line and column of an offset, both from 1, as editors count. */
export function position(source: string, offset: number): { line: number; column: number } {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++;
  return { line, column: before.length - lineStart + 1 };
}
