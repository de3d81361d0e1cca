// `sluice cluster`: what is on a Kubernetes cluster, whether Sluice may use it, and what it left there.
import { PipelineError } from '../errors.js';
import { pick, type Command } from './command.js';

const commands: Record<string, () => Promise<Pick<Command, 'run'>>> = {
  check: async () => (await import('./cluster-check.js')).clusterCheck,
  rbac: async () => (await import('./cluster-check.js')).clusterRbac,
  snapshots: async () => (await import('./cluster-snapshots.js')).clusterSnapshots
};

const help = `sluice cluster COMMAND... [--kubeconfig FILE] [--context NAME] [-n NAMESPACE] [--json]

  check                        can pipelines run there, and what is missing: [--runner argo|kubeflow] [--service-account NAME]
                               [--url URL]: of Kubeflow Pipelines; [--images]: and build images there, with kaniko
  rbac                         print the Roles that grant what is needed, for who you are there or for
    [--user NAME | --group NAME | --account NAME] [--runner argo|kubeflow] [--service-account NAME] [--images]
  snapshots [list]             Sluice’s snapshots of volumes, newest first
    [--run RUN] [--step STEP] [--notebook HASH]
  snapshots show NAME          of which volume, run and step it is, and whether it can be restored
  snapshots take CLAIM         take one of a volume: [--name NAME] [--class CLASS]
  snapshots files NAME         what is in it
  snapshots diff NAME NAME     which files were added, changed and removed
  snapshots restore NAME --to CLAIM
                               make a new volume that holds the same; nothing else is touched
    [--size 10Gi] [--storage-class CLASS] [--access-mode ReadWriteOnce]
  snapshots remove NAME...
  snapshots gc [--keep N] [--older-than 30d] [--run RUN] [--dry-run]
                               remove those of all but each notebook’s newest N runs; older ones; or only what is both

CLAIM is a PersistentVolumeClaim in the namespace. What was not made by Sluice is never listed or removed.

  --image IMAGE   for files and diff: what the pod that looks into them runs; any with python3 (SLUICE_IMAGE)
`;

export const cluster: Command = {
  help,
  run: async ([name, ...args], io) => {
    if (name === undefined)
      throw new PipelineError(`Write sluice cluster with one of ${Object.keys(commands).join(', ')}.`, 'usage');
    return (await pick('cluster', commands, name)()).run(args, io);
  }
};
