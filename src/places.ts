// Going to a place in the notebook: the cell comes into view and the range is marked in its editor.
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { CellRange } from '@sluice/core';

export async function goToCell(panel: NotebookPanel, index: number): Promise<void> {
  await showCell(panel, index);
  panel.content.widgets[index]?.node.focus({ preventScroll: true });
}

/** The cell becomes the active one and comes into view; the focus is the caller's. */
export async function showCell(panel: NotebookPanel, index: number): Promise<void> {
  const { content } = panel;
  const cell = content.widgets[index];
  if (!cell) return;
  content.deselectAll();
  content.activeCellIndex = index;
  content.mode = 'command';
  await content.scrollToCell(cell, 'auto');
}

export async function goToRange(panel: NotebookPanel, range: CellRange): Promise<void> {
  const { content } = panel;
  const cell = content.widgets[range.cell];
  if (!cell) return;
  content.deselectAll();
  content.activeCellIndex = range.cell;
  await content.scrollToCell(cell, 'auto');
  await cell.ready;
  const { editor } = cell;
  const start = editor?.getPositionAt(range.from);
  const end = editor?.getPositionAt(range.to);
  if (!editor || !start || !end) return;
  content.mode = 'edit';
  editor.focus();
  editor.setSelection({ start, end });
  editor.revealSelection({ start, end });
}
