// A pipeline is what a notebook means: its steps in notebook order, what each needs and gives, its parameters, and all that is wrong with it.
import type { CellRange, Diagnostic } from './diagnostic.js';
import type { StepSettings } from './step.js';
import type { WorkspaceSpec } from './workspace.js';

export type ParameterType = 'integer' | 'float' | 'string' | 'boolean' | 'list' | 'dict';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface Parameter {
  readonly name: string;
  /** from the literal (or the annotation); a `None` default without annotation is a `string` that may be null */
  readonly type: ParameterType;
  readonly default: JsonValue;
  readonly isNullable: boolean;
  /** the default as Python has it, where JSON and the type would make another number of it: `1` that is annotated as a float, `-0.0`, `[1.0]` */
  readonly exact?: string;
  readonly range: CellRange;
}

/**
 * Names whose values travel together because they may share objects. Artifact names are unique within the step that
 * makes them, and match `[a-z][a-z0-9_]*`.
 */
export interface Bundle {
  readonly artifact: string;
  readonly names: readonly string[];
  /** global states that travel as values: `random`, `numpy.random`, `torch.random` */
  readonly states?: readonly string[];
  /** what they are, where the source leaves no doubt */
  readonly kind?: ArtifactKind;
}

/** In KFP's words. */
export type ArtifactKind = 'Dataset' | 'Model';

/** What a step does before its own cells, in this order: take a bundle, or run source again that an earlier cell defines. */
export type Setup =
  | { readonly kind: 'value'; readonly from: string; readonly bundle: Bundle }
  | { readonly kind: 'source'; readonly range: CellRange; readonly source: string };

export type FlowKind = 'value' | 'definition' | 'import' | 'file' | 'order' | 'ambient';

/** One reason why a step depends on an earlier one. */
export interface Flow {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly kind: FlowKind;
  readonly certainty: 'certain' | 'possible';
  readonly reason: Reason;
}

export interface Reason {
  /** where the name is read */
  readonly range: CellRange;
  /** where it was made or last changed, if it is known */
  readonly origin?: CellRange;
  /** whether the origin is where it was changed in place */
  readonly isChanged?: boolean;
  /** functions through which it is read, outermost first */
  readonly through: readonly string[];
  /** one sentence, e.g. `train reads scale in cell 7 line 3, through fit → normalise.` */
  readonly text: string;
}

export interface StepCell {
  readonly index: number;
  readonly id?: string;
  readonly source: string;
  readonly isMetrics: boolean;
  /** what IPython counts when the notebook runs from top to bottom, where a cell reads what others have shown by number */
  readonly number?: number;
}

export interface PipelineStep {
  readonly name: string;
  readonly cells: readonly StepCell[];
  /** names of the steps that must have ended before, from flows and `prev:` alike, in notebook order; no transitive reduction */
  readonly after: readonly string[];
  /** parameters it reads, its setup's source included */
  readonly parameters: readonly string[];
  readonly setup: readonly Setup[];
  /** names that it is given which hold what earlier cells have shown: `_`, `_3` */
  readonly results?: readonly string[];
  readonly outputs: readonly Bundle[];
  readonly settings: StepSettings;
}

export interface Pipeline {
  readonly name: string;
  readonly description: string;
  readonly workspace: WorkspaceSpec;
  /** the kernelspec to run with; undefined: the default one */
  readonly kernel?: string;
  readonly parameters: readonly Parameter[];
  readonly steps: readonly PipelineStep[];
  readonly flows: readonly Flow[];
  /** any `error` among them forbids running */
  readonly diagnostics: readonly Diagnostic[];
}
