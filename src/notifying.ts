// A desktop notification at a run's end, for those who asked for it and look elsewhere at that moment. The browser's permission is asked for
// only when the user clicks on the bell.
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, type RunSummary } from '@sluice/core';
import { Signal, type ISignal } from '@lumino/signaling';
import type { PipelineModel } from './pipelineModel';
import { stateWord, summarizeRun } from './words';

const setting = 'notifyAtEnd';

export class Notifier {
  constructor(
    private readonly trans: TranslationBundle,
    /** bring the notebook to the front */
    private readonly reveal: (pipeline: PipelineModel) => void
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether the user wants it and the browser lets us. */
  get isOn(): boolean {
    return this._isWanted && permission() === 'granted';
  }

  /** Keep what the user wants in these settings from now on. */
  use(settings: ISettingRegistry.ISettings): void {
    const read = (): void => {
      this._isWanted = settings.get(setting).composite === true;
      this._changed.emit();
    };
    this._settings = settings;
    settings.changed.connect(read);
    read();
  }

  /** Upon the user's own click. Gives what stands in the way, for people. */
  async toggle(): Promise<string | undefined> {
    const wanted = !this.isOn;
    if (wanted) {
      const given = permission() === 'default' ? await Notification.requestPermission() : permission();
      if (given === undefined)
        return this.trans.__(
          'This page cannot notify you. Browsers allow it for pages on localhost or over https only.'
        );
      if (given !== 'granted')
        return this.trans.__(
          'The browser does not let this page notify you. Allow it in the browser’s settings for this page.'
        );
    }
    this._isWanted = wanted;
    await this._settings?.set(setting, wanted);
    this._changed.emit();
    return undefined;
  }

  /** Tell of each run of this notebook that ends while the page is hidden. */
  watch(pipeline: PipelineModel): void {
    pipeline.runs.runEnded.connect((_, run) => {
      if (this.isOn && document.visibilityState === 'hidden') this.notify(pipeline, run);
    });
  }

  private notify(pipeline: PipelineModel, run: RunSummary): void {
    const { trans } = this;
    const took = run.endedAt === undefined ? '' : formatDuration(run.endedAt - run.createdAt);
    const title = trans.__('%1: run %2 %3', run.pipeline, run.number, stateWord(run.state, trans));
    const body = [took, summarizeRun(run, trans)].filter(text => text !== '').join(' · ');
    const notification = new Notification(title, { body, tag: run.id });
    notification.onclick = () => {
      window.focus();
      this.reveal(pipeline);
      notification.close();
    };
  }

  private _isWanted = false;
  private _settings: ISettingRegistry.ISettings | undefined;
  private readonly _changed = new Signal<this, void>(this);
}

/** Undefined where the browser has no notifications for this page. */
function permission(): NotificationPermission | undefined {
  return 'Notification' in window ? Notification.permission : undefined;
}
