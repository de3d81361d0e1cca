// Kubeflow's pipeline IR (schema 2.1.0): one document for the pipeline, a second for what only Kubernetes understands.
import type { PipelineSpecJson, PlatformSpecJson } from './gen/pipeline_spec_pb.js';

export interface Ir {
  readonly pipeline: PipelineSpecJson;
  /** undefined where no step asks for anything of Kubernetes' own */
  readonly platform?: PlatformSpecJson;
}

/** A text that is no IR, or an IR that cannot be run here. `path` names the place in it, e.g. `root.dag.tasks.train`. */
export class IrError extends Error {
  override readonly name = 'IrError';
  readonly code = 'invalid-ir';
  constructor(
    message: string,
    readonly path = ''
  ) {
    super(message);
  }
}

/** The two artifacts that every step of ours leaves besides its values. */
export const notebookArtifact = 'sluice_notebook';
export const metricsArtifact = 'sluice_metrics';

/** KFP puts the step's ExecutorInput, as JSON, where an argument holds this. */
export const executorInput = '{{$}}';
