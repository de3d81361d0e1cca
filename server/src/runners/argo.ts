// Runs on Argo Workflows: the IR becomes a Workflow, the workspace goes to a volume of the run's own, and Argo does the rest. Values stay on the
// volume; what people look at comes back through the pods' logs (decision 0020).
import { readIr } from '@sluice/core/ir/read';
import {
  clusterPlaces,
  environmentsFolder,
  compileWorkflow,
  volumeFolder,
  type ClusterContext,
  type Plan,
  type RunnerInfo,
  type RunSummary,
  type Workflow
} from '@sluice/core';
import { discoverWorkflows } from '../argo/discover.js';
import { followWorkflow, type FollowOptions } from '../argo/follow.js';
import { keepOfRun } from '../argo/left.js';
import { fetchLeftovers } from '../argo/leftovers.js';
import { findPlaces, keptSeconds } from '../argo/places.js';
import {
  eventsMark,
  listWorkflows,
  readWorkflow,
  readWorkflowPlan,
  withEnv,
  workflowApi,
  workflowResource
} from '../argo/workflows.js';
import { PipelineError, toPipelineError } from '../errors.js';
import {
  ask,
  checkAnswer,
  listContexts,
  maybeAsk,
  openCluster,
  remove,
  statusOf,
  type Cluster
} from '../kubernetes/access.js';
import { describeOldVersion } from '../kubernetes/check.js';
import { toMetadata, toSelector } from '../kubernetes/labels.js';
import { requireRights, rightsFor, userRights } from '../kubernetes/rights.js';
import { readClusterSettings, type ClusterSettings } from '../kubernetes/settings.js';
import { findOwnWorkspace, listClaims, removeClaim } from '../kubernetes/volumes.js';
import type { RunnerRequest } from '../runner.js';
import { describeWritten } from '../volumes/earlier.js';
import { findKeeping, type Keeping } from '../volumes/keeping.js';
import { makeVolume, unmakeVolume } from '../volumes/make.js';
import { belongingOf, onVolume, readWorkspace } from '../volumes/place.js';
import type { Engine, EngineEvent, EngineOptions, Place, RemoteRun, RemoteStart } from './engine.js';

export { fetchValues } from '../argo/values.js';

export function open(options: EngineOptions): Engine {
  return new ArgoEngine(options);
}

/** Within a few seconds. */
export async function describe({ env, store }: EngineOptions, target: Place = {}): Promise<RunnerInfo> {
  const name = 'argo';
  let contexts: readonly ClusterContext[] = [];
  let setUp: Pick<RunnerInfo, 'setUp'> = {};
  try {
    const { kubeconfig, ...settings } = readClusterSettings({}, { env, home: store.home });
    if (Object.keys(settings).length > 0) setUp = { setUp: settings };
    contexts = await listContexts({ ...settings, ...(kubeconfig && { kubeconfig }) }, env);
    const cluster = await openCluster(readClusterSettings(target, { env, home: store.home }), env);
    const label = `Argo, namespace ‘${cluster.namespace}’ of ‘${cluster.context}’`;
    try {
      await checkAnswer(cluster);
      await listWorkflows(cluster, 'none=none');
      return { name, label, isReady: true, isSetUp: true, contexts, ...setUp };
    } catch (error) {
      return {
        name,
        label,
        isReady: false,
        isSetUp: true,
        problem: toPipelineError(error).message,
        contexts,
        ...setUp
      };
    }
  } catch (error) {
    const isSetUp = contexts.length > 0;
    return { name, label: 'Argo', isReady: false, isSetUp, problem: toPipelineError(error).message, contexts };
  }
}

/** What is out of reach hides no other place. */
export async function discover(options: EngineOptions, signal: AbortSignal): Promise<void> {
  const looked = new Set<string>();
  const look = async (place: Place) => {
    const cluster = await openCluster(place, options.env);
    const { context, server, namespace } = cluster;
    const where = `${server} ${namespace}`;
    if (looked.has(where)) return;
    looked.add(where);
    await discoverWorkflows(cluster, { ...place, context, namespace }, options.store, signal);
  };
  await Promise.allSettled(findPlaces(options).map(look));
}

class ArgoEngine implements Engine {
  readonly name = 'argo';
  /** The run's volume began as a copy of the other one's. */
  readonly move = (address: string, id: string): string => address.replace(/^(pvc:\/\/[^/]+\/)[^/]+/, `$1${id}`);
  private readonly clusters = new Map<string, Promise<Cluster>>();

  constructor(private readonly options: EngineOptions) {}

