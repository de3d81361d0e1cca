// An engine runs pipelines elsewhere: Argo, Kubeflow. It starts a run and tells what it finds out about one; what has been told already,
// where it is written down, and that every run has an end, is `RemoteRunner`'s concern (decision 0020).
import type { JsonValue, Plan, RunEventBody, RunnerInfo, RunSummary } from '@sluice/core';
import type { RunnerRequest, RunId } from '../runner.js';
import type { Store } from '../store.js';
import type { WorkspaceScan } from '../scan.js';
import type { Layout } from './layout.js';
import type { Choice } from './selection.js';

export interface Engine {
  readonly name: 'argo' | 'kubeflow';
  /**
   * Find out whether the run can be started, before there is a record of it. Resolves with what it takes to find the run again, such as
   * `context` and `namespace`; it is kept with the run. `execute` are the names of the steps that it is going to execute, and `past` is the run
   * that it takes values of. Where the place has a `workspace`, the
   * folder is there already, and is not looked through here.
   * @throws PipelineError what stands in the way, where, and what to do
   */
  prepare(request: RunnerRequest, plan: Plan, execute: Choice['execute'], past?: RunSummary): Promise<Place>;
  /**
   * Start the run; what it returns is kept in the run's record, so that any process can follow it later. Leaves nothing behind when it
   * throws or `signal` is aborted.
   */
  start(run: RemoteStart, signal: AbortSignal): Promise<string>;
  /** The engine's id of a run whose start was interrupted; undefined where the engine never got it, and then nothing is left of it. */
  find(run: RemoteRun): Promise<string | undefined>;
  /**
   * Everything that is not known yet, until the run's end; after a restart it is called again with the same id, and may tell again what it
   * told: `RemoteRunner` drops repetitions. Where it throws, it is called again after a while.
   */
  follow(id: string, run: RemoteRun, signal: AbortSignal): AsyncIterable<EngineEvent>;
  /** Where a value that a run was given by another one is in the run `id`; in the same place as there, where the engine says nothing. */
  readonly move?: (address: string, id: string) => string;
  /** End the run; `follow` tells when it has ended. Nothing happens to one that has. */
  cancel(id: string, run: RemoteRun): Promise<void>;
}

export interface EngineOptions {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
  readonly warmFolder?: string;
  readonly packagesFolder?: string;
  readonly runtimeFolder?: string;
}

/** What it takes to make an engine, and to say whether it can be used. */
export interface EngineModule {
  open(options: EngineOptions): Engine;
  /** within a few seconds; `target` is what a notebook says of where it is */
  describe(options: EngineOptions, target?: Place): Promise<RunnerInfo>;
  /** Bring values of an ended run to this machine. `files`: by its address there, where each goes here. */
  fetchValues(
    options: EngineOptions,
    run: RunSummary,
    files: ReadonlyMap<string, string>,
    signal: AbortSignal
  ): Promise<void>;
  /** Make records of the runs that were started elsewhere, where the user has named an engine to look at. */
  discover?(options: EngineOptions, signal: AbortSignal): Promise<void>;
}

export type Place = Readonly<Record<string, string>>;

/** What a run is, wherever the question about it comes from. */
export interface RemoteRun {
  readonly id: RunId;
  readonly plan: Plan;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly notebook?: string;
  readonly place: Place;
  /** where what is fetched of the run goes on this machine */
  readonly layout: Layout;
  /** how far what this source told has been kept; undefined: nothing yet */
  position(source: string): string | undefined;
  /** how the step stands in the records */
  state(step: string): RunSummary['steps'][number] | undefined;
  /** say what the run is at, for as long as that takes */
  notice(text?: string): void;
}

export interface RemoteStart extends RemoteRun {
  readonly request: RunnerRequest;
  /** what the run's workspace is to be */
  readonly scan: WorkspaceScan;
  readonly choice: Choice;
  /** the run that has the values of the steps in `choice.reuse` */
  readonly past?: RunSummary;
}

/**
 * What an engine tells. `caught-up`: all that has happened until now has been told. A `run-ended` needs no metrics, and no reason where a
 * failed step is reason enough.
 */
export type EngineEvent = (RunEventBody | { readonly type: 'caught-up' }) & {
  /** when it happened, in milliseconds since 1970; now where it is missing */
  readonly at?: number;
  /**
   * Where it comes from, and how far along there: texts of which the later one is the greater. What is not beyond what has been kept of the
   * source is dropped. Logs, cells and outputs need one; other events are compared with what is known.
   */
  readonly origin?: { readonly source: string; readonly position: string };
};
