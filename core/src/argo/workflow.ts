// Where only Argo Workflows is installed, the IR becomes one Workflow: a DAG of the IR's tasks, each a pod that runs the IR's own command on
// the run's volume. Nothing is read but the IR, so that Argo runs what Kubeflow and this machine run.
import { freeName, managedBy, toLabelValue, toObjectName } from '../cluster/names.js';
import { ancestors } from '../graph.js';
import { makeExecutorInput } from '../ir/executor-input.js';
import type { KubernetesExecutorConfigJson as ExecutorConfig } from '../ir/gen/kubernetes_executor_config_pb.js';
import type {
  PipelineDeploymentConfigJson,
  PipelineDeploymentConfig_PipelineContainerSpec_ResourceSpecJson as ResourceSpec
} from '../ir/gen/pipeline_spec_pb.js';
import { executorInput, type Ir } from '../ir/ir.js';
import { planIr, type Plan, type PlanTask } from '../ir/plan.js';
import { writeVariables } from '../ir/variables.js';
import type { JsonValue } from '../pipeline.js';
import { clusterPlaces, runMounts } from './layout.js';
import { compact, type Container, type DagTask, type Template, type Volume, type Workflow } from './manifest.js';
import { toTemplateNames } from './names.js';
import { toPlaceholder, toText } from './parameters.js';
import { mountedClaims, toPodParts, toResources } from './pod.js';
import type { SnapshotPolicy } from '../volumeSnapshots.js';
import type { WorkspaceVolume } from '../workspace.js';
import {
  afterTask,
  beforeTask,
  snapshotTemplate,
  startTask,
  type CloneSpec,
  type KeptVolume,
  type SnapshotOptions
} from './snapshots.js';

export type AccessMode = 'ReadWriteOnce' | 'ReadWriteOncePod' | 'ReadWriteMany';

export interface WorkflowOptions {
  /** the workflow's name; by default Argo makes one that begins with the pipeline's */
  readonly name?: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  /** labels and annotations of the workflow, its pods and its snapshots, besides our own */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** values of this run, by parameter; others have the pipeline's defaults */
  readonly parameters?: Readonly<Record<string, JsonValue>>;
  /** a claim that is there already; by default the workflow makes one of its own, empty, which goes when it succeeds */
  readonly claim?: string;
  /** of the claim that the workflow makes; `10Gi` by default */
  readonly size?: string;
  /** of the claim that the workflow makes; the cluster's default by default */
  readonly storageClass?: string;
  /** how many nodes or pods may have the volume; `ReadWriteOnce` by default */
  readonly accessMode?: AccessMode;
  readonly snapshots?: SnapshotPolicy;
  readonly snapshotClass?: string;
  /** where the driver has no snapshots */
  readonly clone?: CloneSpec;
  /** other volumes of which snapshots are taken; before and after those steps that mount them */
  readonly kept?: readonly SnapshotOptions[];
  /** where the claim's volume is a copy of the one that holds the notebook's folder: how steps see it */
  readonly workspace?: Pick<WorkspaceVolume, 'path' | 'subPath' | 'folder'>;
  /** pods that run at once */
  readonly parallelism?: number;
  /** the steps to run, by name; what others made is taken from the volume. All by default */
  readonly steps?: readonly string[];
}

/** The one volume of a run, in the workflow's words. */
export const volumeName = 'sluice';

/** The parameter that carries the runtime, which is then in the workflow once and not in each step's template. */
export const runtimeParameter = 'sluice-runtime';

