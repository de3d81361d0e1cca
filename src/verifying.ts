// A verification under way: the server runs the notebook and its pipeline and compares them, which we follow stage by stage to its result.
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Notebook, SubmitRequest, Verification, VerifyStage } from '@sluice/core';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';

export type VerifyState =
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly stage: VerifyStage }
  | { readonly kind: 'verified'; readonly verification: Verification; readonly notebook: Notebook }
  | { readonly kind: 'problem'; readonly message: string };

const none: VerifyState = { kind: 'none' };

export class VerifyModel implements IDisposable {
  constructor(
    private readonly client: Client,
    private readonly trans: TranslationBundle
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): VerifyState {
    return this._state;
  }

  /** Verify the notebook as the request has it; `notebook` is the same, for those who want to know whether it has been edited since. */
  async start(request: SubmitRequest, notebook: Notebook): Promise<void> {
    if (this.isDisposed || this._state.kind === 'running') return;
    const stop = (this._stop = new AbortController());
    this.set({ kind: 'running', stage: 'notebook' });
    const result = await this.follow(request, notebook, stop.signal);
    if (!stop.signal.aborted) this.set(result);
  }

  /** End what runs, on the server, too; or take the result away. */
  dismiss(): void {
    this._stop?.abort();
    this.set(none);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._isDisposed = true;
    this._stop?.abort();
    Signal.clearData(this);
  }

  private async follow(request: SubmitRequest, notebook: Notebook, signal: AbortSignal): Promise<VerifyState> {
    try {
      for await (const event of this.client.verify(request, signal)) {
        if (event.type === 'verified') return { kind: 'verified', verification: event.verification, notebook };
        if (event.type === 'error') return { kind: 'problem', message: event.message };
        if (!signal.aborted) this.set({ kind: 'running', stage: event.stage });
      }
      const message = this.trans.__('Sluice’s server ended before all was compared. Verify again.');
      return { kind: 'problem', message };
    } catch (error) {
      return { kind: 'problem', message: error instanceof Error ? error.message : String(error) };
    }
  }

  private set(state: VerifyState): void {
    this._state = state;
    this._changed.emit();
  }

  private _state: VerifyState = none;
  private _stop: AbortController | undefined;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}
