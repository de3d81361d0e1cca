// Which steps would run anew if the notebook ran now. The server knows: it compiles the notebook and looks into its cache. It is asked once
// people have stopped typing for a moment, and not at all before there is a run to compare with.
import type { StepFreshness, SubmitRequest } from '@sluice/core';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';

const quietMs = 1_000;

export class FreshnessModel implements IDisposable {
  constructor(
    private readonly client: Client,
    /** the notebook as it would run now; undefined where there is nothing to ask */
    private readonly toRequest: () => SubmitRequest | undefined
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether the step has run, and something that its outcome depends on has changed since. */
  of(step: string): StepFreshness | undefined {
    return this._steps.get(step);
  }

  /** Ask when all has been quiet for a moment. */
  askSoon(): void {
    if (this.isDisposed) return;
    this._asking?.abort();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this.ask(), quietMs);
  }

  /** What was known is past: a run has ended since. */
  askAnew(): void {
    this._steps = new Map();
    this.askSoon();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._asking?.abort();
    Signal.clearData(this);
  }

  private async ask(): Promise<void> {
    const request = this.toRequest();
    const asking = (this._asking = new AbortController());
    // Where the server cannot say, nothing is said: a run will tell.
    const steps = request && (await this.client.getFreshness(request, asking.signal).catch(() => undefined));
    if (asking.signal.aborted || this.isDisposed) return;
    this._steps = new Map(steps?.map(step => [step.step, step]));
    this._changed.emit();
  }

  private _steps: ReadonlyMap<string, StepFreshness> = new Map();
  private _asking: AbortController | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}
