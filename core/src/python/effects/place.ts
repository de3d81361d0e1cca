// Where something stands, held so that it stays right while people type: the text of a statement keeps its own offsets, and
// where that statement stands in the notebook now is said once, in its home.
import type { CellRange } from '../../diagnostic.js';
import type { Node } from '../syntax.js';

/** Where the text of a statement stands now. */
export class Home {
  cell = 0;
  /** from the offsets of its syntax tree to those in the cell's source */
  shift = 0;
  /** the broken part that it stands for, which bounds its places */
  within: Node | undefined;

  locate(offset: number): number {
    const { shift, within } = this;
    const at = offset + shift;
    return within ? Math.min(Math.max(at, within.from), within.to) : at;
  }
}

/** A range that moves with its home. */
export class Place implements CellRange {
  constructor(
    readonly home: Home,
    private first: number,
    private last: number
  ) {}

  get cell(): number {
    return this.home.cell;
  }

  get from(): number {
    return this.home.locate(this.first);
  }

  get to(): number {
    return this.home.locate(this.last);
  }

  isAt({ home, first, last }: Place): boolean {
    return home === this.home && first === this.first && last === this.last;
  }

  /** Stand where another place in the same home stands. */
  moveTo({ first, last }: Place): void {
    this.first = first;
    this.last = last;
  }
}

export const comesBefore = (a: CellRange, b: CellRange): boolean =>
  a.cell < b.cell || (a.cell === b.cell && a.from < b.from);

/** The range as it is now. */
export const toRange = ({ cell, from, to }: CellRange): CellRange => ({ cell, from, to });
