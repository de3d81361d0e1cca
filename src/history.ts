// Ctrl+Z takes a Sluice change back. JupyterLab keeps one history a cell and one for cell operations; a change of several cells or of the
// notebook's metadata is in neither that Ctrl+Z reaches. So the last changes of ours are kept here, until something else is changed.
import type { NotebookPanel } from '@jupyterlab/notebook';

/** While a notebook or the panel has this class, Ctrl+Z in it belongs to `sluice:undo`; likewise Ctrl+Shift+Z to `sluice:redo`. */
const undoableClass = 'jp-mod-sluice-undo';
const redoableClass = 'jp-mod-sluice-redo';

export interface Edit {
  readonly undo: () => void;
  readonly redo: () => void;
}

export class EditHistory {
  constructor(private readonly panel: NotebookPanel) {}

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  /** Remember an edit that was just made. */
  add(edit: Edit): void {
    this.done.push(edit);
    this.undone.length = 0;
    this.show();
  }

  undo(): void {
    const edit = this.done.pop();
    edit?.undo();
    if (edit) this.undone.push(edit);
    this.show();
  }

  redo(): void {
    const edit = this.undone.pop();
    edit?.redo();
    if (edit) this.done.push(edit);
    this.show();
  }

  /** Someone else has changed the notebook: from here on JupyterLab's own histories are right. */
  clear(): void {
    this.done.length = 0;
    this.undone.length = 0;
    this.show();
  }

  private show(): void {
    if (!this.panel.isDisposed) showHistory(this.panel.content.node, this);
  }

  private readonly done: Edit[] = [];
  private readonly undone: Edit[] = [];
}

export function showHistory(node: HTMLElement, history: EditHistory): void {
  node.classList.toggle(undoableClass, history.canUndo);
  node.classList.toggle(redoableClass, history.canRedo);
}
