// The volume of a run: what it is made from, and what is put on it before the first step. It is empty and takes the workspace that is sent; or
// a copy of the volume that the notebook's folder is on; or a copy of what another run left, whose values this one takes.
import {
  ancestors,
  runFolder,
  volumeFolder,
  workspaceFolder,
  type RunSummary,
  type Workflow,
  type WorkspaceVolume
} from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { Cluster } from '../kubernetes/access.js';
import { toSelector, type Belonging } from '../kubernetes/labels.js';
import { tryClone } from '../kubernetes/clones.js';
import type { ClusterSettings } from '../kubernetes/settings.js';
import {
  findRunSnapshot,
  listSnapshots,
  removeSnapshot,
  takeSnapshot,
  waitForSnapshot,
  type VolumeSnapshot
} from '../kubernetes/snapshots.js';
import { findChanges, sendChanges, type Destination } from '../kubernetes/sync.js';
import { withVolumePod, type VolumePod, type VolumePodSpec } from '../kubernetes/transfer.js';
import {
  createClaim,
  listClaims,
  maybeReadClaim,
  removeClaim,
  waitForClaim,
  waitUntilGone,
  type ClaimSpec
} from '../kubernetes/volumes.js';
import type { Place, RemoteRun, RemoteStart } from '../runners/engine.js';
import { labelOf } from '../runners/found.js';
import { formatSize } from '../words.js';
import { ofSettings, toSpec, type Keeping, type VolumeSpec } from './keeping.js';

/** Where the run's volume is a copy of the notebook's, as the run's record has it. */
export function readWorkspace({ workspace }: Place): WorkspaceVolume | undefined {
  return workspace === undefined ? undefined : (JSON.parse(workspace) as WorkspaceVolume);
}

/** Where a file of the run's own is, that steps have below `volumeFolder`, when all of the volume is mounted there. */
export function onVolume(place: Place, path: string): string {
  const root = readWorkspace(place) === undefined ? volumeFolder : `${volumeFolder}/${runFolder}`;
  return `${root}${path.slice(volumeFolder.length)}`;
}

/** A workflow has its own name for its volume; one of somebody else's, or a run on Kubeflow, another one. There it may have none. */
function claimOf(remote: RunSummary['remote']): string | undefined {
  return remote === undefined
    ? undefined
    : (remote.place.claim ?? (isOnKubeflow(remote.place) ? undefined : remote.id));
}

const isOnKubeflow = ({ experiment }: Place): boolean => experiment !== undefined;

export function belongingOf({ id, notebook }: Pick<RemoteRun, 'id' | 'notebook'>): Belonging {
  return { run: id, ...(notebook === undefined ? {} : { notebook }) };
}

/** Make the volume under the claim `name`, with all that the first step has to find on it. `last` are the notebook's runs, newest first. */
export async function makeVolume(
  cluster: Cluster,
  run: RemoteStart,
  {
    name,
    templates,
    keeping,
    last
  }: {
    readonly name: string;
    /** of the workflow whose steps' pods have the volume; empty where it is none */
    readonly templates: Workflow['spec']['templates'];
    readonly keeping: CopyKeeping;
    readonly last: readonly RunSummary[];
  },
  signal: AbortSignal
): Promise<void> {
  const workspace = readWorkspace(run.place);
  const { isFurther, taken } = await makeCopy(cluster, run, { name, keeping }, signal);
  if (!isFurther && workspace === undefined) await createLike(cluster, run, { name, last, keeping }, signal);
  await tryOwnClone(cluster, run, name, keeping, signal);
  const { image } = run.plan.tasks.find(task => run.choice.execute.has(task.name))!;
  const spec = toPodSpec(run, { templates, image, name: `${name}-send`, claim: name });
  await withVolumePod(cluster, spec, { notice: text => run.notice(text), signal }, async pod => {
    if (workspace === undefined) await send(pod, run, isFurther ? 'further' : 'fresh');
    else await pod.prepare(`${volumeFolder}/${runFolder}`, folderOn(workspace), !isFurther);
  });
  if (taken !== undefined) await removeSnapshot(cluster, taken);
}

