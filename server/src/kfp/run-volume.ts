// The volume of a run on Kubeflow: a copy of the one that the notebook's folder is on, which is found from the notebook's own pod or named in its
// metadata; or one that the folder is sent to. It is made before the run begins, by who starts it, and goes as those of runs on Argo do. Where
// nobody knows which cluster Kubeflow is on, or may not make volumes there, steps have values only.
import { randomBytes } from 'node:crypto';
import {
  compileWorkflow,
  IrError,
  parallelSteps,
  planIr,
  printIrAsJson,
  toObjectName,
  toRunVolume,
  volumeFolder,
  withRunVolume,
  type Ir,
  type Plan,
  type RunSummary,
  type Workflow,
  type WorkspaceVolume
} from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { toPipelineError } from '../errors.js';
import { openCluster, statusOf, type Cluster } from '../kubernetes/access.js';
import { requireRights, rightsFor, userRights, type Purpose } from '../kubernetes/rights.js';
import { readClusterSettings, type ClusterSettings } from '../kubernetes/settings.js';
import { listSnapshots, removeSnapshot } from '../kubernetes/snapshots.js';
import { findSnapshotWay, findWayOfClass, type SnapshotWay } from '../kubernetes/storage.js';
import { withVolumePod } from '../kubernetes/transfer.js';
import { findOwnWorkspace, listClaims, readClaim, removeClaim } from '../kubernetes/volumes.js';
import type { RunnerRequest } from '../runner.js';
import type { EngineOptions, Place, RemoteRun, RemoteStart } from '../runners/engine.js';
import { readSnapshotProgram } from '../runtime.js';
import type { Store } from '../store.js';
import { findVolume, toKept, type Keeping } from '../volumes/keeping.js';
import { makeCopy, makeVolume, tryOwnClone, unmakeVolume } from '../volumes/make.js';
import { readWorkspace } from '../volumes/place.js';
import { checkAccount, openOwnCluster, type KeepingOptions, type KfpKeeping } from './keeping.js';
import { unknownCluster, type OwnCluster } from './own-cluster.js';
import { describeWithoutFiles } from './without-files.js';

