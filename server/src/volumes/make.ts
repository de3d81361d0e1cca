// The volume of a run: what it is made from, and what is put on it before the first step. It is empty and takes the workspace that is sent; or
// a copy of the volume that the notebook's folder is on; or a copy of what another run left, whose values this one takes.
import {
  runFolder,
  volumeFolder,
  workspaceFolder,
  type RunSummary,
  type Workflow,
  type WorkspaceVolume
} from '@sluice/core';
import type { Cluster } from '../kubernetes/access.js';
import { tryClone } from '../kubernetes/clones.js';
import { toSelector } from '../kubernetes/labels.js';
import {
  listSnapshots,
  removeSnapshot,
  takeSnapshot,
  waitForSnapshot,
  type VolumeSnapshot
} from '../kubernetes/snapshots.js';
import { findChanges, sendChanges, type Destination } from '../kubernetes/sync.js';
import { withVolumePod, type VolumePod } from '../kubernetes/transfer.js';
import { createClaim, removeClaim, waitForClaim, waitUntilGone, type ClaimSpec } from '../kubernetes/volumes.js';
import type { RemoteStart } from '../runners/engine.js';
import { formatSize } from '../words.js';
import type { Keeping } from './keeping.js';
import { belongingOf, readWorkspace } from './place.js';
import { toPodSpec } from './pod.js';
import { findLastVolume, findPastVolume, type Source } from './sources.js';

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
