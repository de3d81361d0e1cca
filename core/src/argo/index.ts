// Argo's Workflow, made from the IR: the second engine that runs the same pipeline in a cluster.
export { clusterPlaces } from './layout.js';
export type { Workflow } from './manifest.js';
export { fromText } from './parameters.js';
export type { SnapshotPolicy } from '../volumeSnapshots.js';
export type { CloneSpec, SnapshotOptions } from './snapshots.js';
export {
  claimsOf,
  compileWorkflow,
  parallelSteps,
  runtimeParameter,
  volumeName,
  type AccessMode,
  type WorkflowOptions
} from './workflow.js';
