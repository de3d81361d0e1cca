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
}

export interface Runner {
  /** @throws PipelineError when the request can't be run at all; what fails later is an event */
  submit(request: RunnerRequest, signal?: AbortSignal): Promise<RunId>;
  /** every event of the run from `after` (default 0: from its start) until `run-ended`; also of runs that another process executes */
  watch(run: RunId, signal?: AbortSignal, after?: number): AsyncIterable<RunEvent>;
  /** `why` is one sentence for the run's record. */
  cancel(run: RunId, why: string): Promise<void>;
}
