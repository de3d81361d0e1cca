// Runs on Argo Workflows: the IR becomes a Workflow, the workspace goes to a volume of the run's own, and Argo does the rest. Values stay on the
// volume; what people look at comes back through the pods' logs (decision 0020).
import { randomBytes } from 'node:crypto';
import { readIr } from '@sluice/core/ir/read';
import {
  ancestors,
  clusterPlaces,
  compileWorkflow,
  volumeFolder,
  workspaceFolder,
  type Plan,
  type PlanTask,
  type RunnerInfo,
  type Workflow
} from '@sluice/core';
import { followWorkflow, markAnnotation } from '../argo/follow.js';
import type { ArgoWorkflow } from '../argo/status.js';
import { PipelineError, toPipelineError } from '../errors.js';
import { ask, checkAnswer, maybeAsk, openCluster, remove, type Cluster } from '../kubernetes/access.js';
import { toMetadata, toSelector, type Belonging } from '../kubernetes/labels.js';
import { describeLack, findLacks, rightsFor, userRights } from '../kubernetes/rights.js';
import { readClusterSettings, type ClusterSettings } from '../kubernetes/settings.js';
import { withVolumePod, type VolumePodSpec } from '../kubernetes/transfer.js';
import { findRunSnapshot } from '../kubernetes/snapshots.js';
import { checkSnapshots } from '../kubernetes/storage.js';
import { createClaim, maybeReadClaim, removeClaim, waitForClaim, type ClaimSpec } from '../kubernetes/volumes.js';
import type { RunnerRequest } from '../runner.js';
import { formatSize } from '../words.js';
import type { Engine, EngineEvent, EngineOptions, Place, RemoteRun, RemoteStart } from './engine.js';

export function open(options: EngineOptions): Engine {
  return new ArgoEngine(options);
}

/** Within a few seconds. */
export async function describe({ env, store }: EngineOptions): Promise<RunnerInfo> {
  const name = 'argo';
  try {
    const cluster = await openCluster(readClusterSettings({}, { env, home: store.home }), env);
    const label = `Argo, namespace ‘${cluster.namespace}’ of ‘${cluster.context}’`;
    try {
      await checkAnswer(cluster);
      await listWorkflows(cluster, 'none=none');
      return { name, label, isReady: true, isSetUp: true };
    } catch (error) {
      return { name, label, isReady: false, isSetUp: true, problem: toPipelineError(error).message };
    }
  } catch (error) {
    return { name, label: 'Argo', isReady: false, problem: toPipelineError(error).message };
  }
}

const api = { group: 'argoproj.io', version: 'v1alpha1', plural: 'workflows' } as const;
const resource = `${api.plural}.${api.group}`;

/** Argo removes a workflow that ended so long ago; its pods' logs have been read. */
const keptSeconds = 14 * 24 * 3600;

class ArgoEngine implements Engine {
  readonly name = 'argo';
  private readonly clusters = new Map<string, Promise<Cluster>>();

  constructor(private readonly options: EngineOptions) {}

  async prepare(request: RunnerRequest, plan: Plan): Promise<Place> {
    const settings = this.settings({ ...request.target });
    const cluster = await openCluster(settings, this.options.env);
    await checkAnswer(cluster);
    await checkRights(cluster);
    await listWorkflows(cluster, 'none=none');
    compileWorkflow(readIr(request.ir), { claim: 'x' }); // what can't be said to Argo is said now
    if (plan.tasks.length === 0) throw new PipelineError('The pipeline has no steps.', 'invalid-ir');
    const { policy = 'off', class: snapshotClass } = plan.workspace.snapshots ?? {};
    if (policy !== 'off') await checkSnapshots(cluster, settings.storageClass, snapshotClass);
    const { context, namespace } = cluster;
    return { ...settings, context, namespace };
  }

  async start(run: RemoteStart, signal: AbortSignal): Promise<string> {
    const cluster = await this.connect(run.place);
    const { namespace } = cluster;
    const name = nameOf(run);
    try {
      const workflow = toWorkflow(run, namespace, name);
      await this.makeVolume(cluster, run, name, signal);
      await this.sendWorkspace(cluster, run, workflow, name, signal);
      signal.throwIfAborted();
      run.notice();
      await ask({ verb: 'create', resource, name, namespace }, () =>
        cluster.custom.createNamespacedCustomObject({ ...api, namespace, body: workflow })
      );
      return name;
    } catch (error) {
      await this.removeAll(cluster, run.id, name);
      throw error;
    }
  }

  async find(run: RemoteRun): Promise<string | undefined> {
    const cluster = await this.connect(run.place);
    const [found] = await listWorkflows(cluster, toSelector({ run: run.id }));
    if (found !== undefined) return found.metadata!.name;
    await this.removeAll(cluster, run.id, nameOf(run));
    return undefined;
  }

