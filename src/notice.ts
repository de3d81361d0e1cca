// What came of something that the user asked for, said in the panel until it is dismissed or something else is to be said.
import { Signal, type ISignal } from '@lumino/signaling';

export interface Notice {
  readonly kind: 'running' | 'succeeded' | 'failed';
  readonly text: string;
  /** further lines, in the words of core, Python or the server */
  readonly detail?: string;
  /** what may be done about it */
  readonly action?: { readonly label: string; readonly act: () => void };
}

export class NoticeModel {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get current(): Notice | undefined {
    return this._current;
  }

  say(notice: Notice | undefined): void {
    this._current = notice;
    this._changed.emit();
  }

  private _current: Notice | undefined;
  private readonly _changed = new Signal<this, void>(this);
}
