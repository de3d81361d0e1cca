// What a run on this machine works in besides the notebook's folder: what `sluice.volumes` and `sluice.snapshots` of a notebook's metadata
// say of folders here. Volumes of a cluster among them are for every step.
import { describeType, isRecord } from './json.js';
import type { VolumeSpec } from './step.js';
import { readStepSpec } from './step.js';
import { readVolumeSnapshots, type VolumeSnapshots } from './volumeSnapshots.js';

export interface WorkspaceSpec {
  /** folders beside the notebook's own that steps find where they are from it: `../data` */
  readonly folders?: readonly string[];
  /** leave out what `.gitignore` names, as well as what `.sluiceignore` does */
  readonly gitignore?: boolean;
  /** of the volume that stands for the workspace on a cluster */
  readonly snapshots?: VolumeSnapshots;
}

export interface WorkspaceReading {
  readonly workspace: WorkspaceSpec;
  readonly volumes: readonly VolumeSpec[];
  readonly problems: readonly string[];
}

export function readWorkspaceSpec(volumes: unknown, snapshots: unknown): WorkspaceReading {
  const problems: string[] = [];
  const folders: string[] = [];
  const claims: unknown[] = [];
  const entries = Array.isArray(volumes) ? (volumes as unknown[]) : [];
  if (volumes !== undefined && !Array.isArray(volumes))
    problems.push(`‘sluice.volumes’ is ${describeType(volumes)} instead of a list of volumes; it is ignored.`);
  for (const entry of entries) {
    const folder = isRecord(entry) ? entry.folder : undefined;
    if (folder === undefined) claims.push(entry);
    else if (typeof folder !== 'string' || folder.trim() === '' || folder.startsWith('/'))
      problems.push(
        `The folder ${JSON.stringify(folder)} in ‘sluice.volumes’ must be a path from the notebook's folder, such as ‘../data’; it is ignored.`
      );
    else folders.push(folder.trim());
  }
  const reading = claims.length === 0 ? undefined : readStepSpec({ volumes: claims }, '‘sluice.volumes’');
  const gitignore = isRecord(snapshots) ? snapshots.gitignore : undefined;
  if (gitignore !== undefined && typeof gitignore !== 'boolean')
    problems.push(
      `‘gitignore’ in ‘sluice.snapshots’ is ${describeType(gitignore)} instead of true or false; it is ignored.`
    );
  const ofVolume = readVolumeSnapshots(snapshots);
  return {
    workspace: {
      ...(folders.length === 0 ? {} : { folders }),
      ...(gitignore === true ? { gitignore } : {}),
      ...(ofVolume.snapshots === undefined ? {} : { snapshots: ofVolume.snapshots })
    },
    volumes: reading?.spec.volumes ?? [],
    problems: [...problems, ...(reading?.problems ?? []), ...ofVolume.problems]
  };
}
