// Whether a cluster can be used, one question after the other: is it there, does it know us, has it what the runner needs, and may we use it.
// Each answer that is no says what to do.
import type { Finding } from '@sluice/core';
import { PipelineError, toPipelineError } from '../errors.js';
import { ask, checkAnswer, openCluster, statusOf, type Cluster } from './access.js';
import { findOwnNamespace } from './own-pod.js';
import {
  describeLack,
  findLacks,
  mayServiceAccount,
  rightsFor,
  stepRights,
  userRights,
  type Purpose
} from './rights.js';
import { readClusterSettings, type ClusterSettings } from './settings.js';
import { findOwnWorkspace } from './volumes.js';

export interface CheckOptions {
  readonly purposes: readonly Purpose[];
  readonly serviceAccount: string;
  /** undefined: the cluster's default */
  readonly storageClass?: string | undefined;
  /** the notebooks' */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The cluster that a notebook names, or that is found without that.
 * @throws PipelineError `usage` where there is none of that name
 */
export async function checkPlace(
  runner: string,
  target: Readonly<Record<string, string>>,
  { env, home, folder }: { env: NodeJS.ProcessEnv; home: string; folder: string }
): Promise<Finding[]> {
  const settings = readClusterSettings(target, { env, home });
  const findings: Finding[] = [];
  for await (const finding of checkRunner(runner, target, { settings, folder, env })) findings.push(finding);
  return findings;
}

/**
 * Whether that runner can be used: Kubeflow first, where it is that, and then the cluster.
 * @throws PipelineError `usage` where there is none of that name
 */
export async function* checkRunner(
  runner: string,
  target: Readonly<Record<string, string | undefined>>,
  {
    settings,
    folder,
    env,
    images = false
  }: { settings: ClusterSettings; folder: string; env: NodeJS.ProcessEnv; images?: boolean | undefined }
): AsyncIterable<Finding> {
  const purposes = purposesOf(runner, env, images);
  let own: Cluster | undefined;
  let account = 'default';
  if (runner === 'kubeflow') {
    const { checkKubeflow, isElsewhere } = await import('../kfp/check.js');
    const { accountOf, openOwnCluster } = await import('../kfp/keeping.js');
    const connection = yield* checkKubeflow(target, env);
    if (isElsewhere(target, settings, env)) {
      const message =
        'Which cluster it is on is not known here, so that the notebook’s folder can’t be sent there, and volumes, snapshots and the rights of its pods can’t be looked at. Name it with SLUICE_CONTEXT and SLUICE_NAMESPACE.';
      yield { isOk: undefined, message };
      return;
    }
    if (connection !== undefined) {
      own = await openOwnCluster({ connection, env }, settings).catch(() => undefined); // which is told below
      account = accountOf(connection);
    }
  }
  const { serviceAccount = account, storageClass } = settings;
  const cluster = own ?? (await openCluster(settings, env));
  yield* checkCluster(cluster, { purposes, serviceAccount, storageClass, folder, env });
}

/** Oldest question first; it stops where the next one makes no sense. Never rejects. */
export async function* checkCluster(cluster: Cluster, options: CheckOptions): AsyncIterable<Finding> {
  const { context, namespace, server } = cluster;
  try {
    const version = await checkAnswer(cluster);
    yield { isOk: true, message: `Context ‘${context}’, namespace ‘${namespace}’: ${server}, Kubernetes ${version}` };
    const old = describeOldVersion(version);
    if (old !== undefined) yield { isOk: false, message: old };
    const lacks = await findLacks(cluster, rightsFor(userRights, options.purposes));
    for (const lack of lacks)
      yield { isOk: false, message: describeLack(lack, namespace), ...(lack.isOptional && { isOptional: true }) };
    if (lacks.length === 0) yield { isOk: true, message: 'You may do all that Sluice has to' };
    if (options.purposes.includes('notebook')) yield* checkNotebook(cluster, options);
    if (options.purposes.includes('argo')) yield* checkArgo(cluster);
    yield* checkStorage(cluster, options);
    if (options.purposes.includes('snapshots')) yield* checkSnapshots(cluster);
    yield* checkSteps(cluster, options);
  } catch (error) {
    yield { isOk: false, message: toPipelineError(error).message };
  }
}

/**
 * What has to be asked of a cluster for that runner, and for images that are to be built there.
 * @throws PipelineError `usage` where it is none in a cluster
 */
export function purposesOf(runner: string, env: NodeJS.ProcessEnv, images = false): Purpose[] {
  if (runner !== 'argo' && runner !== 'kubeflow')
    throw new PipelineError(
      `‘${runner}’ is no runner in a cluster. Write --runner argo or --runner kubeflow.`,
      'usage'
    );
  // from elsewhere, nobody can tell whether notebooks are in pods there; for Argo all of it is asked anyway
  return [
    runner,
    ...(runner === 'kubeflow' ? (['workspace'] as const) : []),
    'snapshots',
    ...(findOwnNamespace(env) === undefined ? [] : (['notebook'] as const)),
    ...(images ? (['images'] as const) : [])
  ];
}

/** the oldest with all that is used: `volumesnapshots` v1 and server-side field validation */
const oldest = [1, 25] as const;

/** Undefined where it is not too old. */
export function describeOldVersion(version: string): string | undefined {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) !== oldest[0] || Number(minor) >= oldest[1]) return undefined;
  return `Kubernetes ${version} is too old: Sluice needs v${oldest.join('.')} or later. Choose another cluster.`;
}

