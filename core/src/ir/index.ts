// Kubeflow's IR: made from a pipeline, printed and planned for a runner on this machine. What reads it, `read.ts`, brings KFP's schemas
// along, and is imported by itself where somebody gives us IR.
export { readStepArgument, type StepArgument } from './argument.js';
export { compilePipeline, type CompileOptions } from './compile.js';
export { makeExecutorInput, type ArtifactPlaces } from './executor-input.js';
export { IrError, metricsArtifact, notebookArtifact, shownArtifacts, type Ir } from './ir.js';
export { checkParameters, parseParameter, splitAssignment, type ParameterReading } from './parameters.js';
export { planIr, type Plan, type PlanParameter, type PlanTask } from './plan.js';
export { printIr, printIrAsJson } from './print.js';
export { waitSeconds } from './retries.js';
