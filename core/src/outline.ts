// The outline of a notebook: which cells make which step, before any Python is read. Tags and their order decide it alone.
import type { Diagnostic } from './diagnostic.js';
import type { StepSettings } from './step.js';

/** What a cell is to the pipeline. `step` cells know their step's name; `isHead` marks the cell that carries the tag. */
export type CellRole =
  | { readonly kind: 'step'; readonly step: string; readonly isHead: boolean }
  | { readonly kind: 'metrics'; readonly step: string | undefined }
  | { readonly kind: 'imports' | 'functions' | 'parameters' | 'skip' | 'none' };

export interface StepOutline {
  readonly name: string;
  /** indices of its code cells in notebook order, metrics cells included */
  readonly cells: readonly number[];
  readonly metricsCells: readonly number[];
  /** names in `prev:` tags, known steps only */
  readonly previous: readonly string[];
  readonly settings: StepSettings;
}

export interface Outline {
  readonly name: string;
  readonly description: string;
  readonly kernel?: string;
  /** in notebook order of their first cells */
  readonly steps: readonly StepOutline[];
  readonly importCells: readonly number[];
  readonly functionCells: readonly number[];
  readonly parameterCells: readonly number[];
  /** one for every cell of the notebook; markdown and raw cells are `none` */
  readonly roles: readonly CellRole[];
  readonly diagnostics: readonly Diagnostic[];
}
