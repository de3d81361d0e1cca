// Which parts of a run's record say what its volume is, and where on it things are.
import { runFolder, volumeFolder, type WorkspaceVolume } from '@sluice/core';
import type { Belonging } from '../kubernetes/labels.js';
import type { Place, RemoteRun } from '../runners/engine.js';

/** Where the run's volume is a copy of the notebook's, as the run's record has it. */
export function readWorkspace({ workspace }: Place): WorkspaceVolume | undefined {
  return workspace === undefined ? undefined : (JSON.parse(workspace) as WorkspaceVolume);
}

/** Where a file of the run's own is, that steps have below `volumeFolder`, when all of the volume is mounted there. */
export function onVolume(place: Place, path: string): string {
  const root = readWorkspace(place) === undefined ? volumeFolder : `${volumeFolder}/${runFolder}`;
  return `${root}${path.slice(volumeFolder.length)}`;
}

export function belongingOf({ id, notebook }: Pick<RemoteRun, 'id' | 'notebook'>): Belonging {
  return { run: id, ...(notebook === undefined ? {} : { notebook }) };
}
