// What another run left that the volume of this one can be made from: that of the run whose values it takes, or of the notebook's last one, which
// has most files already.
import { ancestors, type RunSummary } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { Cluster } from '../kubernetes/access.js';
import type { ClusterSettings } from '../kubernetes/settings.js';
import { findRunSnapshot } from '../kubernetes/snapshots.js';
import { listClaims, maybeReadClaim, type ClaimSpec } from '../kubernetes/volumes.js';
import type { Place, RemoteStart } from '../runners/engine.js';
import { labelOf } from '../runners/found.js';
import { ofSettings, toSpec, type VolumeSpec } from './keeping.js';
import { readWorkspace } from './place.js';

export interface Source extends VolumeSpec {
  readonly from: NonNullable<ClaimSpec['from']>;
}

export async function findLastVolume(
  cluster: Cluster,
  { id, place, notebook }: RemoteStart,
  last: readonly RunSummary[]
) {
  if (notebook === undefined) return undefined;
  const claims = new Map((await listClaims(cluster, { notebook })).map(claim => [claim.metadata!.name, claim]));
  const { size, storageClass } = place as ClusterSettings;
  for (const { id: other, remote } of last) {
    const claim = claims.get(claimOf(remote));
    if (other === id || remote === undefined || claim === undefined || readWorkspace(remote.place) !== undefined)
      continue;
    if (remote.place.context !== place.context || claim.metadata!.deletionTimestamp || claim.status?.phase !== 'Bound')
      continue;
    const spec = toSpec(claim);
    if (size !== undefined && claim.spec?.resources?.requests?.storage !== size) continue;
    if (storageClass !== undefined && spec.storageClass !== storageClass) continue;
    return { ...spec, from: { kind: 'claim', name: claim.metadata!.name! } as const };
  }
  return undefined;
}

/** What a run that takes another one's values gets as its volume: that run's as it was before the first step to execute, or as it is now. */
export async function findPastVolume(cluster: Cluster, run: RemoteStart): Promise<Source | undefined> {
  const { past, plan, choice, place } = run;
  const claim = claimOf(past?.remote);
  if (past === undefined || claim === undefined) return undefined;
  const [first, ...others] = plan.tasks.filter(({ name }) => choice.execute.has(name));
  // beside others that do not wait for it, the first step may have begun before they could
  const isFirst = first !== undefined && others.every(({ name }) => ancestors(plan.tasks, name).has(first.name));
  const find = (step?: string) =>
    findRunSnapshot(cluster, { run: labelOf(past), claim, ...(step && { step }) }).catch(() => undefined);
  const there = await maybeReadClaim(cluster, claim);
  const before = isFirst ? await find(first.name) : undefined;
  const snapshot = before ?? (there === undefined ? await find() : undefined);
  const spec = there && toSpec(there);
  if (snapshot !== undefined) {
    const { name, kind, size, storageClass, accessModes } = snapshot;
    const usual = ofSettings(place as ClusterSettings);
    const made = storageClass ?? spec?.storageClass ?? usual.storageClass;
    return {
      from: { kind: kind === 'clone' ? 'claim' : 'snapshot', name },
      size: spec?.size ?? size ?? usual.size,
      accessModes: spec?.accessModes ?? (accessModes as VolumeSpec['accessModes'] | undefined) ?? usual.accessModes,
      ...(made === undefined ? {} : { storageClass: made })
    };
  }
  if (spec !== undefined) return { ...spec, from: { kind: 'claim', name: claim } };
  if (isOnKubeflow(place)) {
    run.notice(
      `The volume of run ${past.number} is gone: its values are in Kubeflow’s store, what its steps wrote to files is not. To keep volumes, set SLUICE_KEEP_VOLUME=always.`
    );
    return undefined;
  }
  throw new PipelineError(
    `The volume of run ${past.number} is gone, and its values with it. Run the whole pipeline; to keep volumes, set SLUICE_KEEP_VOLUME=always.`,
    'no-values'
  );
}

/** A workflow has its own name for its volume; one of somebody else's, or a run on Kubeflow, another one. There it may have none. */
function claimOf(remote: RunSummary['remote']): string | undefined {
  return remote === undefined
    ? undefined
    : (remote.place.claim ?? (isOnKubeflow(remote.place) ? undefined : remote.id));
}

const isOnKubeflow = ({ experiment }: Place): boolean => experiment !== undefined;
