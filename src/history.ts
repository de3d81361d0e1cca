// Ctrl+Z takes a Sluice change back. JupyterLab keeps one history a cell and one for cell operations; a change of several cells or of the
// notebook's metadata is in neither that Ctrl+Z reaches. So the last changes of ours are kept here, until something else is changed.
import type { NotebookPanel } from '@jupyterlab/notebook';

/** While a notebook or the panel has this class, Ctrl+Z in it belongs to `sluice:undo`. */
export const undoableClass = 'jp-mod-sluice-undo';

export class EditHistory {
  constructor(private readonly panel: NotebookPanel) {
    panel.content.modelContentChanged.connect(this.onContentChanged, this);
  }

  get canUndo(): boolean {
    return this.undos.length > 0;
  }

  /** Make a change, and remember how it is taken back. */
  do(change: () => void, undo: () => void): void {
    this.quietly(change);
    this.undos.push(undo);
    this.show();
  }

  undo(): void {
    const undo = this.undos.pop();
    if (undo) this.quietly(undo);
    this.show();
  }

  dispose(): void {
    if (!this.panel.isDisposed) this.panel.content.modelContentChanged.disconnect(this.onContentChanged, this);
  }

  private onContentChanged(): void {
    if (this.isOurs || this.undos.length === 0) return;
    this.undos.length = 0;
    this.show();
  }

  private quietly(change: () => void): void {
    this.isOurs = true;
    try {
      change();
    } finally {
      this.isOurs = false;
    }
  }

  private show(): void {
    this.panel.content.node.classList.toggle(undoableClass, this.canUndo);
  }

  private readonly undos: (() => void)[] = [];
  private isOurs = false;
}