/** @throws IrError where the IR has something that only Kubeflow runs */
export function compileWorkflow(ir: Ir, options: WorkflowOptions = {}): Workflow {
  const plan = planIr(ir);
  const context = makeContext(ir, plan, options);
  const { tasks, labels, annotations } = context;
  const claim = toClaim(options);
  const inDag = tasks.filter(task => !task.atEnd);
  const atEnd = tasks.find(task => task.atEnd);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: compact({
      ...(options.name === undefined
        ? { generateName: `${ir.pipeline.pipelineInfo?.name ?? 'pipeline'}-` }
        : { name: options.name }),
      namespace: options.namespace,
      labels,
      annotations
    }),
    spec: compact({
      entrypoint: context.entrypoint,
      onExit: atEnd && context.names.get(atEnd.task),
      serviceAccountName: options.serviceAccount,
      // a volume that one pod may have at a time
      parallelism: options.accessMode === 'ReadWriteOncePod' ? 1 : options.parallelism,
      arguments: { parameters: toArguments(plan, context) },
      podMetadata: { labels },
      volumes: claim.volume === undefined ? [] : [claim.volume],
      volumeClaimTemplates: claim.template === undefined ? [] : [claim.template],
      templates: [
        { name: context.entrypoint, dag: toDag(inDag, context) },
        ...tasks.map(task => toTemplate(task, context)),
        ...context.kept.map(volume => snapshotTemplate(volume, labels))
      ]
    })
  };
}

