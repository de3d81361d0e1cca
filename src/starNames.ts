// What `from module import *` binds, for the analysis of one notebook. The server looks into modules: it is asked when the notebook imports so, and
// again when that is saved, since a module beside it may have changed. Until it has answered, and where it cannot, such an import may bind any name.
import type { StarNames, StarNamesRequest } from '@sluice/core';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';

export class StarNamesModel implements IDisposable {
  constructor(
    private readonly client: Pick<Client, 'getStarNames'>,
    /** the notebook as it is now */
    private readonly toRequest: () => Omit<StarNamesRequest, 'modules'>
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Undefined until the server has said something. */
  get names(): StarNames | undefined {
    return this._names;
  }

  /** The notebook imports `*` of these modules. */
  want(modules: readonly string[]): void {
    this._modules = modules;
    const key = modules.length === 0 ? undefined : JSON.stringify([this.toRequest(), modules]);
    if (key === this._asked || this.isDisposed) return;
    this._asked = key;
    if (key !== undefined) void this.ask(key);
  }

  askAnew(): void {
    this._asked = undefined;
    this.want(this._modules);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async ask(key: string): Promise<void> {
    // Where the server cannot say, nothing is known, which the notebook's diagnostics tell.
    const names = await this.client
      .getStarNames({ ...this.toRequest(), modules: this._modules })
      .catch(() => undefined);
    if (this.isDisposed || key !== this._asked || names === undefined) return;
    if (JSON.stringify([...names]) === JSON.stringify([...(this._names ?? [])])) return;
    this._names = names;
    this._changed.emit();
  }

  private _names: StarNames | undefined;
  private _modules: readonly string[] = [];
  private _asked: string | undefined;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}
