// Where a run in a cluster keeps what: one volume, mounted at the same place in every step's pod. Whoever fills or reads the volume from
// outside goes by these paths.
import type { ArtifactPlaces } from '../ir/executor-input.js';
import type { Plan } from '../ir/plan.js';

/** Where the run's volume is mounted. */
export const volumeFolder = '/sluice';

/** The notebook's folder, in which steps run. */
export const workspaceFolder = `${volumeFolder}/workspace`;

/** Steps' names are people's; in paths their tasks' names stand for them. */
export function clusterPlaces({ tasks }: Plan): ArtifactPlaces {
  const folders = new Map(tasks.map(({ name, task }) => [name, task]));
  return {
    artifact: (step, key) => `${volumeFolder}/artifacts/${folders.get(step)}/${key}`,
    outputFile: step => `${volumeFolder}/outputs/${folders.get(step)}.json`
  };
}
