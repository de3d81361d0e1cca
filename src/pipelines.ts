// The pipelines of all open notebooks, and which of them is in front. Views follow `current`; chips ask for the one of their notebook.
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';
import { PipelineModel } from './pipelineModel';

export class Pipelines {
  constructor(
    private readonly tracker: INotebookTracker,
    private readonly client: Client,
    private readonly contents: Contents.IManager,
    private readonly trans: TranslationBundle
  ) {
    tracker.forEach(panel => void this.add(panel));
    tracker.widgetAdded.connect((_, panel) => void this.add(panel));
    tracker.currentChanged.connect(() => this._currentChanged.emit());
    contents.fileChanged.connect((_, { type, oldValue, newValue }) => {
      if (type === 'rename' && oldValue?.path && newValue?.path) void this.onRenamed(oldValue.path, newValue.path);
    });
  }

  /** The pipeline of the notebook in front; undefined without one, or while it loads. */
  get current(): PipelineModel | undefined {
    const panel = this.tracker.currentWidget;
    return panel ? this.models.get(panel) : undefined;
  }

  get currentChanged(): ISignal<this, void> {
    return this._currentChanged;
  }

  /** Emitted for each notebook once its content is there. */
  get added(): ISignal<this, PipelineModel> {
    return this._added;
  }

  of(panel: NotebookPanel): PipelineModel | undefined {
    return this.models.get(panel);
  }

  all(): Iterable<PipelineModel> {
    return this.models.values();
  }

  // The server keeps what it knows of a notebook by its path. Where it does not answer, the runs stay with the old one.
  private async onRenamed(from: string, to: string): Promise<void> {
    const { contents } = this;
    if (contents.driveName(from) !== '' || contents.driveName(to) !== '') return;
    await this.client.rename(contents.localPath(from), contents.localPath(to)).catch(() => undefined);
    await Promise.all([...this.models.values()].map(model => model.runs.refresh()));
  }

  private async add(panel: NotebookPanel): Promise<void> {
    await panel.context.ready;
    if (panel.isDisposed || this.models.has(panel)) return;
    const model = new PipelineModel(panel, this.client, this.contents, this.trans);
    this.models.set(panel, model);
    panel.disposed.connect(() => this.remove(panel));
    this._added.emit(model);
    if (panel === this.tracker.currentWidget) this._currentChanged.emit();
  }

  private remove(panel: NotebookPanel): void {
    this.models.get(panel)?.dispose();
    this.models.delete(panel);
    this._currentChanged.emit();
  }

  private readonly models = new Map<NotebookPanel, PipelineModel>();
  private readonly _currentChanged = new Signal<this, void>(this);
  private readonly _added = new Signal<this, PipelineModel>(this);
}
