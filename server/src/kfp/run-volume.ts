// The volume of a run on Kubeflow: a copy of the one that the notebook's folder is on, which is found from the notebook's own pod or named in its
// metadata. It is made before the run begins, by who starts it, and goes as those of runs on Argo do. Where there is none, steps have values only.
import { randomBytes } from 'node:crypto';
import {
  parallelSteps,
  planIr,
  printIrAsJson,
  toObjectName,
  volumeFolder,
  withRunVolume,
  type Plan,
  type RunSummary
} from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { toKept, toSpec, type Keeping } from '../argo/keeping.js';
import { makeCopy, readWorkspace, tryClone } from '../argo/volume.js';
import { toPipelineError } from '../errors.js';
import { openCluster, type Cluster } from '../kubernetes/access.js';
import { findOwnNamespace } from '../kubernetes/own-pod.js';
import { requireRights, rightsFor, userRights } from '../kubernetes/rights.js';
import { readClusterSettings, type ClusterSettings } from '../kubernetes/settings.js';
import { listSnapshots, removeSnapshot } from '../kubernetes/snapshots.js';
import { findSnapshotWay } from '../kubernetes/storage.js';
import { withVolumePod } from '../kubernetes/transfer.js';
import { findOwnWorkspace, listClaims, readClaim, removeClaim } from '../kubernetes/volumes.js';
import type { RunnerRequest } from '../runner.js';
import type { Place, RemoteRun, RemoteStart } from '../runners/engine.js';
import { readSnapshotProgram } from '../runtime.js';
import type { Store } from '../store.js';
import { checkAccount, openOwnCluster, type KeepingOptions, type KfpKeeping } from './keeping.js';

/** As a run's place has it, in JSON. */
interface Volume {
  readonly cluster: { readonly kubeconfig?: string; readonly context: string; readonly namespace: string };
  readonly keeping: Pick<Keeping, 'volume' | 'own' | 'copy'>;
  readonly keep: NonNullable<ClusterSettings['keep']>;
}

export interface RunVolumePlan {
  /** what the run's place has of it: `workspace`, `claim` and `volume` */
  readonly place: Place;
  /** how the run's own claim is kept around steps */
  readonly keeping: KfpKeeping;
  /** for the user */
  readonly messages: readonly string[];
}

const none: RunVolumePlan = { place: {}, keeping: {}, messages: [] };

/**
 * Which volume the run is to have, and whether it can have it.
 * @throws PipelineError with what stands in the way of a copy that the notebook asks for. Of one that it does not ask for, a message tells
 */
export async function planRunVolume(
  request: RunnerRequest,
  plan: Plan,
  past: RunSummary | undefined,
  options: KeepingOptions
): Promise<RunVolumePlan> {
  const { env, home } = options;
  const { volume, snapshots } = plan.workspace;
  const named = past?.remote === undefined ? volume : readWorkspace(past.remote.place);
  if (
    plan.tasks.length === 0 ||
    (named === undefined && (past?.remote !== undefined || findOwnNamespace(env) === undefined))
  )
    return none;
  try {
    const settings = readClusterSettings({}, { env, home });
    const cluster = await openOwnCluster(options, settings);
    if (cluster === undefined) return named === undefined ? none : { ...none, messages: [unnamed(named.claim)] };
    const workspace = named ?? (await findOwnWorkspace(cluster, request.workspace, env));
    if (workspace === undefined) return none;
    const policy = snapshots?.policy ?? 'off';
    const own = toSpec(await readClaim(cluster, workspace.claim));
    const { accessMode, keep = 'last', kubeconfig } = settings;
    const made = accessMode === undefined ? own : { ...own, accessModes: [accessMode] };
    const copy = snapshots?.clone
      ? { how: 'clone' as const }
      : await findSnapshotWay(cluster, workspace.claim, snapshots?.class);
    const isTaken = copy.how === 'snapshot';
    await requireRights(
      cluster,
      rightsFor(userRights, ['snapshots']).filter(({ group }) => isTaken || group === '')
    );
    const isKept = policy === 'each-step';
    const kept = isKept ? await toKept(cluster, copy, made) : {};
    const isCloned = kept.clone !== undefined;
    if (isKept) await checkAccount(cluster, options, { isCloned, isTaken: !isCloned });
    const claim = toObjectName(plan.name, randomBytes(4).toString('hex'));
    const { context, namespace } = cluster;
    const found: Volume = {
      cluster: { context, namespace, ...(kubeconfig && { kubeconfig }) },
      keeping: { volume: made, own: { policy, ...kept }, copy },
      keep
    };
    return {
      place: { claim, workspace: JSON.stringify(workspace), volume: JSON.stringify(found) },
      keeping: isKept ? { [claim]: isCloned ? { isCloned } : { ...(kept.class && { class: kept.class }) } } : {},
      messages: [...(copy.message ? [copy.message] : []), ...describeSharing(made.accessModes, plan)]
    };
  } catch (error) {
    if (named !== undefined || (snapshots?.policy ?? 'off') !== 'off') throw error;
    const why = toPipelineError(error).message;
    return {
      ...none,
      messages: [`Steps find no files of the notebook’s folder, as its volume can’t be copied: ${why}`]
    };
  }
}