/** Remove what making the volume has left, however far it came. */
export async function unmakeVolume(cluster: Cluster, run: string, name: string): Promise<void> {
  const { core, namespace } = cluster;
  const attempt = (work: () => Promise<unknown>) => work().catch(() => undefined); // labels tell what is left
  const labelSelector = toSelector({ run });
  const { items } = await core.listNamespacedPod({ namespace, labelSelector }).catch(() => ({ items: [] }));
  for (const { metadata } of items)
    await attempt(() => core.deleteNamespacedPod({ name: metadata!.name!, namespace, gracePeriodSeconds: 0 }));
  await attempt(async () => {
    for (const snapshot of await listSnapshots(cluster, { run })) await removeSnapshot(cluster, snapshot);
  });
  await attempt(() => removeClaim(cluster, `${name}-probe`));
  await attempt(() => removeClaim(cluster, name));
}

type CopyKeeping = Pick<Keeping, 'volume' | 'own' | 'copy'>;

export interface Copied {
  /** whether it goes on from a run */
  readonly isFurther: boolean;
  /** what it is restored from and nobody wants to keep; there until a pod has the volume, since some classes make it only then */
  readonly taken?: VolumeSnapshot;
}

/**
 * Make the volume as a copy of what is there already: of the volume of the run that this one goes on from, or else of the one that the
 * notebook's folder is on. Where there is neither, nothing is made.
 */
export async function makeCopy(
  cluster: Cluster,
  run: RemoteStart,
  { name, keeping }: { readonly name: string; readonly keeping: CopyKeeping },
  signal: AbortSignal
): Promise<Copied> {
  const workspace = readWorkspace(run.place);
  const past = await findPastVolume(cluster, run);
  if (past !== undefined) await copy(cluster, run, name, past, signal);
  else if (workspace !== undefined)
    return { isFurther: false, ...(await copyWorkspace(cluster, run, { name, workspace, keeping }, signal)) };
  return { isFurther: past !== undefined };
}

/** The notebook's folder, where all of the volume is mounted. */
function folderOn({ subPath, folder }: WorkspaceVolume): string {
  return [volumeFolder, subPath, folder].filter(Boolean).join('/');
}

interface Source extends VolumeSpec {
  readonly from: NonNullable<ClaimSpec['from']>;
}

async function create(cluster: Cluster, run: RemoteStart, spec: ClaimSpec, signal: AbortSignal): Promise<void> {
  await createClaim(cluster, { ...spec, belonging: belongingOf(run) });
  await waitForClaim(cluster, spec.name, { signal });
}

function copy(cluster: Cluster, run: RemoteStart, name: string, source: Source, signal: AbortSignal): Promise<void> {
  return create(cluster, run, { name, ...source }, signal);
}

/** Empty, or as an earlier run of the notebook left its own: then most files are there already, and only what changed has to be sent. */
async function createLike(
  cluster: Cluster,
  run: RemoteStart,
  { name, last, keeping: { volume } }: { name: string; last: readonly RunSummary[]; keeping: CopyKeeping },
  signal: AbortSignal
): Promise<void> {
  const earlier = await findLastVolume(cluster, run, last).catch(() => undefined);
  if (earlier !== undefined)
    try {
      run.notice('Copying the volume of an earlier run, which has most files already.');
      return await copy(cluster, run, name, { ...volume, ...earlier, accessModes: volume.accessModes }, signal);
    } catch {
      signal.throwIfAborted(); // else it is a driver that can't clone: all is sent
      await removeClaim(cluster, name);
      await waitUntilGone(cluster, name, signal);
    }
  await create(cluster, run, { name, ...volume }, signal);
}

