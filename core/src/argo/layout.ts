// Where an Argo workflow's pods find what is on the run's volume.
import { runFolder, volumeFolder, workspaceFolder } from '../cluster/folders.js';
import type { ArtifactPlaces } from '../ir/executor-input.js';
import type { Plan } from '../ir/plan.js';
import type { WorkspaceVolume } from '../workspace.js';
import type { VolumeMount } from './manifest.js';

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
