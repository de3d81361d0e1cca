// What a run on this machine works in besides the notebook's folder: what `sluice.volumes` and `sluice.snapshots` of a notebook's metadata
// say of folders here. Volumes of a cluster among them are for every step.
import { describeType, isRecord } from './json.js';
import { workspaceVolume } from './kinds.js';
import type { StepSpec, VolumeSpec } from './step.js';
import { readStepSpec } from './step.js';
import { readVolumeSnapshots, type VolumeSnapshots } from './volumeSnapshots.js';

export interface WorkspaceSpec {
  /** folders beside the notebook's own that steps find where they are from it: `../data` */
  readonly folders?: readonly string[];
  /** leave out what `.gitignore` names, as well as what `.sluiceignore` does */
  readonly gitignore?: boolean;
  /** of the volume that stands for the workspace on a cluster */
  readonly snapshots?: VolumeSnapshots;
  /** where the notebook's folder is on the cluster already: a run works on a copy of that volume, and nothing is sent */
  readonly volume?: WorkspaceVolume;
  /** other volumes of which a run takes snapshots, by their claims */
  readonly kept?: Readonly<Record<string, 'start' | 'each-step'>>;
}

/** A volume that holds the notebook's folder. */
export interface WorkspaceVolume {
  readonly claim: string;
  /** where a pod has it */
  readonly path: string;
  /** the folder of the volume that is there; undefined: all of it */
  readonly subPath?: string;
  /** the notebook's folder, relative to `path`; '' where it is that */
  readonly folder: string;
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
  let volume: WorkspaceVolume | undefined;
  const entries = Array.isArray(volumes) ? (volumes as unknown[]) : [];
  if (volumes !== undefined && !Array.isArray(volumes))
    problems.push(`‘sluice.volumes’ is ${describeType(volumes)} instead of a list of volumes; it is ignored.`);
  for (const entry of entries) {
    const { folder, workspace } = isRecord(entry) ? entry : {};
    if (workspace !== undefined) {
      const fault = workspaceVolume.check(entry);
      if (fault === undefined) volume ??= toWorkspaceVolume(entry as unknown as WorkspaceEntry);
      else problems.push(`The settings of the workspace’s volume ${fault.says(`sluice.volumes${fault.path}`)}`);
    } else if (folder === undefined) claims.push(entry);
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
      ...(ofVolume.snapshots === undefined ? {} : { snapshots: ofVolume.snapshots }),
      ...(volume === undefined ? {} : { volume })
    },
    volumes: reading?.spec.volumes ?? [],
    problems: [...problems, ...(reading?.problems ?? []), ...ofVolume.problems]
  };
}

type WorkspaceEntry = Required<Pick<VolumeSpec, 'pvc_name' | 'path'>> & {
  readonly sub_path?: string;
  readonly workspace: string;
};

function toWorkspaceVolume({ pvc_name, path, sub_path, workspace }: WorkspaceEntry): WorkspaceVolume {
  const folder = workspace.replace(/^(\.\/)+|\/+$/g, '');
  return {
    ...{ claim: pvc_name, path, folder: folder === '.' ? '' : folder },
    ...(sub_path === undefined ? {} : { subPath: sub_path })
  };
}

/** Of what claims the steps' settings ask for snapshots. One that several mount has them as often as any of them says. */
export function findKeptVolumes(specs: Iterable<StepSpec>): Pick<WorkspaceSpec, 'kept'> {
  const kept: Record<string, 'start' | 'each-step'> = {};
  for (const { volumes = [] } of specs)
    for (const { pvc_name: claim, snapshot = 'off' } of volumes)
      if (snapshot === 'each-step' || (snapshot === 'start' && kept[claim] === undefined)) kept[claim] = snapshot;
  return Object.keys(kept).length === 0 ? {} : { kept };
}
