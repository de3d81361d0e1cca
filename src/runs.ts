// The runs of one notebook: the list of earlier ones, the one shown, and the one that runs now, which is followed event by event to its end.
// The server keeps the records; this is what the page knows of them. A run found running on opening the notebook is taken up again.
import {
  isEarlier,
  reduceRun,
  startRun,
  type Output,
  type RunEvent,
  type RunSummary,
  type StepRun,
  type SubmitRequest
} from '@sluice/core';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';
import { isRich } from './executed';
import { Printed } from './printed';
import { isActive } from './words';

/** What a followed run says about a step beyond its summary. */
export interface LiveStep {
  readonly printed: Printed;
  /** figures, tables and results, as far as they have come; at most `keptOutputs` */
  readonly outputs: readonly Output[];
}

const keptOutputs = 40;

export class RunsModel implements IDisposable {
  constructor(
    private readonly client: Client,
    private readonly path: () => string
  ) {}

  /** Emitted after anything here has changed; while a run is followed at most once a frame. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted once for each step that ends while it is followed. */
  get stepEnded(): ISignal<this, StepRun> {
    return this._stepEnded;
  }

  /** Emitted once when a followed run ends. */
  get runEnded(): ISignal<this, RunSummary> {
    return this._runEnded;
  }

  /** Newest first. */
  get all(): readonly RunSummary[] {
    return this._all;
  }

  /** The run whose states and metrics are shown: the chosen one, else the newest. */
  get shown(): RunSummary | undefined {
    return this._all.find(run => run.id === this._chosen) ?? this._all[0];
  }

  /** The run that is under way. */
  get active(): RunSummary | undefined {
    return this._all.find(run => isActive(run.state));
  }

  get isSubmitting(): boolean {
    return this._isSubmitting;
  }

  get isCanceling(): boolean {
    return this._canceled !== undefined && this._canceled === this.active?.id;
  }

  /** What went wrong between here and the server, for people. */
  get problem(): string | undefined {
    return this._problem;
  }

  dismissProblem(): void {
    this._problem = undefined;
    this._changed.emit();
  }

  /** The run before the shown one that has a value to compare with. */
  before(run: RunSummary, metric: string): RunSummary | undefined {
    return this._all.find(other => isEarlier(other, run) && metric in other.metrics);
  }

  /** Undefined for what this page has not followed. */
  live(run: string, step: string): LiveStep | undefined {
    return this._live.get(run)?.get(step);
  }

  choose(run: string | undefined): void {
    this._chosen = run;
    this._changed.emit();
  }

  /** Ask the server for the list, and follow what runs. Without a server that answers, the list stays as it is. */
  async refresh(): Promise<void> {
    if (this._isSubmitting) return;
    const [newest] = this._all;
    try {
      const path = this.path();
      const runs = await this.client.listRuns(path);
      // A list that was asked for before a run was submitted here lacks it.
      if (this.isDisposed || path !== this.path() || this._isSubmitting || this._all[0]?.id !== newest?.id) return;
      const followed = this._all.filter(run => this._followed.has(run.id));
      // One that is under way stays, also while the server does not know yet that the notebook has been renamed.
      const others = followed.filter(({ id }) => runs.every(run => run.id !== id));
      this._all = [...others, ...runs.map(run => followed.find(({ id }) => id === run.id) ?? run)];
      if (this._isUnreachable) this._problem = undefined;
      this._isUnreachable = false;
      for (const run of runs) if (isActive(run.state)) this.follow(run);
    } catch (error) {
      this._problem = toMessage(error);
      this._isUnreachable = true;
    }
    if (!this.isDisposed) this._changed.emit();
  }

  /** Gives the new run's id; undefined where the server did not take it, with `problem` telling why. */
  async submit(request: SubmitRequest): Promise<string | undefined> {
    if (this._isSubmitting) return undefined;
    this._isSubmitting = true;
    this._problem = undefined;
    this._changed.emit();
    try {
      const id = await this.client.submit(request);
      const run = await this.client.getRun(id);
      if (this.isDisposed) return undefined;
      this._all = [run, ...this._all.filter(other => other.id !== id)];
      this._chosen = undefined;
      this.follow(run);
      return id;
    } catch (error) {
      this._problem = toMessage(error);
      return undefined;
    } finally {
      this._isSubmitting = false;
      if (!this.isDisposed) this._changed.emit();
    }
  }

