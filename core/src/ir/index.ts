// Kubeflow's IR: made from a pipeline, and planned for a runner on this machine. What reads it, `read.ts`, brings KFP's schemas along,
// and what prints it for people, `print.ts`, all of YAML: both are imported by themselves where they are needed.
export { readStepArgument, type StepArgument } from './argument.js';
export { compilePipeline, type CompileOptions } from './compile.js';
export { makeExecutorInput, type ArtifactPlaces } from './executor-input.js';
export { IrError, metricsArtifact, notebookArtifact, shownArtifacts, type Ir } from './ir.js';
export { printIrAsJson, parsePrintedIr } from './json.js';
export { checkParameters, parseParameter, splitAssignment, type ParameterReading } from './parameters.js';
export { planIr, type Plan, type PlanParameter, type PlanTask } from './plan.js';
export { waitSeconds } from './retries.js';
export {
  claimOfSnapshot,
  findKept,
  isSnapshot,
  isSnapshotExecutor,
  keepsAfterFailure,
  stepOfSnapshot,
  type Kept,
  type SnapshotProgram
} from './snapshots.js';
export { toRunVolume, withRunVolume, type RunVolume } from './run-volume.js';
