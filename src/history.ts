// Ctrl+Z takes a Sluice change back. JupyterLab keeps one history a cell and one for cell operations; a change of several cells or of the
// notebook's metadata is in neither that Ctrl+Z reaches. So the last changes of ours are kept here, until something else is changed.
import type { NotebookPanel } from '@jupyterlab/notebook';

/** While a notebook or the panel has this class, Ctrl+Z in it belongs to `sluice:undo`. */
export const undoableClass = 'jp-mod-sluice-undo';

export class EditHistory {
  constructor(private readonly panel: NotebookPanel) {}

  get canUndo(): boolean {
    return this.undos.length > 0;
  }

  /** Remember how a change that was just made is taken back. */
  add(undo: () => void): void {
    this.undos.push(undo);
    this.show();
  }

  undo(): void {
    this.undos.pop()?.();
    this.show();
  }

  /** Someone else has changed the notebook: from here on JupyterLab's own histories are right. */
  clear(): void {
    this.undos.length = 0;
    this.show();
  }

  private show(): void {
    if (!this.panel.isDisposed) this.panel.content.node.classList.toggle(undoableClass, this.canUndo);
  }

  private readonly undos: (() => void)[] = [];
}
