// What the browser, the command line and the server say to each other: records, events and requests under /sluice/api/v1.
import type { MetricValue } from './metric.js';
import type { JsonValue } from './pipeline.js';
import type { OwnModules } from './python/effects/ownModules.js';
import type { SecretFolder, VolumeSpec } from './step.js';
import type { Verification } from './verify.js';

export type RunState = 'pending' | 'running' | 'succeeded' | 'cached' | 'failed' | 'skipped' | 'canceled' | 'paused';

export const endedStates: ReadonlySet<RunState> = new Set(['succeeded', 'cached', 'failed', 'skipped', 'canceled']);

/** Where and why a step failed. */
export interface Failure {
  /** the exception's class, or what ended the process: `exit-status`, `signal`, `timeout`, `cannot-travel`, `interrupted`, … */
  readonly name: string;
  readonly message: string;
  /** index of the cell, from 0; undefined where no cell is at fault */
  readonly cell?: number;
  /** line in the cell, from 1 */
  readonly line?: number;
  readonly traceback?: readonly string[];
}

/** Jupyter's output object (nbformat 4): stream, display_data, execute_result or error. */
export type Output = { readonly output_type: string } & Readonly<Record<string, unknown>>;

export type RunEventBody =
  | { readonly type: 'run-started'; readonly run: string; readonly steps: readonly string[] }
  | {
      readonly type: 'step';
      readonly step: string;
      readonly state: RunState;
      readonly durationMs?: number;
      /** one line: class, message and place */
      readonly error?: string;
      readonly failure?: Failure;
      /** why it waits, came from cache, was skipped or canceled */
      readonly reason?: string;
      /** why it could not come from cache; told when it starts */
      readonly uncached?: string;
      /** told at its end */
      readonly usage?: StepUsage;
    }
  | { readonly type: 'workspace'; readonly workspace: WorkspaceRecord }
  | { readonly type: 'snapshot'; readonly snapshot: SnapshotRecord }
  /** where an engine runs it, and what the engine calls it as soon as it has it */
  | { readonly type: 'remote'; readonly remote: RemoteRecord }
  /** what the run is at, or what stands in its way now; without text: nothing any more */
  | { readonly type: 'notice'; readonly text?: string }
  | { readonly type: 'log'; readonly step: string; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'cell'; readonly step: string; readonly cell: number; readonly state: RunState }
  | { readonly type: 'output'; readonly step: string; readonly cell: number; readonly output: Output }
  | { readonly type: 'metric'; readonly step: string; readonly name: string; readonly value: MetricValue }
  | { readonly type: 'artifact'; readonly step: string; readonly artifact: ArtifactRecord }
  | {
      readonly type: 'run-ended';
      readonly run: string;
      readonly state: RunState;
      readonly reason?: string;
      readonly metrics: Readonly<Record<string, MetricValue>>;
    };

/** Events of one run are numbered from 1 without gaps; `at` is milliseconds since 1970. */
export type RunEvent = RunEventBody & { readonly seq: number; readonly at: number };