  async prepare(request: RunnerRequest, plan: Plan, execute: ReadonlySet<string>, past?: RunSummary): Promise<Place> {
    const settings = this.settings({ ...request.target });
    const cluster = await openCluster(settings, this.options.env);
    const old = describeOldVersion(await checkAnswer(cluster));
    if (old !== undefined) throw new PipelineError(old, 'remote');
    await requireRights(cluster, rightsFor(userRights, ['argo']));
    await listWorkflows(cluster, 'none=none');
    const ir = readIr(request.ir);
    compileWorkflow(ir, { claim: 'x' }); // what can't be said to Argo is said now
    if (plan.tasks.length === 0) throw new PipelineError('The pipeline has no steps.', 'invalid-ir');
    const workspace = past?.remote
      ? readWorkspace(past.remote.place)
      : (plan.workspace.volume ?? (await findOwnWorkspace(cluster, request.workspace, this.options.env)));
    const keeping = await findKeeping(cluster, { ir, plan, execute, settings, ...(workspace && { workspace }) });
    if (needsSnapshots(keeping)) await requireRights(cluster, rightsFor(userRights, ['snapshots']));
    const { context, namespace } = cluster;
    return {
      ...{ ...settings, context, namespace, keeping: JSON.stringify(keeping) },
      ...(keeping.messages.length > 0 && { messages: JSON.stringify(keeping.messages) }),
      ...(workspace && { workspace: JSON.stringify(workspace) })
    };
  }

  async start(run: RemoteStart, signal: AbortSignal): Promise<string> {
    const cluster = await this.connect(run.place);
    const { namespace } = cluster;
    const name = nameOf(run);
    try {
      const keeping = JSON.parse(run.place.keeping!) as Keeping;
      for (const message of [...keeping.messages, ...(await describeWritten(cluster, run))]) run.notice(message);
      const workflow = toWorkflow(run, keeping, namespace, name);
      const last = run.notebook === undefined ? [] : this.options.store.list({ notebook: run.notebook });
      await makeVolume(cluster, run, { name, templates: workflow.spec.templates, keeping, last }, signal);
      signal.throwIfAborted();
      run.notice();
      await ask({ verb: 'create', resource: workflowResource, name, namespace }, () =>
        cluster.custom.createNamespacedCustomObject({ ...workflowApi, namespace, body: workflow })
      );
      return name;
    } catch (error) {
      await this.removeAll(cluster, run.id, name);
      throw error;
    }
  }

  find(run: RemoteRun): Promise<string | undefined> {
    return this.inCluster(run.place, async cluster => {
      const [found] = await listWorkflows(cluster, toSelector({ run: run.id }));
      if (found !== undefined) return found.metadata!.name;
      await this.removeAll(cluster, run.id, nameOf(run));
      return undefined;
    });
  }

  async *follow(name: string, run: RemoteRun, signal: AbortSignal): AsyncIterable<EngineEvent> {
    try {
      yield* this.followIn(await this.connect(run.place), name, run, signal);
    } catch (error) {
      this.forgetLogin(error);
      throw error;
    }
  }

  private async *followIn(
    cluster: Cluster,
    name: string,
    given: RemoteRun,
    signal: AbortSignal
  ): AsyncIterable<EngineEvent> {
    const run = isFound(given.place) ? await withPlan(given, cluster, name) : given;
    const places = clusterPlaces(run.plan);
    const placeOf = (step: string, artifact: string) =>
      `pvc://${cluster.namespace}/${run.place.claim ?? name}${onVolume(run.place, places.artifact(step, artifact)).slice(volumeFolder.length)}`;
    const onEnd: FollowOptions['onEnd'] = async ({ state, steps, workflow, tell }) => {
      if (isFound(run.place)) return; // whose it is knows what it still needs
      const { templates } = (workflow as Workflow).spec;
      await fetchLeftovers(cluster, run, { claim: name, steps, templates }, tell);
      await this.clear(cluster, run, name, state);
    };
    const keepLeft: FollowOptions['keepLeft'] = async (step, pod, endedAt) =>
      isFound(run.place) ? [] : keepOfRun(cluster, run, name, { step, pod, endedAt }, signal);
    yield* followWorkflow({ cluster, name, run, placeOf, onEnd, keepLeft }, signal);
  }

  async cancel(name: string, run: RemoteRun): Promise<void> {
    const body = { spec: { shutdown: 'Terminate' } };
    const { PatchStrategy, setHeaderOptions } = await import('@kubernetes/client-node');
    await this.inCluster(run.place, ({ custom, namespace }) =>
      maybeAsk({ verb: 'patch', resource: workflowResource, name, namespace }, () =>
        custom.patchNamespacedCustomObject(
          { ...workflowApi, namespace, name, body },
          setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
        )
      )
    );
  }

  private async inCluster<T>(place: Place, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    try {
      return await work(await this.connect(place));
    } catch (error) {
      this.forgetLogin(error);
      throw error;
    }
  }

  /** Who logs in again has another token in the kubeconfig. */
  private forgetLogin(error: unknown): void {
    if (statusOf(error) === 401) this.clusters.clear();
  }

  private settings(given: Readonly<Record<string, string | undefined>>): ClusterSettings {
    return readClusterSettings(given, { env: this.options.env, home: this.options.store.home });
  }

