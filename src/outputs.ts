// The executed cells of a step as a document of its own: each cell's source and its outputs, rendered as the notebook would render them.
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import type { Client } from './client';
import { executedCells, type ExecutedCell } from './executed';
import { sluiceIcon } from './icons';

export interface OutputsOptions {
  readonly client: Client;
  readonly rendermime: IRenderMimeRegistry;
  readonly languages: IEditorLanguageRegistry;
  readonly run: { readonly id: string; readonly number: number };
  readonly step: string;
  /** whether the outputs may bring scripts along; else they are sanitized */
  readonly isTrusted: boolean;
  readonly trans: TranslationBundle;
}

export function openedOutputsId(run: string, step: string): string {
  return `sluice-outputs-${run}-${step}`;
}

export function createOutputs(options: OutputsOptions): MainAreaWidget<Panel> {
  const { client, run, step, trans } = options;
  const content = new Panel();
  content.addClass('jp-Sluice-outputs');
  content.node.tabIndex = 0;
  const reveal = client.getExecutedNotebook(run.id, step).then(notebook => {
    for (const cell of executedCells(notebook)) content.addWidget(createCell(cell, options));
  });
  const widget = new MainAreaWidget({ content, reveal });
  widget.id = openedOutputsId(run.id, step);
  widget.title.label = trans.__('%1 · run %2', step, run.number);
  widget.title.caption = trans.__('The cells of step ‘%1’ as run %2 executed them.', step, run.number);
  widget.title.icon = sluiceIcon;
  widget.title.closable = true;
  return widget;
}

function createCell(cell: ExecutedCell, { rendermime, languages, isTrusted }: OutputsOptions): Panel {
  const panel = new Panel();
  panel.addClass('jp-Sluice-executedCell');
  const { source, outputs } = cell;
  const code = document.createElement('pre');
  code.className = 'jp-Sluice-executedSource cm-editor';
  code.textContent = source;
  code.tabIndex = 0;
  panel.addWidget(new Widget({ node: code }));
  const highlighted = document.createElement('code');
  void languages
    .highlight(source, languages.findByMIME('text/x-python'), highlighted)
    .then(() => code.replaceChildren(highlighted));
  const model = new OutputAreaModel({ values: [...outputs], trusted: isTrusted });
  panel.addWidget(new SimplifiedOutputArea({ model, rendermime }));
  return panel;
}
