// What is wrong, underlined where it stands; hovering says what it is. And the line at which a step failed. The marks move with the text until
// the next analysis places them anew.
import type { Cell } from '@jupyterlab/cells';
import { CodeMirrorEditor, EditorExtensionRegistry, type IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { RangeSetBuilder, StateEffect, StateField, type Extension, type Text } from '@codemirror/state';
import { Decoration, EditorView, hoverTooltip, type DecorationSet, type Tooltip } from '@codemirror/view';
import type { Diagnostic, Severity } from '@sluice/core';
import { Signal } from '@lumino/signaling';
import type { PipelineModel } from '../pipelineModel';

interface Marks {
  readonly problems: readonly {
    readonly from: number;
    readonly to: number;
    readonly severity: Severity;
    readonly message: string;
  }[];
  /** from 1 */
  readonly failedLine?: number;
}

const setMarks = StateEffect.define<Marks>();

const marksField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (decorations, transaction) => {
    const marks = transaction.effects.find(effect => effect.is(setMarks));
    return marks ? decorate(marks.value as Marks, transaction.state.doc) : decorations.map(transaction.changes);
  },
  provide: field => EditorView.decorations.from(field)
});

function decorate({ problems, failedLine }: Marks, doc: Text): DecorationSet {
  const ranges = problems
    .map(({ from, to, severity, message }) => ({
      from: Math.min(from, doc.length),
      to: Math.min(Math.max(to, from + 1), doc.length),
      decoration: Decoration.mark({ class: `jp-Sluice-mark jp-mod-${severity}`, message })
    }))
    .filter(({ from, to }) => from < to);
  if (failedLine !== undefined && failedLine >= 1 && failedLine <= doc.lines) {
    const { from } = doc.line(failedLine);
    ranges.push({ from, to: from, decoration: Decoration.line({ class: 'jp-Sluice-failedLine' }) });
  }
  ranges.sort((a, b) => a.from - b.from || a.decoration.startSide - b.decoration.startSide);
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to, decoration } of ranges) builder.add(from, to, decoration);
  return builder.finish();
}

const explain = hoverTooltip((view, position): Tooltip | null => {
  const messages: string[] = [];
  view.state.field(marksField).between(position, position, (_, __, { spec }) => {
    if (typeof spec['message'] === 'string') messages.push(spec['message']);
  });
  if (messages.length === 0) return null;
  return {
    pos: position,
    above: true,
    create: () => {
      const dom = document.createElement('div');
      dom.className = 'jp-Sluice-markTooltip';
      dom.textContent = messages.join('\n');
      return { dom };
    }
  };
});

const extension: Extension = [marksField, explain];

export function addMarksExtension(registry: IEditorExtensionRegistry): void {
  registry.addExtension({
    name: 'jupyterlab-sluice:marks',
    factory: ({ inline }) => (inline ? EditorExtensionRegistry.createImmutableExtension(extension) : null)
  });
}

export class EditorMarks {
  constructor(private readonly pipeline: PipelineModel) {
    pipeline.analysisChanged.connect(this.paint, this);
    pipeline.runs.changed.connect(this.paint, this);
    pipeline.panel.content.cellInViewportChanged.connect(this.paint, this);
    this.paint();
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private paint(): void {
    if (this.pipeline.panel.isDisposed) return;
    const byCell = new Map<number, Diagnostic[]>();
    for (const diagnostic of this.pipeline.diagnostics) {
      if (!diagnostic.range) continue;
      const list = byCell.get(diagnostic.range.cell) ?? [];
      list.push(diagnostic);
      byCell.set(diagnostic.range.cell, list);
    }
    const failed = this.failedLines();
    this.pipeline.panel.content.widgets.forEach((cell, index) =>
      this.paintCell(cell, toMarks(byCell.get(index) ?? [], failed.get(index)))
    );
  }

  /** By cell; none where the step's text is no longer the one that failed. */
  private failedLines(): ReadonlyMap<number, number> {
    const { shown } = this.pipeline.runs;
    const lines = new Map<number, number>();
    for (const run of shown?.steps ?? []) {
      const { cell: index, line } = run.failure ?? {};
      const cell = index === undefined ? undefined : this.pipeline.placeOf(shown!.id, index);
      if (cell === undefined || line === undefined || this.pipeline.failedCellOf(run) !== cell) continue;
      if (!this.pipeline.isEditedSince(shown!.id, run.name)) lines.set(cell, line);
    }
    return lines;
  }

  private paintCell(cell: Cell, marks: Marks): void {
    const { editor } = cell;
    if (!(editor instanceof CodeMirrorEditor)) return;
    const view = editor.editor;
    const text = JSON.stringify(marks);
    if ((this.painted.get(view) ?? emptyMarks) === text) return;
    this.painted.set(view, text);
    if (view.state.field(marksField, false)) view.dispatch({ effects: setMarks.of(marks) });
  }

  /** What each editor shows, as text to compare with. */
  private readonly painted = new WeakMap<EditorView, string>();
}

const emptyMarks = JSON.stringify(toMarks([], undefined));

function toMarks(diagnostics: readonly Diagnostic[], failedLine: number | undefined): Marks {
  const problems = diagnostics.map(({ range, severity, message }) => ({
    from: range!.from,
    to: range!.to,
    severity,
    message
  }));
  return { problems, ...(failedLine === undefined ? {} : { failedLine }) };
}