  async *follow(name: string, run: RemoteRun, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const cluster = await this.connect(run.place);
    const places = clusterPlaces(run.plan);
    const placeOf = (step: string, artifact: string) =>
      `pvc://${cluster.namespace}/${name}${places.artifact(step, artifact).slice(volumeFolder.length)}`;
    const onEnd = (state: string) => this.clear(cluster, run, name, state);
    yield* followWorkflow({ cluster, name, run, placeOf, onEnd }, signal);
  }

  async cancel(name: string, run: RemoteRun): Promise<void> {
    const cluster = await this.connect(run.place);
    const { namespace } = cluster;
    const body = { spec: { shutdown: 'Terminate' } };
    const { PatchStrategy, setHeaderOptions } = await import('@kubernetes/client-node');
    await maybeAsk({ verb: 'patch', resource, name, namespace }, () =>
      cluster.custom.patchNamespacedCustomObject(
        { ...api, namespace, name, body },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
      )
    );
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

  /** The run's own volume: empty, or a copy of that of the run whose values it takes. */
  private async makeVolume(cluster: Cluster, run: RemoteStart, name: string, signal: AbortSignal): Promise<void> {
    const { storageClass, size = '10Gi', accessMode = 'ReadWriteOnce' } = run.place as ClusterSettings;
    const from = await findSource(cluster, run);
    await createClaim(cluster, {
      ...{ name, size, accessModes: [accessMode], belonging: belongingOf(run) },
      ...(storageClass === undefined ? {} : { storageClass }),
      ...(from === undefined ? {} : { from })
    });
    await waitForClaim(cluster, name, { signal });
  }

  private async sendWorkspace(
    cluster: Cluster,
    run: RemoteStart,
    workflow: Workflow,
    name: string,
    signal: AbortSignal
  ): Promise<void> {
    const { scan } = run;
    const files = scan.entries.filter(({ kind }) => kind === 'file');
    const total = files.reduce((sum, { stats }) => sum + Number(stats.size), 0);
    const what = `${files.length} ${files.length === 1 ? 'file' : 'files'} (${formatSize(total)})`;
    run.notice(`Sending ${what} to the cluster.`);
    const spec = toPodSpec(run, workflow, `${name}-send`, name);
    await withVolumePod(cluster, spec, { notice: text => run.notice(text), signal }, async pod => {
      let told = Date.now();
      const onSent = (bytes: number) => {
        if (Date.now() - told < 1000) return;
        told = Date.now();
        run.notice(`Sending ${what} to the cluster: ${Math.round((100 * bytes) / Math.max(1, total))} %.`);
      };
      // files that lie above the notebook's folder are above it there as well
      const base = scan.folder === '' ? workspaceFolder : `${volumeFolder}/files`;
      await pod.send(scan, base, onSent);
      if (scan.folder !== '') await pod.link(`${base}/${scan.folder}`, workspaceFolder);
    });
  }

  /** Let go of what an ended run does not need any more: its pods and its volume, where they are not kept. */
  private async clear(cluster: Cluster, run: RemoteRun, name: string, state: string): Promise<void> {
    const { keep = 'failed' } = run.place as ClusterSettings;
    if (keep === 'always' || (keep === 'failed' && state !== 'succeeded')) return;
    const { core, namespace } = cluster;
    const labelSelector = `workflows.argoproj.io/workflow=${name}`;
    // a claim that a pod names stays, even where the pod has ended
    try {
      const { items } = await ask({ verb: 'list', resource: 'pods', namespace }, () =>
        core.listNamespacedPod({ namespace, labelSelector })
      );
      for (const { metadata } of items)
        await remove({ verb: 'delete', resource: 'pods', name: metadata!.name!, namespace }, () =>
          core.deleteNamespacedPod({ namespace, name: metadata!.name! })
        );
      await removeClaim(cluster, name);
    } catch (error) {
      run.notice(`The run’s volume could not be removed: ${toPipelineError(error).message}`); // the run is what it was
    }
  }

  /** What a start that failed has left. */
  private async removeAll(cluster: Cluster, run: string, name: string): Promise<void> {
    const { core, custom, namespace } = cluster;
    const attempt = (work: () => Promise<unknown>) => work().catch(() => undefined); // labels tell what is left
    await attempt(() =>
      remove({ verb: 'delete', resource, name, namespace }, () =>
        custom.deleteNamespacedCustomObject({ ...api, namespace, name })
      )
    );
    const labelSelector = toSelector({ run });
    const { items } = await core.listNamespacedPod({ namespace, labelSelector }).catch(() => ({ items: [] }));
    for (const { metadata } of items)
      await attempt(() => core.deleteNamespacedPod({ name: metadata!.name!, namespace, gracePeriodSeconds: 0 }));
    await attempt(() => removeClaim(cluster, name));
  }
}

/** @throws PipelineError `unauthorized` with all that is missing, and not only with what comes first */
async function checkRights(cluster: Cluster): Promise<void> {
  const lacks = (await findLacks(cluster, rightsFor(userRights, ['argo']))).filter(lack => !lack.isOptional);
  if (lacks.length === 0) return;
  const sentences = lacks.map(lack => describeLack(lack, cluster.namespace)).join(' ');
  throw new PipelineError(`${sentences} \`sluice cluster rbac\` prints the Role that grants it.`, 'unauthorized');
}

/** What a run that takes another one's values gets as its volume: that run's as it was before the first step to execute, or as it is now. */
async function findSource(cluster: Cluster, { past, plan, choice }: RemoteStart): Promise<ClaimSpec['from']> {
  const claim = past?.remote?.id;
  if (past === undefined || claim === undefined) return undefined;
  const [first, ...others] = plan.tasks.filter(({ name }) => choice.execute.has(name));
  // beside others that do not wait for it, the first step may have begun before they could
  const isFirst = first !== undefined && others.every(({ name }) => ancestors(plan.tasks, name).has(first.name));
  const find = (step?: string) => findRunSnapshot(cluster, past.id, step).catch(() => undefined);
  const before = isFirst ? await find(first.name) : undefined;
  if (before !== undefined) return { kind: 'snapshot', name: before.name };
  if ((await maybeReadClaim(cluster, claim)) !== undefined) return { kind: 'claim', name: claim };
  const last = await find();
  if (last !== undefined) return { kind: 'snapshot', name: last.name };
  throw new PipelineError(
    `The volume of run ${past.number} is gone, and its values with it. Run the whole pipeline; to keep volumes, set SLUICE_KEEP_VOLUME=always.`,
    'no-values'
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

function belongingOf({ id, notebook }: Pick<RemoteRun, 'id' | 'notebook'>): Belonging {
  return { run: id, ...(notebook === undefined ? {} : { notebook }) };
}

function toWorkflow(run: RemoteStart, namespace: string, name: string): Workflow {
  const { serviceAccount, accessMode } = run.place as ClusterSettings;
  const { snapshots } = run.plan.workspace;
  const { labels, annotations } = toMetadata(belongingOf(run));
  const token = randomBytes(9).toString('base64url');
  const workflow = compileWorkflow(readIr(run.request.ir), {
    ...{ name, namespace, labels, claim: name, parameters: run.parameters },
    annotations: { ...annotations, [markAnnotation]: token },
    steps: [...run.choice.execute],
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    ...(accessMode === undefined ? {} : { accessMode }),
    ...(snapshots === undefined ? {} : { snapshots: snapshots.policy }),
    ...(snapshots?.class === undefined ? {} : { snapshotClass: snapshots.class })
  });
  const events = { name: 'SLUICE_EVENTS', value: `log:${token}` };
  const templates = workflow.spec.templates.map(template =>
    template.container === undefined
      ? template
      : { ...template, container: { ...template.container, env: [...(template.container.env ?? []), events] } }
  );
  const ttlStrategy = { secondsAfterCompletion: keptSeconds };
  return { ...workflow, spec: { ...workflow.spec, templates, ...{ ttlStrategy } } };
}

/** A pod that can be where the first step's can, and has its image. */
function toPodSpec(run: RemoteStart, workflow: Workflow, name: string, claim: string): VolumePodSpec {
  const first = run.plan.tasks.find(task => run.choice.execute.has(task.name)) as PlanTask;
  const template = workflow.spec.templates.find(({ container }) => container?.image === first.image);
  const { serviceAccount } = run.place as ClusterSettings;
  const { nodeSelector, tolerations, podSpecPatch } = template ?? {};
  const { imagePullPolicy, securityContext } = template?.container ?? {};
  return {
    ...{ name, claim, mountPath: volumeFolder, image: first.image, belonging: belongingOf(run) },
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    pod: {
      ...(nodeSelector && { nodeSelector }),
      ...(tolerations && { tolerations }),
      ...(podSpecPatch === undefined ? {} : (JSON.parse(podSpecPatch) as object))
    },
    container: { ...(imagePullPolicy && { imagePullPolicy }), ...(securityContext && { securityContext }) }
  };
}

async function listWorkflows({ custom, namespace, server }: Cluster, labelSelector: string): Promise<ArgoWorkflow[]> {
  const list = (await ask({ verb: 'list', resource, namespace, server }, () =>
    custom.listNamespacedCustomObject({ ...api, namespace, labelSelector, limit: 10 })
  )) as { items: ArgoWorkflow[] };
  return list.items;
}