interface Context {
  readonly ir: Ir;
  readonly plan: Plan;
  readonly options: WorkflowOptions;
  /** those that this workflow runs */
  readonly tasks: readonly PlanTask[];
  /** of templates and DAG tasks, by the IR's task */
  readonly names: ReadonlyMap<string, string>;
  readonly entrypoint: string;
  /** the run's own volume first */
  readonly kept: readonly KeptVolume[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtime: string | undefined;
}

function makeContext(ir: Ir, plan: Plan, options: WorkflowOptions): Context {
  const tasks = plan.tasks.filter(({ name }) => options.steps === undefined || options.steps.includes(name));
  const names = toTemplateNames(tasks.map(({ task }) => task));
  const taken = new Set(names.values());
  return {
    ir,
    plan,
    options,
    tasks,
    names,
    entrypoint: freeName('pipeline', taken),
    kept: findKept(options, taken),
    labels: { ...managedBy, ...options.labels },
    annotations: {
      'sluice.dev/pipeline': plan.name,
      ...(plan.notebook === undefined ? {} : { 'sluice.dev/notebook': plan.notebook }),
      ...options.annotations
    },
    runtime: findRuntime(tasks)
  };
}

function findKept(options: WorkflowOptions, taken: ReadonlySet<string>): readonly KeptVolume[] {
  const { snapshots: policy = 'off', snapshotClass, clone, kept = [] } = options;
  const claim = options.claim ?? `{{workflow.name}}-${volumeName}`;
  const own = { claim, policy, ...(snapshotClass && { class: snapshotClass }), ...(clone && { clone }) };
  const all = [own, ...kept];
  return all.flatMap((volume, i) =>
    volume.policy === 'off'
      ? []
      : [
          {
            ...volume,
            template: freeName(i === 0 ? 'snapshot' : `snapshot-${i + 1}`, taken),
            suffix: i === 0 ? '' : `-${toObjectName(volume.claim)}`
          }
        ]
  );
}

function findRuntime(tasks: readonly PlanTask[]): string | undefined {
  return tasks
    .map(({ args }) => args[args.indexOf('--runtime') + 1])
    .find((_, i) => tasks[i]!.args.includes('--runtime'));
}

function toArguments({ parameters }: Plan, { options, runtime }: Context): Workflow['spec']['arguments']['parameters'] {
  const given = options.parameters ?? {};
  return [
    ...parameters.map(({ name, default: initial }) => {
      const value = Object.hasOwn(given, name) ? given[name] : initial;
      return { name, ...(value === undefined ? {} : { value: toText(value) }) };
    }),
    ...(runtime === undefined ? [] : [{ name: runtimeParameter, value: runtime }])
  ];
}

function toClaim(options: WorkflowOptions): { readonly volume?: Volume; readonly template?: object } {
  const { claim, size = '10Gi', storageClass, accessMode = 'ReadWriteOnce' } = options;
  if (claim !== undefined) return { volume: { name: volumeName, persistentVolumeClaim: { claimName: claim } } };
  const spec = {
    accessModes: [accessMode],
    storageClassName: storageClass,
    resources: { requests: { storage: size } }
  };
  return { template: { metadata: { name: volumeName, labels: managedBy }, spec: compact(spec) } };
}

// A DAG succeeds when its last tasks do. A snapshot after a step that failed is one: the steps before it have to count as well.
function toDag(steps: readonly PlanTask[], context: Context): NonNullable<Template['dag']> {
  const tasks = toDagTasks(steps, context);
  const isKept = context.kept.some(({ policy }) => policy === 'each-step');
  return { failFast: false, ...(isKept ? { target: tasks.map(({ name }) => name).join(' ') } : {}), tasks };
}

// A step waits for its snapshot before, which waits for the snapshots after those that the step needs.
function toDagTasks(tasks: readonly PlanTask[], context: Context): readonly DagTask[] {
  const starts = context.kept.filter(({ policy }) => policy === 'start').map(startTask);
  const around = tasks.map(task => {
    const name = context.names.get(task.task)!;
    const step = { task: name, name: task.name, label: toLabelValue(task.name) };
    return { task, name, step, after: keptAround(task, context).map(volume => afterTask(volume, step)) };
  });
  const steps = around.flatMap(({ task, name, step, after }): readonly DagTask[] => {
    const needed = withoutImplied(task, tasks).map(other => around.find(({ task }) => task.name === other)!);
    const waits = needed.flatMap(other => [other.name, ...other.after.map(({ name }) => name)]);
    const depends = allOf(waits.length === 0 ? starts.map(({ name }) => name) : waits);
    const before = keptAround(task, context).map(volume => beforeTask(volume, step, depends));
    const last = before.length === 0 ? depends : allOf(before.map(({ name }) => name));
    return [...before, { name, template: name, ...(last === '' ? {} : { depends: last }) }, ...after];
  });
  return [...starts, ...steps];
}

const allOf = (names: readonly string[]): string => names.join(' && ');

/** The run's own volume is every step's. */
function keptAround(task: PlanTask, { ir, kept }: Context): readonly KeptVolume[] {
  const mounted = mountedClaims(executorConfig(ir, task));
  return kept.filter(({ policy, suffix, claim }) => policy === 'each-step' && (suffix === '' || mounted.has(claim)));
}

// `c` after `a` and `b`, where `b` is after `a`: to wait for `b` is enough, and a DAG is easier to look at. Steps that do not run are no reason.
function withoutImplied(task: PlanTask, tasks: readonly PlanTask[]): readonly string[] {
  const after = task.after.filter(name => tasks.some(other => other.name === name));
  return after.filter(name => !after.some(other => other !== name && ancestors(tasks, other).has(name)));
}

function toTemplate(task: PlanTask, context: Context): Template {
  const { ir, options, names } = context;
  const { volume } = toClaim(options);
  const pod = toPodParts(besides(options.workspace, executorConfig(ir, task)), volume === undefined ? [] : [volume]);
  const { labels = {}, annotations = {} } = pod.template.metadata ?? {};
  const { mounts, folder } = runMounts(volumeName, options.workspace);
  const container: Container = {
    image: task.image,
    ...pod.container,
    command: task.command,
    args: toArgs(task, context),
    workingDir: folder,
    env: [...writeVariables(task.env), ...(pod.container.env ?? [])],
    resources: toResources(resourcesOf(ir, task)),
    volumeMounts: [...mounts, ...(pod.container.volumeMounts ?? [])]
  };
  return compact({
    name: names.get(task.task)!,
    ...pod.template,
    metadata: {
      labels: { ...labels, 'sluice.dev/step': toLabelValue(task.name) },
      annotations: { ...annotations, 'sluice.dev/step': task.name }
    },
    retryStrategy: toRetryStrategy(task),
    affinity: withOneNode(pod.template.affinity, options),
    container: compact(container)
  });
}

/** What is mounted where the workspace is, the run's own copy of it takes the place of. */
function besides(workspace: WorkflowOptions['workspace'], config: ExecutorConfig): ExecutorConfig {
  const { pvcMount } = config;
  return workspace === undefined || pvcMount === undefined
    ? config
    : { ...config, pvcMount: pvcMount.filter(({ mountPath }) => mountPath !== workspace.path) };
}

function toArgs(task: PlanTask, { plan, runtime }: Context): readonly string[] {
  const byName = new Map(plan.parameters.map(parameter => [parameter.name, parameter]));
  const input = makeExecutorInput(task, clusterPlaces(plan), name => toPlaceholder(byName.get(name)!));
  return task.args.map((arg, i) =>
    runtime !== undefined && task.args[i - 1] === '--runtime' && arg === runtime
      ? `{{workflow.parameters.${runtimeParameter}}}`
      : arg.replaceAll(executorInput, () => input)
  );
}

// Argo has whole factors, and no longest wait: the factor is made smaller where the last wait would be too long.
function toRetryStrategy({ retries, backoff }: PlanTask): object | undefined {
  if (retries === 0) return undefined;
  const strategy = { limit: String(retries), retryPolicy: 'Always' };
  if (backoff === undefined || backoff.delaySeconds === 0) return strategy;
  const { delaySeconds, longestSeconds } = backoff;
  let factor = Math.round(backoff.factor);
  while (factor > 1 && delaySeconds * factor ** (retries - 1) > longestSeconds) factor--;
  return { ...strategy, backoff: { duration: `${Math.min(delaySeconds, longestSeconds)}s`, factor: String(factor) } };
}

// A ReadWriteOnce volume is on one node: pods of the run that run at once have to be there, too.
function withOneNode(
  affinity: object | undefined,
  { accessMode = 'ReadWriteOnce' }: WorkflowOptions
): object | undefined {
  if (accessMode !== 'ReadWriteOnce') return affinity;
  const key = 'requiredDuringSchedulingIgnoredDuringExecution';
  const given = affinity as { readonly podAffinity?: Readonly<Record<string, readonly object[]>> };
  const together = {
    labelSelector: { matchLabels: { 'workflows.argoproj.io/workflow': '{{workflow.name}}' } },
    topologyKey: 'kubernetes.io/hostname'
  };
  return {
    ...given,
    podAffinity: { ...given?.podAffinity, [key]: [...(given?.podAffinity?.[key] ?? []), together] }
  };
}

/** The claims that steps mount, by name, with those steps. A claim that a parameter names is known only to the run. */
export function claimsOf(
  ir: Ir,
  { tasks }: Plan,
  which: Parameters<typeof mountedClaims>[1] = {}
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const task of tasks)
    for (const claim of mountedClaims(executorConfig(ir, task), which))
      if (claim !== undefined && !claim.includes('{{')) found.set(claim, [...(found.get(claim) ?? []), task.name]);
  return found;
}

/** Those of the steps that may run while another one of them does. */
export function parallelSteps({ tasks }: Plan, steps: readonly string[]): readonly string[] {
  const before = new Map(steps.map(step => [step, ancestors(tasks, step)]));
  const mayMeet = (one: string, other: string): boolean =>
    one !== other && !before.get(one)!.has(other) && !before.get(other)!.has(one);
  return steps.filter(step => steps.some(other => mayMeet(step, other)));
}

function executorConfig({ platform }: Ir, { executor }: PlanTask): ExecutorConfig {
  const executors = platform?.platforms?.kubernetes?.deploymentSpec?.executors;
  return (executors?.[executor] ?? {}) as ExecutorConfig;
}

function resourcesOf({ pipeline }: Ir, { executor }: PlanTask): ResourceSpec | undefined {
  const { executors } = (pipeline.deploymentSpec ?? {}) as unknown as PipelineDeploymentConfigJson;
  return executors?.[executor]?.container?.resources;
}
