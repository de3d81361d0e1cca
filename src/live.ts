// The notebook as it stands in the editor at this moment, read from the shared model: sources and tags, no outputs, so that it is cheap on each edit.
import type { INotebookModel } from '@jupyterlab/notebook';
import { toNotebook, type Notebook } from '@sluice/core';

export function readLiveNotebook(model: INotebookModel, path: string): Notebook {
  const { sharedModel } = model;
  const cells = sharedModel.cells.map(cell => ({
    id: cell.getId(),
    cell_type: cell.cell_type,
    source: cell.getSource(),
    metadata: { tags: cell.getMetadata('tags') }
  }));
  const json = { nbformat: 4, nbformat_minor: 5, metadata: sharedModel.getMetadata(), cells };
  return toNotebook(json, path).notebook!;
}

/** Run outputs and scrolled states change a notebook without changing what it means to Sluice. */
export function haveSameCells(a: Notebook, b: Notebook): boolean {
  return (
    a.cells.length === b.cells.length &&
    a.cells.every((cell, i) => {
      const other = b.cells[i]!;
      return (
        cell.id === other.id &&
        cell.type === other.type &&
        cell.source === other.source &&
        cell.tags.length === other.tags.length &&
        cell.tags.every((tag, t) => tag === other.tags[t])
      );
    })
  );
}

/** The file's name gives a pipeline without a name its own. */
export function haveSameMetadata(a: Notebook, b: Notebook): boolean {
  return a.fileName === b.fileName && JSON.stringify(a.metadata) === JSON.stringify(b.metadata);
}