/** As a run's place has it, in JSON. */
interface Volume {
  readonly cluster: OwnCluster;
  readonly keeping: Pick<Keeping, 'volume' | 'own' | 'copy'>;
  /** when the pipeline's own tasks take snapshots of it */
  readonly kept?: 'start' | 'each-step';
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
 * @throws PipelineError with what stands in the way of one that the notebook asks for. Of one that it does not ask for, a message tells
 */
export async function planRunVolume(
  request: RunnerRequest,
  { plan, execute, past }: Pick<Wanted, 'plan' | 'execute' | 'past'>,
  options: KeepingOptions
): Promise<RunVolumePlan> {
  const { env, home } = options;
  const { volume, snapshots: { policy = 'off' } = {} } = plan.workspace;
  const named = past?.remote === undefined ? volume : readWorkspace(past.remote.place);
  if (plan.tasks.length === 0) return none;
  try {
    const settings = readClusterSettings({}, { env, home });
    const cluster = await openOwnCluster(options, settings);
    if (cluster === undefined) return { ...none, messages: [describeUnknown(plan, request, named)] };
    const found = past?.remote === undefined ? await findOwnWorkspace(cluster, request.workspace, env) : undefined;
    return await planVolumeIn(cluster, { plan, execute, past, settings, workspace: named ?? found }, options);
  } catch (error) {
    if (named !== undefined || policy !== 'off') throw error;
    return { ...none, messages: [describeFailed(plan, request, error)] };
  }
}

interface Wanted {
  readonly plan: Plan;
  /** names of the steps to execute */
  readonly execute: ReadonlySet<string>;
  readonly past: RunSummary | undefined;
  readonly settings: ClusterSettings;
  /** what it is to be a copy of; undefined where the folder is sent */
  readonly workspace: WorkspaceVolume | undefined;
}

async function planVolumeIn(
  cluster: Cluster,
  { plan, execute, past, settings, workspace }: Wanted,
  options: KeepingOptions
): Promise<RunVolumePlan> {
  const { policy = 'off', class: wanted, clone = false } = plan.workspace.snapshots ?? {};
  const { keep = 'last', kubeconfig, size, storageClass, serviceAccount } = settings;
  const volume = await findVolume(cluster, settings, workspace);
  const find = async (work: () => Promise<SnapshotWay>): Promise<SnapshotWay> => (clone ? { how: 'clone' } : work());
  const copy = workspace && (await find(() => findSnapshotWay(cluster, workspace.claim, wanted)));
  const way =
    policy === 'off' ? copy : (copy ?? (await find(() => findWayOfClass(cluster, volume.storageClass, wanted))));
  const isTaken = way?.how === 'snapshot';
  const purposes: Purpose[] = [...(copy ? [] : ['workspace' as const]), ...(way ? ['snapshots' as const] : [])];
  const rights = rightsFor(userRights, purposes);
  const command = `sluice cluster rbac --runner kubeflow -n ${cluster.namespace}`;
  await requireRights(cluster, isTaken ? rights : rights.filter(({ group }) => group === ''), command);
  const own = { policy, ...(policy !== 'off' && way ? await toKept(cluster, way, volume) : {}) };
  const isCloned = own.clone !== undefined;
  const kept = toKeptMoments({ own, ...(copy && { copy }) }, past);
  if (kept !== undefined) await checkAccount(cluster, options, { isCloned, isTaken: !isCloned });
  const claim = toObjectName(plan.name, randomBytes(4).toString('hex'));
  const { context, namespace } = cluster;
  const found: Volume = {
    cluster: { context, namespace, ...(kubeconfig && { kubeconfig }) },
    keeping: { volume, own, ...(copy && { copy }) },
    ...(kept && { kept }),
    keep
  };
  return {
    place: {
      ...{ claim, volume: JSON.stringify(found) },
      ...(workspace && { workspace: JSON.stringify(workspace) }),
      ...(size && { size }),
      ...(storageClass && { storageClass }),
      ...(serviceAccount && { serviceAccount })
    },
    keeping: kept ? { [claim]: isCloned ? { isCloned } : { ...(own.class && { class: own.class }) } } : {},
    messages: [
      ...(way?.message ? [way.message] : []),
      ...describeSharing(volume.accessModes, parallelSteps(plan, [...execute]))
    ]
  };
}

/** Whoever makes a copy by a snapshot has taken the one at the start. */
function toKeptMoments({ own: { policy }, copy }: Pick<Keeping, 'own' | 'copy'>, past: RunSummary | undefined) {
  const isTaken = copy?.how === 'snapshot' && past === undefined;
  return policy === 'off' || (policy === 'start' && isTaken) ? undefined : policy;
}

const describeFailed = (plan: Plan, { workspace }: RunnerRequest, error: unknown): string =>
  describeWithoutFiles(plan, workspace, `, as the run can have no volume there: ${toPipelineError(error).message}`);

const describeUnknown = (plan: Plan, { workspace }: RunnerRequest, named: WorkspaceVolume | undefined): string =>
  describeWithoutFiles(
    plan,
    workspace,
    `${named === undefined ? '' : `, which is on the volume ‘${named.claim}’`}: ${unknownCluster}`
  );

// KFP has no way to place pods on one node; Kubernetes has the second one wait where the volume can't be had there
function describeSharing(accessModes: readonly string[], parallel: readonly string[]): string[] {
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
  options: Pick<EngineOptions, 'env' | 'runtimeFolder' | 'store'>,
  signal: AbortSignal
): Promise<string> {
  const { request, plan, past, place } = run;
  const { env, runtimeFolder } = options;
  const volume = readVolume(place);
  if (volume === undefined || runtimeFolder === undefined) return request.ir;
  const ir = readIr(request.ir);
  const { image } = planIr(ir).tasks[0]!;
  try {
    await fillVolume(await openCluster(volume.cluster, env), run, { volume, ir, image, store: options.store }, signal);
  } catch (error) {
    const isAsked = past !== undefined || plan.workspace.volume !== undefined || volume.keeping.own.policy !== 'off';
    if (isAsked || statusOf(error) !== 403) throw error;
    await removeVolume(run, env);
    run.notice(describeFailed(plan, request, error));
    return request.ir;
  }
  run.notice();
  const program = { program: await readSnapshotProgram(runtimeFolder), image };
  const own = toRunVolume(place.claim!, volume.kept, readWorkspace(place));
  return printIrAsJson(withRunVolume(ir, own, program));
}

interface Filling {
  readonly volume: Volume;
  readonly ir: Ir;
  /** with Python */
  readonly image: string;
  readonly store: Store;
}

async function fillVolume(
  cluster: Cluster,
  run: RemoteStart,
  { volume: { keeping, kept }, ir, image, store }: Filling,
  signal: AbortSignal
): Promise<void> {
  const { place, notebook } = run;
  const claim = place.claim!;
  if (readWorkspace(place) !== undefined)
    return copyVolume(cluster, run, { claim, keeping, image, isKept: kept !== undefined }, signal);
  const last = notebook === undefined ? [] : store.list({ notebook });
  return makeVolume(cluster, run, { name: claim, templates: templatesOf(ir), keeping, last }, signal);
}

/** Argo's pods of the same steps, where the folder can be sent to as well as they can run; it knows less than Kubeflow does of others. */
function templatesOf(ir: Ir): Workflow['spec']['templates'] {
  try {
    return compileWorkflow(ir, { claim: 'x' }).spec.templates;
  } catch (error) {
    if (error instanceof IrError) return [];
    throw error;
  }
}

async function copyVolume(
  cluster: Cluster,
  run: RemoteStart,
  {
    claim,
    keeping,
    image,
    isKept
  }: Pick<Volume, 'keeping'> & { readonly claim: string; readonly image: string; readonly isKept: boolean },
  signal: AbortSignal
): Promise<void> {
  const { taken } = await makeCopy(cluster, run, { name: claim, keeping }, signal);
  await tryOwnClone(cluster, run, claim, keeping, signal);
  let isThere = (await readClaim(cluster, claim)).status?.phase === 'Bound';
  if (!isThere && isKept) {
    // its class makes it when a pod comes, and the snapshot before the first step comes before
    const pod = { name: `${claim}-first`, claim, mountPath: volumeFolder, image, belonging: { run: run.id } };
    await withVolumePod(cluster, pod, { notice: text => run.notice(text), signal }, () => Promise.resolve());
    isThere = true;
  }
  if (taken !== undefined && isThere) await removeSnapshot(cluster, taken);
}

/** What a start that failed has left of it. */
export async function removeVolume({ place, id }: RemoteRun, env: NodeJS.ProcessEnv): Promise<void> {
  const volume = readVolume(place);
  if (volume === undefined) return;
  await unmakeVolume(await openCluster(volume.cluster, env), id, place.claim!);
}

/** Let go of volumes that nobody needs any more, now that this run has ended. One that a pod still names goes with the pod. */
export async function clearVolumes(run: RemoteRun, state: string, store: Store, env: NodeJS.ProcessEnv): Promise<void> {
  const volume = readVolume(run.place);
  if (volume === undefined) return;
  const { keep, keeping } = volume;
  try {
    const cluster = await openCluster(volume.cluster, env);
    if (keeping.own.policy === 'off' && keeping.copy !== undefined) await removeStart(cluster, run);
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
