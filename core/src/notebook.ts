// A notebook as Sluice sees it: the cells with their tags, and the metadata that matter. Outputs are left behind.
import type { Diagnostic } from './diagnostic.js';

export interface Cell {
  /** index among all cells of the notebook, from 0 */
  readonly index: number;
  /** nbformat 4.5's cell id, where there is one */
  readonly id?: string;
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  readonly tags: readonly string[];
}

export interface Notebook {
  readonly cells: readonly Cell[];
  /** the kernelspec's name; undefined where the notebook does not say */
  readonly kernel?: string;
  /** lower case, e.g. `python`; undefined where the notebook does not say */
  readonly language?: string;
  /** the whole metadata object of the notebook, unchecked: step.ts reads `sluice` and `kubeflow_notebook` from it */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface NotebookReading {
  /** undefined where nothing of it could be read */
  readonly notebook?: Notebook;
  readonly diagnostics: readonly Diagnostic[];
}
