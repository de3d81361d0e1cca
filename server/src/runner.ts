// One interface hides where a pipeline runs. A runner takes compiled IR and knows nothing of notebooks; it speaks in events.
import type { JsonValue, RunEvent, Selection } from '@sluice/core';

export type RunId = string;

export interface RunnerRequest {
  /** the IR as text (YAML, one or two documents), exactly as `sluice compile` prints it */
  readonly ir: string;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** absolute path of the folder whose copy the steps work in */
  readonly workspace: string;
  /** path of the notebook as people know it; undefined for a run of an IR file */
  readonly notebook?: string;
  /** the notebook's text, to be kept with the run */
  readonly source?: string;
  readonly selection?: Selection;
  readonly resume?: RunId;
  readonly cache: boolean;
  /** name of the runner; `local` where it is missing */
  readonly runner?: string;
  /** for a runner that is not here */
  readonly target?: RunTarget;
}

/** Where in the world, as far as the user says it; what is missing is found in settings and surroundings. */
export interface RunTarget {
  /** of the kubeconfig */
  readonly context?: string;
  readonly namespace?: string;
  /** of Kubeflow */
  readonly url?: string;
  readonly experiment?: string;
}

export interface Runner {
  /** @throws PipelineError when the request can't be run at all; what fails later is an event */
  submit(request: RunnerRequest, signal?: AbortSignal): Promise<RunId>;
  /** every event of the run from `after` (default 0: from its start) until `run-ended`; also of runs that another process executes */
  watch(run: RunId, signal?: AbortSignal, after?: number): AsyncIterable<RunEvent>;
  /** `why` is one sentence for the run's record. */
  cancel(run: RunId, why: string): Promise<void>;
  /** This process ends now, and what it executes with it: write down why. Runs elsewhere go on. */
  abandon(why: string): void;
  /** Resolves when this process has no run any more that would end with it. */
  idle(): Promise<void>;
}
