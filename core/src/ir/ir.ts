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

/** What every step of ours leaves besides its values, and what each leaves that has a cell of metrics. */
export const notebookArtifact = 'sluice_notebook';
export const metricsArtifact = 'sluice_metrics';

/**
 * What only Kubeflow's own UI shows, by KFP's kind: cells and outputs as a page, what the step shows as Markdown, a confusion matrix and
 * a ROC curve. Elsewhere the executed notebook and the metrics say it all, and no place is given for these.
 */
export const shownArtifacts = {
  sluice_report: 'HTML',
  sluice_markdown: 'Markdown',
  sluice_classification: 'ClassificationMetrics'
} as const;

/** KFP puts the step's ExecutorInput, as JSON, where an argument holds this. */
export const executorInput = '{{$}}';