async function findLastVolume(cluster: Cluster, { id, place, notebook }: RemoteStart, last: readonly RunSummary[]) {
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

/** As it is now, however long it takes until somebody runs on it; what the notebook's pod writes meanwhile is another thing. */
async function copyWorkspace(
  cluster: Cluster,
  run: RemoteStart,
  { name, workspace, keeping }: { name: string; workspace: WorkspaceVolume; keeping: CopyKeeping },
  signal: AbortSignal
): Promise<Pick<Copied, 'taken'>> {
  const { claim } = workspace;
  const { volume, own, copy: way } = keeping;
  if (way?.how === 'clone') {
    run.notice(`Copying the volume ‘${claim}’.`);
    await copy(cluster, run, name, { ...volume, from: { kind: 'claim', name: claim } }, signal);
    return {};
  }
  run.notice(`Taking a snapshot of the volume ‘${claim}’.`);
  const taken = await takeSnapshot(cluster, {
    ...belongingOf(run),
    ...{ claim, moment: 'start', name: `${name}-start`, ...(way?.class && { class: way.class }) }
  });
  const ready = await waitForSnapshot(cluster, taken.name, { signal });
  run.notice(`Restoring it to the run’s own volume.`);
  const size = ready.size ?? volume.size;
  await copy(cluster, run, name, { ...volume, size, from: { kind: 'snapshot', name: taken.name } }, signal);
  return own.policy === 'off' ? { taken } : {};
}

/** Where clones are to stand for snapshots of the run's own volume, see that one can be made. */
export async function tryOwnClone(
  cluster: Cluster,
  run: RemoteStart,
  name: string,
  { own, volume }: CopyKeeping,
  signal: AbortSignal
): Promise<void> {
  if (own.policy === 'off' || own.clone === undefined) return;
  run.notice('Trying whether the storage driver can clone volumes.');
  const cure = 'Set the notebook’s `sluice.snapshots` to ‘off’, or choose another class with SLUICE_STORAGE_CLASS.';
  const { accessModes } = volume;
  const trial = { ...volume, ...own.clone, accessModes, name: `${name}-probe`, claim: name, cure };
  await tryClone(cluster, { ...trial, belonging: belongingOf(run) }, { signal });
}

/** What a run that takes another one's values gets as its volume: that run's as it was before the first step to execute, or as it is now. */
async function findPastVolume(cluster: Cluster, run: RemoteStart): Promise<Source | undefined> {
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

async function send(pod: VolumePod, run: RemoteStart, mode: Destination['mode']): Promise<void> {
  const { scan } = run;
  // files that lie above the notebook's folder are above it there as well
  const folder = scan.folder === '' ? workspaceFolder : `${volumeFolder}/files`;
  const to = { volume: volumeFolder, folder, mode };
  const changes = await findChanges(pod, scan, to);
  const [files, kept] = [changes.send, changes.keep].map(entries => entries.filter(({ kind }) => kind === 'file'));
  const total = files!.reduce((sum, { stats }) => sum + Number(stats.size), 0);
  const count = `${files!.length}${kept!.length === 0 ? '' : ` of ${files!.length + kept!.length}`}`;
  const what = `${count} ${count === '1' ? 'file' : 'files'} (${formatSize(total)})`;
  run.notice(files!.length === 0 ? 'All files are there already.' : `Sending ${what} to the cluster.`);
  let told = Date.now();
  await sendChanges(pod, scan, changes, to, bytes => {
    if (Date.now() - told < 1000) return;
    told = Date.now();
    run.notice(`Sending ${what} to the cluster: ${Math.round((100 * bytes) / Math.max(1, total))} %.`);
  });
  if (scan.folder !== '') await pod.link(`${folder}/${scan.folder}`, workspaceFolder);
}

/**
 * A pod that can be where the steps of this image can. An image that no step has is the one of a step that names none, before it got that of
 * the notebook's kernel: the pod has what the steps have, which the cluster pulls anyway.
 */
export function toPodSpec(
  run: Pick<RemoteRun, 'id' | 'notebook' | 'place'>,
  {
    templates,
    image: planned,
    name,
    claim
  }: { templates: Workflow['spec']['templates']; image: string; name: string; claim: string }
): VolumePodSpec {
  const containers = templates.filter(({ container }) => container !== undefined);
  const template = containers.find(({ container }) => container!.image === planned) ?? containers[0];
  const image = template?.container?.image ?? planned;
  const { serviceAccount } = run.place as ClusterSettings;
  const { nodeSelector, tolerations, podSpecPatch } = template ?? {};
  const { imagePullPolicy, securityContext } = template?.container ?? {};
  return {
    ...{ name, claim, mountPath: volumeFolder, image, belonging: belongingOf(run) },
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    pod: {
      ...(nodeSelector && { nodeSelector }),
      ...(tolerations && { tolerations }),
      ...(podSpecPatch === undefined ? {} : (JSON.parse(podSpecPatch) as object))
    },
    container: { ...(imagePullPolicy && { imagePullPolicy }), ...(securityContext && { securityContext }) }
  };
}
