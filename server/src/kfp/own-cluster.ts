// Kubeflow's API does not say which cluster it is on, and volumes and their snapshots are the cluster's. Where it is known when a run begins, the
// run's record has it, so that it is found again from there.
import type { Place } from '../runners/engine.js';

export interface OwnCluster {
  readonly kubeconfig?: string;
  readonly context: string;
  readonly namespace: string;
}

/** Of a run's place. */
export const readOwnCluster = ({ cluster }: Place): OwnCluster | undefined =>
  cluster === undefined ? undefined : (JSON.parse(cluster) as OwnCluster);

export const unknownCluster =
  'which cluster Kubeflow is on is not known here. Name it with SLUICE_CONTEXT and SLUICE_NAMESPACE.';
