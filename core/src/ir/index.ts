// Kubeflow's IR: made from a pipeline, printed, read again and planned for a runner on this machine.
export { readStepArgument, type StepArgument } from './argument.js';
export { compilePipeline, type CompileOptions } from './compile.js';
export { IrError, metricsArtifact, notebookArtifact, type Ir } from './ir.js';
export { checkParameters, parseParameter, splitAssignment, type ParameterReading } from './parameters.js';
export { planIr, type Plan, type PlanParameter, type PlanTask } from './plan.js';
export { printIr } from './print.js';
export { readIr } from './read.js';
export { waitSeconds } from './retries.js';