  async cancel(): Promise<void> {
    const run = this.active;
    if (!run) return;
    this._canceled = run.id;
    this._changed.emit();
    try {
      await this.client.cancel(run.id);
    } catch (error) {
      this._canceled = undefined;
      this._problem = toMessage(error);
      this._changed.emit();
    }
  }

  get isDisposed(): boolean {
    return this._stop.signal.aborted;
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._stop.abort();
    Signal.clearData(this);
  }

  private follow(run: RunSummary): void {
    if (this._followed.has(run.id)) return;
    this._followed.add(run.id);
    void this.followToEnd(run);
  }

  // The stream is read from the run's first event on, so that logs and progress are there after a reload as before it.
  private async followToEnd(run: RunSummary): Promise<void> {
    let summary = startRun({ ...run, steps: run.steps.map(step => step.name) });
    let isPast = isActive(run.state);
    try {
      for await (const event of this.client.watch(run.id, 0, this._stop.signal)) {
        const before = summary;
        summary = reduceRun(summary, event);
        this.noteLive(run.id, event);
        // What happened before we came is neither painted step by step nor announced.
        isPast &&= event.at < run.createdAt || summary.steps.some((step, i) => isBehind(step, run.steps[i]));
        if (!isPast) this.announce(before, summary, event);
        this.replace(summary);
      }
    } catch (error) {
      this._problem = toMessage(error);
    } finally {
      this._followed.delete(run.id);
      if (!this.isDisposed) await this.settle(run.id);
    }
  }

  /** The server's own word on a run that has ended. */
  private async settle(id: string): Promise<void> {
    try {
      this.replace(await this.client.getRun(id));
    } catch (error) {
      this._problem = toMessage(error);
    }
    if (!this.isDisposed) this._changed.emit();
  }

  private announce(before: RunSummary, after: RunSummary, event: RunEvent): void {
    if (event.type === 'step') {
      const step = after.steps.find(other => other.name === event.step)!;
      const wasActive = isActive(before.steps.find(other => other.name === event.step)?.state ?? 'pending');
      if (wasActive && !isActive(step.state)) this._stepEnded.emit(step);
    }
    if (event.type === 'run-ended') this._runEnded.emit(after);
  }

  private noteLive(run: string, event: RunEvent): void {
    const steps = this._live.get(run) ?? new Map<string, LiveStep>();
    this._live.set(run, steps);
    if (event.type === 'log') {
      const live = steps.get(event.step) ?? { printed: new Printed(), outputs: [] };
      live.printed.write(event.text);
      steps.set(event.step, live);
    } else if (event.type === 'output' && isRich(event.output)) {
      const { printed, outputs } = steps.get(event.step) ?? { printed: new Printed(), outputs: [] };
      steps.set(event.step, { printed, outputs: [...outputs, event.output].slice(-keptOutputs) });
    } else if (event.type === 'step' && event.state === 'running') {
      steps.delete(event.step); // an attempt before it is past
    }
  }

  private replace(run: RunSummary): void {
    this._all = this._all.map(other => (other.id === run.id ? run : other));
    this._frame ??= requestAnimationFrame(() => {
      this._frame = undefined;
      if (!this.isDisposed) this._changed.emit();
    });
  }

  private _all: readonly RunSummary[] = [];
  private _chosen: string | undefined;
  private _canceled: string | undefined;
  private _problem: string | undefined;
  /** whether the problem is that the list could not be had */
  private _isUnreachable = false;
  private _isSubmitting = false;
  private _frame: number | undefined;
  private readonly _live = new Map<string, Map<string, LiveStep>>();
  private readonly _followed = new Set<string>();
  private readonly _stop = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _stepEnded = new Signal<this, StepRun>(this);
  private readonly _runEnded = new Signal<this, RunSummary>(this);
}

// The replay has not come as far as the record that we were given.
function isBehind(step: StepRun, known: StepRun | undefined): boolean {
  return known !== undefined && isActive(step.state) && !isActive(known.state);
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
