// A slot says what a global name is bound to from one point of the notebook to the next, and which step left it so.
import type { CellRange } from '../../diagnostic.js';
import type { Value } from './thing.js';

/** `definition` and `import` travel as source; `parameter` is bound before all else; `value` travels in a bundle. */
export type SlotKind = 'value' | 'definition' | 'import' | 'parameter';

export type Certainty = 'certain' | 'possible';

/** The step of cells that run in every step. */
export const prelude = -1;

export interface Slot {
  readonly name: string;
  readonly kind: SlotKind;
  readonly value: Value;
  /** where branches bound it: the values of which it is one, newest first */
  readonly values?: readonly Value[];
  /** index of the step that bound it or last changed its value in place; `prelude` for cells that run in every step */
  readonly step: number;
  /** where it was bound */
  readonly origin: CellRange;
  /** where this step bound or changed it: the order in which a later step's setup restores it */
  readonly written: CellRange;
  /** the statement that makes it again, where it travels as source */
  readonly unit?: CellRange;
  /** what that statement reads when it runs again */
  readonly headers?: readonly Slot[];
  /** the slot before, whose value may still be this one's, or part of it */
  readonly keeps?: Slot;
  readonly isDeleted?: boolean;
  /** IPython bound it to what a cell has shown */
  readonly isResult?: boolean;
  /** an attribute of a module that travels as a value: repeating the statement that set it would not give what it is */
  readonly isCarried?: boolean;
  /** not bound on every path */
  readonly isMaybe?: boolean;
}

/** Whether a slot of this name is an attribute of a module: no variable has a dot in its name. */
export const isAttributeName = (name: string): boolean => name.includes('.');
