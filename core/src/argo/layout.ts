// Where a run in a cluster keeps what: one volume, mounted at the same place in every step's pod. Whoever fills or reads the volume from
// outside goes by these paths.
import type { ArtifactPlaces } from '../ir/executor-input.js';
import type { Plan } from '../ir/plan.js';
import type { WorkspaceVolume } from '../workspace.js';
import type { VolumeMount } from './manifest.js';

/** Where the run's volume is mounted. */
export const volumeFolder = '/sluice';

/** The notebook's folder, in which steps run. */
export const workspaceFolder = `${volumeFolder}/workspace`;

/** Where packages are installed that steps bring: once for all of them, and kept for runs that work on a copy of the volume. */
export const environmentsFolder = `${volumeFolder}/environments`;

/**
 * A volume that was the notebook's before it became the run's has files of its own at its root; what the run needs besides is in this folder
 * of it, which is what is mounted then.
 */
export const runFolder = '.sluice-run';

/** Where steps find the run's volume: all of it is the run's own, or it is a copy of the one that holds the notebook's folder. */
export function runMounts(
  name: string,
  workspace?: Pick<WorkspaceVolume, 'path' | 'subPath' | 'folder'>
): { readonly mounts: readonly VolumeMount[]; readonly folder: string } {
  if (workspace === undefined) return { mounts: [{ name, mountPath: volumeFolder }], folder: workspaceFolder };
  const { path, subPath, folder } = workspace;
  return {
    mounts: [
      { name, mountPath: volumeFolder, subPath: runFolder },
      { name, mountPath: path, ...(subPath ? { subPath } : {}) }
    ],
    folder: folder === '' ? path : `${path}/${folder}`
  };
}

/** Steps' names are people's; in paths their tasks' names stand for them. */
export function clusterPlaces({ tasks }: Plan): ArtifactPlaces {
  const folders = new Map(tasks.map(({ name, task }) => [name, task]));
  return {
    artifact: (step, key) => `${volumeFolder}/artifacts/${folders.get(step)}/${key}`,
    outputFile: step => `${volumeFolder}/outputs/${folders.get(step)}.json`
  };
}
