// A step's executed notebook, as far as it is shown: its code cells with their sources and outputs.
import type { IOutput } from '@jupyterlab/nbformat';
import type { Output } from '@sluice/core';

export interface ExecutedCell {
  readonly source: string;
  readonly outputs: readonly IOutput[];
}

interface NotebookCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly outputs?: readonly IOutput[];
}

export function executedCells(notebook: unknown): readonly ExecutedCell[] {
  const cells = (notebook as { readonly cells?: readonly NotebookCell[] } | null)?.cells ?? [];
  return cells
    .filter(cell => cell.cell_type === 'code')
    .map(({ source, outputs }) => ({
      source: typeof source === 'string' ? source : source.join(''),
      outputs: outputs ?? []
    }));
}

/** What the log does not have: figures, tables, results. */
export function richOutputs(notebook: unknown): readonly Output[] {
  return executedCells(notebook)
    .flatMap(cell => cell.outputs as readonly Output[])
    .filter(isRich);
}

export function isRich({ output_type: type }: { readonly output_type: unknown }): boolean {
  return type === 'display_data' || type === 'execute_result';
}