/** What a step used, its child processes included. */
export interface StepUsage {
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  /** of the values that it took and gave */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** How a run's workspace came about. */
export interface WorkspaceRecord {
  readonly how: 'reflink' | 'overlay' | 'copy';
  readonly files: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/** A run that an engine such as Argo executes, elsewhere. */
export interface RemoteRecord {
  /** the engine's name for the run; undefined until it has it */
  readonly id?: string;
  /**
   * what it takes to find the run again, such as `context` and `namespace` of a cluster; in `messages`, as JSON, the sentences that were said
   * of the run before it began
   */
  readonly place: Readonly<Record<string, string>>;
  /** whether it was not started from here, but by a schedule, by hand or on another machine */
  readonly isFound?: boolean;
}

/** A place where pipelines can run. */
export interface RunnerInfo {
  readonly name: string;
  /** for people: `This machine`, `Argo, namespace ‘team-a’ of ‘prod’` */
  readonly label: string;
  readonly isReady: boolean;
  /** whether somebody has said where it is: a kubeconfig, a URL; what is ready is */
  readonly isSetUp?: boolean;
  /** what stands in its way, and what to do */
  readonly problem?: string;
  /** of the kubeconfig; the one that is used where none is chosen stands first */
  readonly contexts?: readonly ClusterContext[];
  /** what is set up for all notebooks, in the words of a target: `size`, `keep` and so on */
  readonly setUp?: Readonly<Record<string, string>>;
}

/** GET /runs/ID/volume-snapshots answers with `{snapshots: [VolumeSnapshotInfo]}`, oldest first: what a run on a cluster has left there. */
export interface VolumeSnapshotInfo {
  /** of the VolumeSnapshot, or of the claim that is a clone */
  readonly name: string;
  readonly kind: 'snapshot' | 'clone';
  readonly claim?: string;
  readonly moment?: string;
  readonly step?: string;
  /** milliseconds since 1970 */
  readonly at: number;
  readonly isReady: boolean;
  readonly error?: string;
  /** a Kubernetes quantity */
  readonly size?: string;
}

/**
 * GET /runs/ID/volume-snapshots/NAME/diff/NAME answers with a stream of these whose result is a SnapshotDiff; POST
 * /runs/ID/volume-snapshots/NAME/restore `{to: CLAIM}` with one whose result is a RestoredVolume. The last one is no notice.
 */
export type VolumeEvent<T> =
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'done'; readonly result: T }
  | ({ readonly type: 'error' } & ErrorBody);

export interface RestoredVolume {
  /** of the new volume */
  readonly claim: string;
  readonly snapshot: string;
  readonly namespace: string;
}

/** A cluster, and who one is there, as a kubeconfig names it. */
export interface ClusterContext {
  readonly name: string;
  /** that is used where none is chosen */
  readonly namespace: string;
}

/** GET /runners/NAME/check, whose query is a target, answers with `{findings: [Finding]}`: one for each thing that a run there needs. */
export interface Finding {
  /** undefined: nobody can tell from here */
  readonly isOk: boolean | undefined;
  /** without it a run succeeds all the same */
  readonly isOptional?: boolean;
  readonly message: string;
}

/** What the notebook server has at hand and a pipeline's steps may need as well. No value of a secret is ever told. */
export interface Surroundings {
  /** the pod that the server runs in; undefined outside of a cluster */
  readonly pod?: string;
  /** neither name nor value looks secret */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** variables that are secret or look so; `name` and `key` are the Kubernetes secret's, where the pod says which it is */
  readonly secrets: readonly { readonly env: string; readonly name?: string; readonly key?: string }[];
  readonly secretFolders: readonly SecretFolder[];
  readonly volumes: readonly VolumeSpec[];
  /** why the pod could not be looked at, and what to do */
  readonly problem?: string;
}

/** The workspace as it stood at a moment. */
export interface SnapshotRecord {
  readonly id: string;
  /** of a run: its start, before or after one of its steps; `safety`: the user's folder, before something was restored into it */
  readonly moment: 'start' | 'before' | 'after' | 'safety';
  readonly run?: string;
  readonly step?: string;
  /** milliseconds since 1970 */
  readonly at: number;
  readonly files: number;
  readonly bytes: number;
}

export interface SnapshotFile {
  /** relative to the workspace, with slashes */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly bytes: number;
}

/** Paths of files, sorted. */
export interface SnapshotDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Whether a step would come from cache if the notebook ran now. */
export interface StepFreshness {
  readonly step: string;
  /**
   * `stale`: it ran, and something that its outcome depends on has changed since; `unsure`: it ran, and whether something has
   * changed cannot be told, so that it would run again
   */
  readonly state: 'fresh' | 'stale' | 'unsure' | 'never';
  readonly reason?: string;
}

export interface ArtifactRecord {
  readonly name: string;
  readonly kind: 'values' | 'metrics' | 'notebook' | 'file';
  readonly path: string;
  readonly sizeBytes: number;
  /** for values: each variable with its type and a short description of it */
  readonly variables?: readonly { readonly name: string; readonly type: string; readonly summary: string }[];
}

export interface StepRun {
  readonly name: string;
  readonly state: RunState;
  readonly startedAt?: number;
  readonly durationMs?: number;
  readonly error?: string;
  readonly failure?: Failure;
  readonly reason?: string;
  /** why it could not come from cache */
  readonly uncached?: string;
  readonly usage?: StepUsage;
  /** the cell that runs now, by index */
  readonly cell?: number;
  /** cells that have ended well so far */
  readonly cellsDone?: number;
}

export interface RunSummary {
  readonly id: string;
  /** counts up from 1 within one store; what people call it */
  readonly number: number;
  readonly pipeline: string;
  /** path of the notebook as it was submitted; undefined for a run of an IR file */
  readonly notebook?: string;
  readonly runner: string;
  readonly state: RunState;
  readonly reason?: string;
  /** milliseconds since 1970 */
  readonly createdAt: number;
  readonly endedAt?: number;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly steps: readonly StepRun[];
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** id of the run whose values it took */
  readonly parent?: string;
  readonly workspace?: WorkspaceRecord;
  readonly remote?: RemoteRecord;
  /** what it is at, or what stands in its way now */
  readonly notice?: string;
}

/** POST /runs */
export interface SubmitRequest {
  /** path of the notebook, relative to the server's root */
  readonly notebook: string;
  /** the notebook as it stands in the editor; without it the file is read */
  readonly content?: unknown;
  readonly parameters?: Readonly<Record<string, JsonValue>>;
  readonly runner?: string;
  /** for a runner that is not here; what is missing is found in settings and surroundings */
  readonly target?: { readonly context?: string; readonly namespace?: string };
  readonly selection?: Selection;
  /** id of a past run to take inputs from */
  readonly resume?: string;
  readonly cache?: boolean;
}

export interface Selection {
  readonly step?: string;
  readonly from?: string;
  readonly to?: string;
}

/** What a verification is at: the notebook runs, its pipeline, and the notebook again where the two differ. */
export type VerifyStage = 'notebook' | 'pipeline' | 'again';

/** POST /verify, whose body is a SubmitRequest, answers with a stream of these; the last one is no stage. */
export type VerifyEvent =
  | { readonly type: 'stage'; readonly stage: VerifyStage }
  | { readonly type: 'verified'; readonly verification: Verification }
  | ({ readonly type: 'error' } & ErrorBody);

/**
 * POST /modules: what a notebook's modules hold that only they can tell. Answered with `{names: {MODULE: [NAME]}, own: OwnModules}`: what
 * `from module import *` binds, without modules that nobody can look into, and what those beside the notebook keep, if there are any.
 */
export interface ModulesRequest {
  /** path of the notebook, relative to the server's root */
  readonly notebook: string;
  /** undefined: the default one */
  readonly kernel?: string;
  /** those of which it imports `*` */
  readonly stars: readonly string[];
  /** those that it imports in any way */
  readonly imports: readonly string[];
}

export interface ModulesAnswer {
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly own?: OwnModules;
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}