  private connect(place: Place): Promise<Cluster> {
    const key = JSON.stringify([place.kubeconfig, place.context, place.namespace]);
    let cluster = this.clusters.get(key);
    if (cluster === undefined) {
      cluster = openCluster(place, this.options.env);
      this.clusters.set(key, cluster);
      cluster.catch(() => this.clusters.delete(key));
    }
    return cluster;
  }

  /** Let go of what an ended run does not need any more: its pods and its volume, where they are not kept. */
  private async clear(cluster: Cluster, run: RemoteRun, name: string, state: string): Promise<void> {
    const { keep = 'last' } = run.place as ClusterSettings;
    if (keep === 'always' || (keep !== 'never' && state !== 'succeeded')) return;
    try {
      await removePods(cluster, name);
      if (keep !== 'last' || run.notebook === undefined) return await removeClaim(cluster, name);
      // of the notebook's runs that succeeded only this one keeps its own: the next one needs to be sent only what changed
      const runs = this.options.store.list({ notebook: run.notebook });
      for (const { metadata } of await listClaims(cluster, { notebook: run.notebook })) {
        const earlier = runs.find(({ remote }) => remote?.id === metadata!.name);
        if (
          earlier !== undefined &&
          !isFound(earlier.remote!.place) &&
          earlier.id !== run.id &&
          earlier.state === 'succeeded'
        )
          await removeClaim(cluster, metadata!.name!, metadata!.uid);
      }
    } catch (error) {
      run.notice(`The run’s volume could not be removed: ${toPipelineError(error).message}`); // the run is what it was
    }
  }

  /** What a start that failed has left. */
  private async removeAll(cluster: Cluster, run: string, name: string): Promise<void> {
    const { custom, namespace } = cluster;
    await remove({ verb: 'delete', resource: workflowResource, name, namespace }, () =>
      custom.deleteNamespacedCustomObject({ ...workflowApi, namespace, name })
    ).catch(() => undefined); // its label tells whose it is
    await unmakeVolume(cluster, run, name);
  }
}

/** Whether somebody else started it: then a workflow's uid is its place as well. */
const isFound = ({ uid }: Place): boolean => uid !== undefined;

async function withPlan(run: RemoteRun, cluster: Cluster, name: string): Promise<RemoteRun> {
  const workflow = await readWorkflow(cluster, name);
  return workflow === undefined ? run : { ...run, plan: readWorkflowPlan(workflow) };
}

const needsSnapshots = ({ own, others, copy }: Keeping) =>
  copy?.how === 'snapshot' || [own, ...others].some(({ policy, clone }) => policy !== 'off' && clone === undefined);

/** A claim that a pod names stays, even where the pod has ended. */
async function removePods({ core, namespace }: Cluster, workflow: string): Promise<void> {
  const labelSelector = `workflows.argoproj.io/workflow=${workflow}`;
  const { items } = await ask({ verb: 'list', resource: 'pods', namespace }, () =>
    core.listNamespacedPod({ namespace, labelSelector })
  );
  for (const { metadata } of items)
    await remove({ verb: 'delete', resource: 'pods', name: metadata!.name!, namespace }, () =>
      core.deleteNamespacedPod({ namespace, name: metadata!.name! })
    );
}

/** Names the workflow, its volume, and by its beginning the pods. Ids of runs are all different. */
function nameOf({ id, plan }: Pick<RemoteRun, 'id' | 'plan'>): string {
  const pipeline = plan.name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 25)
    .replace(/^-+|-+$/g, '');
  return `${/^[a-z]/.test(pipeline) ? pipeline : `run${pipeline === '' ? '' : `-${pipeline}`}`}-${id}`;
}

function toWorkflow(
  run: RemoteStart,
  { own, others, accessMode, copy }: Keeping,
  namespace: string,
  name: string
): Workflow {
  const { serviceAccount } = run.place as ClusterSettings;
  const workspace = readWorkspace(run.place);
  const { labels, annotations } = toMetadata(belongingOf(run));
  // the snapshot that the run's volume comes from is the one at the start
  const isTaken = copy?.how === 'snapshot' && run.past === undefined;
  const workflow = compileWorkflow(readIr(run.request.ir), {
    ...{ name, namespace, labels, claim: name, parameters: run.parameters, accessMode, kept: others },
    snapshots: own.policy === 'start' && isTaken ? 'off' : own.policy,
    annotations,
    steps: [...run.choice.execute],
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    ...(own.class === undefined ? {} : { snapshotClass: own.class }),
    ...(own.clone === undefined ? {} : { clone: own.clone }),
    ...(workspace && { workspace })
  });
  const told = withEnv(workflow, { SLUICE_EVENTS: `log:${eventsMark}`, SLUICE_ENVIRONMENTS: environmentsFolder });
  const ttlStrategy = { secondsAfterCompletion: keptSeconds };
  return { ...told, spec: { ...told.spec, ...{ ttlStrategy } } };
}
