// Whether the snapshots of volumes that a run on Kubeflow is to take can be taken, found out before it begins: the claims are there, the driver
// has snapshots, or can at least clone, and the pods' service account may ask for them. It takes a look into the cluster itself, which Kubeflow's
// API does not give.
import { findKept, type Kept, type Plan } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { checkAnswer, openCluster, statusOf, type Cluster } from '../kubernetes/access.js';
import { checkClone } from '../kubernetes/clones.js';
import { findOwnNamespace } from '../kubernetes/own-pod.js';
import { mayServiceAccount, rightsFor, stepRights } from '../kubernetes/rights.js';
import { readClusterSettings, type ClusterSettings } from '../kubernetes/settings.js';
import { checkClones, findSnapshotWay } from '../kubernetes/storage.js';
import { readClaim } from '../kubernetes/volumes.js';
import { isNamed } from '../runners/naming.js';
import { toSpec, withoutKeeping } from '../volumes/keeping.js';
import { isInside } from './access.js';
import type { Connection } from './connect.js';
import { unknownCluster, type OwnCluster } from './own-cluster.js';

/** By claim: how it is kept. */
export type KfpKeeping = Readonly<Record<string, { readonly class?: string; readonly isCloned?: boolean }>>;

/** What is known before the run of the volumes that are kept. */
export interface FoundKeeping {
  readonly ways: KfpKeeping;
  /** where it was looked; undefined where nobody has said which cluster that is, or nothing is kept */
  readonly cluster?: OwnCluster;
  /** for the user */
  readonly messages: readonly string[];
}

export interface KeepingOptions {
  readonly connection: Pick<Connection, 'place' | 'namespace'>;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
}

/**
 * Nothing is found where the run keeps no volume, and where nobody has said which cluster Kubeflow is on.
 * @throws PipelineError with what stands in the way: a claim that is not there, a driver that can't, a right that the pods lack
 */
export async function findKfpKeeping(plan: Pick<Plan, 'workspace'>, options: KeepingOptions): Promise<FoundKeeping> {
  const wanted = findKept(plan.workspace);
  const kept = [...new Set(wanted.map(({ claim }) => claim))];
  if (kept.length === 0) return { ways: {}, messages: [] };
  const settings = readClusterSettings({}, { env: options.env, home: options.home });
  const cluster = await openOwnCluster(options, settings);
  if (cluster === undefined) return { ways: {}, messages: describeUnseen(wanted) };
  const ways = await Promise.all(kept.map(async claim => [claim, await findWay(cluster, claim, plan)] as const));
  const isCloned = ways.some(([, way]) => way.isCloned === true);
  const isTaken = ways.some(([, way]) => way.isCloned !== true);
  await checkAccount(cluster, options, { isCloned, isTaken });
  const { context, namespace } = cluster;
  const { kubeconfig } = settings;
  return {
    ways: Object.fromEntries(ways),
    cluster: { context, namespace, ...(kubeconfig && { kubeconfig }) },
    messages: []
  };
}

function describeUnseen(kept: readonly Kept[]): string[] {
  const around = kept.filter(({ policy }) => policy === 'each-step').map(({ claim }) => `‘${claim}’`);
  if (around.length === 0) return [];
  return [
    `A step that is canceled, or killed with all of its pod, has no snapshot of what it leaves on ${around.join(', ')}: ${unknownCluster}`
  ];
}

/** The cluster that Kubeflow is on: the one it is reached through, or the one that the user names beside its URL. */
export async function openOwnCluster(
  { connection: { place, namespace }, env }: Pick<KeepingOptions, 'connection' | 'env'>,
  settings: ClusterSettings
): Promise<Cluster | undefined> {
  const isSaid = settings.context !== undefined || isNamed(env, 'argo');
  const isHere = place.url === undefined || (findOwnNamespace(env) !== undefined && isInside(place.url));
  if (!isHere && !isSaid) return undefined;
  const { kubeconfig, context = place.context, namespace: named } = settings;
  const own = namespace ?? named ?? (isHere ? 'kubeflow' : undefined);
  const where = { ...(kubeconfig && { kubeconfig }), ...(context && { context }), ...(own && { namespace: own }) };
  try {
    const cluster = await openCluster(where, env);
    await checkAnswer(cluster);
    // where nobody says which namespace, there are no profiles: then Kubeflow runs all pods in its own
    const isSaying = own !== undefined || cluster.config.getContextObject(cluster.context)?.namespace !== undefined;
    return isSaying ? cluster : { ...cluster, namespace: 'kubeflow' };
  } catch (error) {
    if (isSaid) throw error;
    return undefined; // Kubeflow's pods can reach what we can't
  }
}

async function findWay(cluster: Cluster, claim: string, plan: Pick<Plan, 'workspace'>): Promise<KfpKeeping[string]> {
  const { class: wanted, clone = false } = plan.workspace.snapshots ?? {};
  try {
    const found = await readClaim(cluster, claim);
    const way = clone ? { how: 'clone' as const } : await findSnapshotWay(cluster, claim, wanted);
    if (way.how === 'snapshot') return way.class === undefined ? {} : { class: way.class };
    const { spec } = found;
    if (spec?.storageClassName) await checkClones(cluster, spec.storageClassName);
    await checkClone(cluster, { ...toSpec(found), claim, cure: withoutKeeping(claim) });
    return { isCloned: true };
  } catch (error) {
    // who may not see the volumes may have pods that can
    if (statusOf(error) === 403) return { ...(wanted && { class: wanted }), ...(clone && { isCloned: true }) };
    throw error;
  }
}

/** Kubeflow's own: of a profile's namespace, or of the one for all. */
export const accountOf = ({ namespace }: KeepingOptions['connection']): string =>
  namespace === undefined ? 'pipeline-runner' : 'default-editor';

/** @throws PipelineError `unauthorized` where it is known that the pods may not; often nobody may ask */
export async function checkAccount(
  cluster: Cluster,
  { connection, env, home }: KeepingOptions,
  { isCloned, isTaken }: { readonly isCloned: boolean; readonly isTaken: boolean }
): Promise<void> {
  const account = readClusterSettings({}, { env, home }).serviceAccount ?? accountOf(connection);
  for (const right of rightsFor(stepRights, ['snapshots'])) {
    const isNeeded = right.resource === 'volumesnapshots' ? isTaken : isCloned;
    if (!isNeeded || (await mayServiceAccount(cluster, account, right)) !== false) continue;
    const verbs = right.verbs.map(verb => `‘${verb}’`).join(' and ');
    throw new PipelineError(
      `The service account ‘${account}’ of Kubeflow’s pods may not ${verbs} ${right.resource} in namespace ‘${cluster.namespace}’, which is needed ${right.why}. \`sluice cluster rbac --runner kubeflow --service-account ${account}\` prints the Role that grants it; if the pods have another account, name it with SLUICE_SERVICE_ACCOUNT.`,
      'unauthorized'
    );
  }
}
