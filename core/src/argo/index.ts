// Argo's Workflow, made from the IR: the second engine that runs the same pipeline in a cluster.
import { printYaml } from '../ir/print.js';
import type { Workflow } from './manifest.js';

export { clusterPlaces, runFolder, volumeFolder, workspaceFolder } from './layout.js';
export type { Workflow } from './manifest.js';
export { managedBy, toLabelValue, toObjectName } from './names.js';
export type { SnapshotPolicy } from '../volumeSnapshots.js';
export type { CloneSpec, SnapshotOptions } from './snapshots.js';
export { claimsOf, compileWorkflow, parallelSteps, type AccessMode, type WorkflowOptions } from './workflow.js';

/** As YAML that a person can read and `kubectl create` takes. */
export function printWorkflow(workflow: Workflow): string {
  return printYaml(workflow);
}
