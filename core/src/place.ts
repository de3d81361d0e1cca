// Where something stands, in prose: people count cells and lines from 1 (docs/decisions/0001).
import { position, type CellRange } from './diagnostic.js';
import type { Notebook } from './notebook.js';

/** `cell 3, line 2` */
export function describePlace(range: CellRange, notebook: Notebook): string {
  const source = notebook.cells[range.cell]?.source ?? '';
  return `cell ${range.cell + 1}, line ${position(source, range.from).line}`;
}