const unnamed = (claim: string) =>
  `Steps find no files of the volume ‘${claim}’: which cluster Kubeflow is on is not known here. Name it with SLUICE_CONTEXT and SLUICE_NAMESPACE.`;

// KFP has no way to place pods on one node; Kubernetes has the second one wait where the volume can't be had there
function describeSharing(accessModes: readonly string[], plan: Plan): string[] {
  const parallel = parallelSteps(
    plan,
    plan.tasks.map(({ name }) => name)
  );
  if (accessModes.includes('ReadWriteMany') || parallel.length === 0) return [];
  const steps = parallel.map(step => `‘${step}’`).join(', ');
  const where = accessModes.includes('ReadWriteOncePod')
    ? 'one pod at a time (ReadWriteOncePod): Kubernetes runs them one after the other.'
    : 'one node at a time (ReadWriteOnce): of those that it places on different nodes, one waits for the other.';
  return [`Steps ${steps} could run at the same time, but the volume of the run can be mounted on ${where}`];
}

export const readVolume = ({ volume }: Place): Volume | undefined =>
  volume === undefined ? undefined : (JSON.parse(volume) as Volume);

/** The run's IR, on a volume that is made now; as it is where the run has none. What was made is removed where it can't all be. */
export async function withVolume(
  run: RemoteStart,
  { env, runtimeFolder }: { readonly env: NodeJS.ProcessEnv; readonly runtimeFolder?: string },
  signal: AbortSignal
): Promise<string> {
  const { request, place } = run;
  const volume = readVolume(place);
  if (volume === undefined || runtimeFolder === undefined) return request.ir;
  const cluster = await openCluster(volume.cluster, env);
  const claim = place.claim!;
  const { taken } = await makeCopy(cluster, run, { name: claim, keeping: volume.keeping }, signal);
  await tryClone(cluster, run, claim, volume.keeping, signal);
  const workspace = readWorkspace(place)!;
  const isKept = volume.keeping.own.policy === 'each-step';
  const ir = readIr(request.ir);
  const { image } = planIr(ir).tasks[0]!;
  let isThere = (await readClaim(cluster, claim)).status?.phase === 'Bound';
  if (!isThere && isKept) {
    // its class makes it when a pod comes, and the snapshot before the first step comes before
    const pod = { name: `${claim}-first`, claim, mountPath: volumeFolder, image, belonging: { run: run.id } };
    await withVolumePod(cluster, pod, { notice: text => run.notice(text), signal }, () => Promise.resolve());
    isThere = true;
  }
  if (taken !== undefined && isThere) await removeSnapshot(cluster, taken);
  run.notice();
  const program = { program: await readSnapshotProgram(runtimeFolder), image };
  return printIrAsJson(withRunVolume(ir, { claim, workspace, isKept }, program));
}

/** What a start that failed has left of it. */
export async function removeVolume({ place, id }: RemoteRun, env: NodeJS.ProcessEnv): Promise<void> {
  const volume = readVolume(place);
  if (volume === undefined) return;
  const cluster = await openCluster(volume.cluster, env);
  const attempt = (work: () => Promise<unknown>) => work().catch(() => undefined); // labels tell what is left
  await attempt(async () => {
    for (const snapshot of await listSnapshots(cluster, { run: id })) await removeSnapshot(cluster, snapshot);
  });
  await attempt(() => removeClaim(cluster, `${place.claim}-probe`));
  await attempt(() => removeClaim(cluster, place.claim!));
}

/** Let go of volumes that nobody needs any more, now that this run has ended. One that a pod still names goes with the pod. */
export async function clearVolumes(run: RemoteRun, state: string, store: Store, env: NodeJS.ProcessEnv): Promise<void> {
  const volume = readVolume(run.place);
  if (volume === undefined) return;
  const { keep, keeping } = volume;
  try {
    const cluster = await openCluster(volume.cluster, env);
    if (keeping.own.policy === 'off') await removeStart(cluster, run);
    if (keep === 'always' || (keep !== 'never' && state !== 'succeeded')) return;
    if (keep !== 'last' || run.notebook === undefined) return await removeClaim(cluster, run.place.claim!);
    const runs = store.list({ notebook: run.notebook });
    for (const { metadata } of await listClaims(cluster, { notebook: run.notebook })) {
      const earlier = runs.find(
        ({ remote, runner }) => runner === 'kubeflow' && remote?.place.claim === metadata!.name
      );
      if (earlier !== undefined && earlier.id !== run.id && earlier.state === 'succeeded')
        await removeClaim(cluster, metadata!.name!, metadata!.uid);
    }
  } catch (error) {
    run.notice(`The run’s volume could not be removed: ${toPipelineError(error).message}`); // the run is what it was
  }
}

/** Of a class that makes volumes when a pod comes, what the volume is restored from is still there. */
async function removeStart(cluster: Cluster, { id, place }: RemoteRun): Promise<void> {
  const snapshots = await listSnapshots(cluster, { run: id, moment: 'start' }).catch(() => []); // none were taken where none can be
  const start = snapshots.find(({ name }) => name === `${place.claim}-start`);
  if (start !== undefined) await removeSnapshot(cluster, start);
}
