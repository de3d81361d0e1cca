// Where pipelines can run: on this computer, and on what else is set up. The server asks each place whether it answers, which may take
// seconds; so it is asked when the panel is first seen, and again when somebody wants to know.
import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunnerInfo } from '@sluice/core';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';
import type { Place } from './placeSettings';

export const localRunner = 'local';

export class RunnersModel {
  constructor(private readonly client: Client) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Empty until the server has answered. */
  get all(): readonly RunnerInfo[] {
    return this._all;
  }

  get isAsking(): boolean {
    return this._asking !== undefined;
  }

  /** Ask the server of the runner `chosen` at `place`, unless it has been asked for that last. */
  ask(chosen: string, place: Place): Promise<void> {
    const question = JSON.stringify([chosen, place]);
    return question === this._question ? (this._asking ?? Promise.resolve()) : this.askAgain(chosen, place);
  }

  askAgain(chosen: string, place: Place): Promise<void> {
    this._question = JSON.stringify([chosen, place]);
    const asking = this.fetch(chosen, place).then(all => {
      if (this._asking !== asking) return; // something else has been asked since
      this._all = all;
      this._asking = undefined;
      this._changed.emit();
    });
    this._asking = asking;
    this._changed.emit();
    return asking;
  }

  // Where the server cannot say, there is this computer alone; what is wrong with it shows elsewhere.
  private fetch(chosen: string, place: Place): Promise<readonly RunnerInfo[]> {
    return this.client.listRunners(chosen, place).catch(() => []);
  }

  private _all: readonly RunnerInfo[] = [];
  private _question: string | undefined;
  private _asking: Promise<void> | undefined;
  private readonly _changed = new Signal<this, void>(this);
}

/** What people choose from: this computer, what is set up, and what the notebook has chosen in any case. */
export function offeredRunners(all: readonly RunnerInfo[], chosen: string): readonly string[] {
  const setUp = all.filter(runner => runner.isReady || runner.isSetUp).map(runner => runner.name);
  return [...new Set([localRunner, ...setUp, chosen])];
}

/** The place that a notebook's metadata name: `"sluice": {"runner": "argo"}`, or an object with its `name` and more for the server. */
export function readRunner(metadata: object): string {
  const { sluice } = metadata as { readonly sluice?: { readonly runner?: unknown } | null };
  const chosen = sluice?.runner;
  const name = typeof chosen === 'object' && chosen !== null && 'name' in chosen ? chosen.name : chosen;
  return typeof name === 'string' ? name : localRunner;
}

export function runnerName(runner: string, trans: TranslationBundle): string {
  switch (runner) {
    case localRunner:
      return trans.__('This computer');
    case 'argo':
      return trans.__('Kubernetes (Argo)');
    case 'kubeflow':
      return trans.__('Kubeflow');
    default:
      return runner;
  }
}

/** Where there is little room. */
export function shortRunnerName(runner: string, trans: TranslationBundle): string {
  return runner === 'argo' ? 'Argo' : runnerName(runner, trans);
}