/** In a pod: whether runs can begin with the volume that the notebook's folder is on. */
async function* checkNotebook(cluster: Cluster, { folder, env }: CheckOptions): AsyncIterable<Finding> {
  const own = findOwnNamespace(env);
  if (own !== cluster.namespace) {
    const message = `This pod is in namespace ‘${own}’, and its volumes are: runs in ‘${cluster.namespace}’ are sent the notebook’s folder.`;
    yield { isOk: undefined, message };
    return;
  }
  try {
    const found = await findOwnWorkspace(cluster, folder, env);
    const message =
      found === undefined
        ? 'This folder is on no volume of the pod: it is sent to each run’s own'
        : `This folder is on the volume ‘${found.claim}’: runs work on a copy of it`;
    yield { isOk: true, message };
  } catch (error) {
    yield { isOk: false, isOptional: true, message: toPipelineError(error).message };
  }
}

async function* checkArgo(cluster: Cluster): AsyncIterable<Finding> {
  const { custom, namespace } = cluster;
  const request = { verb: 'list', resource: 'workflows.argoproj.io', namespace } as const;
  const api = { group: 'argoproj.io', version: 'v1alpha1', plural: 'workflows' };
  try {
    await ask(request, () => custom.listNamespacedCustomObject({ ...api, namespace, limit: 1 }));
    yield { isOk: true, message: 'Argo Workflows is installed' };
  } catch (error) {
    if (statusOf(error) !== 403) yield { isOk: false, message: toPipelineError(error).message };
  }
}

async function* checkStorage({ storage }: Cluster, { storageClass, purposes }: CheckOptions): AsyncIterable<Finding> {
  if (!purposes.includes('argo') && !purposes.includes('workspace')) return;
  const request = { verb: 'list', resource: 'storageclasses.storage.k8s.io' } as const;
  try {
    const { items } = await ask(request, () => storage.listStorageClass());
    const names = items.map(({ metadata }) => metadata!.name!);
    const standard = items.find(
      ({ metadata }) => metadata?.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true'
    )?.metadata?.name;
    const all = names.map(name => `‘${name}’`).join(', ') || 'none';
    if (storageClass !== undefined)
      yield names.includes(storageClass)
        ? { isOk: true, message: `Volumes have the class ‘${storageClass}’` }
        : { isOk: false, message: `There is no StorageClass ‘${storageClass}’. The cluster has ${all}.` };
    else
      yield standard === undefined
        ? {
            isOk: false,
            message: `The cluster has no default StorageClass. Name one with SLUICE_STORAGE_CLASS: it has ${all}.`
          }
        : { isOk: true, message: `Volumes have the cluster’s default class ‘${standard}’` };
  } catch (error) {
    yield unknown(error, 'Whether there is a default StorageClass can’t be told');
  }
}

async function* checkSnapshots({ custom }: Cluster): AsyncIterable<Finding> {
  const api = { group: 'snapshot.storage.k8s.io', version: 'v1', plural: 'volumesnapshotclasses' };
  const request = { verb: 'list', resource: `${api.plural}.${api.group}` } as const;
  try {
    const { items } = (await ask(request, () => custom.listClusterCustomObject(api))) as {
      items: { metadata: { name: string } }[];
    };
    const names = items.map(({ metadata }) => `‘${metadata.name}’`).join(', ');
    yield names === ''
      ? { isOk: false, isOptional: true, message: 'There is no VolumeSnapshotClass: no snapshots can be taken.' }
      : { isOk: true, message: `Snapshots can have the class ${names}` };
  } catch (error) {
    yield { ...unknown(error, 'Whether snapshots can be taken can’t be told'), isOptional: true };
  }
}

async function* checkSteps(cluster: Cluster, { purposes, serviceAccount }: CheckOptions): AsyncIterable<Finding> {
  const { namespace } = cluster;
  for (const right of rightsFor(stepRights, purposes)) {
    const isOk = await mayServiceAccount(cluster, serviceAccount, right);
    const verbs = right.verbs.map(verb => `‘${verb}’`).join(', ');
    const what = `${right.resource}${right.group === '' ? '' : `.${right.group}`}`;
    const isOptional = !right.purposes.includes('argo');
    const message =
      isOk === true
        ? `The steps’ service account ‘${serviceAccount}’ may ${verbs} ${what}`
        : isOk === false
          ? `The steps’ service account ‘${serviceAccount}’ may not ${verbs} ${what} in namespace ‘${namespace}’, which is needed ${right.why}.`
          : `The steps’ service account ‘${serviceAccount}’ must be allowed to ${verbs} ${what}; whether it is, you may not ask.`;
    yield { isOk, message, ...(isOptional && { isOptional }) };
  }
}

function unknown(error: unknown, what: string): Finding {
  return statusOf(error) === 403
    ? { isOk: undefined, message: `${what}: ${toPipelineError(error).message}` }
    : { isOk: false, message: toPipelineError(error).message };
}
