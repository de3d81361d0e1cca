// What only modules can tell of themselves, for the analysis of one notebook: what `from module import *` binds, and what modules beside the
// notebook keep. The server looks into them: it is asked when the notebook imports others, and again when it is saved, since a module beside it may
// have changed. Until it has answered, and where it cannot, such an import may bind any name, and nothing is known of what is kept.
import type { ModulesAnswer, ModulesRequest, OwnModules, StarNames } from '@sluice/core';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';

type Wanted = Pick<ModulesRequest, 'stars' | 'imports'>;

export class ModulesModel implements IDisposable {
  constructor(
    private readonly client: Pick<Client, 'getModules'>,
    /** the notebook as it is now */
    private readonly toRequest: () => Omit<ModulesRequest, keyof Wanted>
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Undefined until the server has said something. */
  get names(): StarNames | undefined {
    return this._names;
  }

  /** Undefined where no module beside the notebook is known. */
  get own(): OwnModules | undefined {
    return this._own;
  }

  /** The notebook imports these. */
  want(wanted: Wanted): void {
    this._wanted = wanted;
    const { stars, imports } = wanted;
    const key = stars.length + imports.length === 0 ? undefined : JSON.stringify([this.toRequest(), wanted]);
    if (key === this._asked || this.isDisposed) return;
    this._asked = key;
    if (key !== undefined) void this.ask(key);
  }

  askAnew(): void {
    this._asked = undefined;
    this.want(this._wanted);
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
    const answer = await this.client.getModules({ ...this.toRequest(), ...this._wanted }).catch(() => undefined);
    if (this.isDisposed || key !== this._asked || answer === undefined) return;
    if (JSON.stringify(answer) === JSON.stringify(this._answer)) return;
    this._answer = answer;
    this._names = new Map(Object.entries(answer.names));
    this._own = answer.own;
    this._changed.emit();
  }

  private _answer: ModulesAnswer = { names: {} };
  private _names: StarNames | undefined;
  private _own: OwnModules | undefined;
  private _wanted: Wanted = { stars: [], imports: [] };
  private _asked: string | undefined;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}
