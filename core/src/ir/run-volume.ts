// On Kubeflow a run's steps have no volume in common but one that is made for the run: a copy of the one that the notebook's folder is on, or one
// that the folder was sent to. Which claim that is, is known only when the run begins: the IR is changed then, and says nothing of it before.
import { environmentsFolder, runFolder, volumeFolder, workspaceFolder } from '../cluster/folders.js';
import type { WorkspaceVolume } from '../workspace.js';
import { readStepArgument } from './argument.js';
import type { KubernetesExecutorConfigJson as ExecutorConfig } from './gen/kubernetes_executor_config_pb.js';
import type {
  PipelineDeploymentConfig_ExecutorSpecJson as ExecutorSpec,
  PipelineTaskSpecJson as TaskSpec
} from './gen/pipeline_spec_pb.js';
import type { Ir } from './ir.js';
import {
  claimOfSnapshot,
  isSnapshot,
  snapshotParts,
  stepOfSnapshot,
  withSnapshotAfterFailure,
  withSnapshots,
  type SnapshotProgram
} from './snapshots.js';

export interface RunVolume {
  readonly claim: string;
  /** where steps mount it, and which part of it */
  readonly path: string;
  readonly subPath?: string;
  /** the notebook's folder, as steps see it */
  readonly folder: string;
  /** where packages are installed that steps bring */
  readonly environments: string;
  /** the claim that it is a copy of */
  readonly copyOf?: string;
  /** when the pipeline's own tasks take snapshots of it */
  readonly kept: 'start' | 'each-step' | undefined;
}

/** One that is a copy of the notebook's, where steps see it as the notebook does; or, without, one that the notebook's folder was sent to. */
export function toRunVolume(claim: string, kept: RunVolume['kept'], workspace?: WorkspaceVolume): RunVolume {
  if (workspace === undefined)
    return { claim, path: volumeFolder, folder: workspaceFolder, environments: environmentsFolder, kept };
  const { claim: copyOf, path, subPath, folder } = workspace;
  return {
    ...{ claim, path, copyOf, kept },
    ...(subPath ? { subPath } : {}),
    folder: folder === '' ? path : `${path}/${folder}`,
    environments: `${path}/${runFolder}/environments`
  };
}

/** KFP starts a step in its image's folder. The text after `python3 -c`; the notebook's folder and the step's command are its arguments. */
const goThere = `import os, sys
folder = sys.argv[1]
if not os.path.isdir(folder):
    sys.exit("The notebook’s folder ‘%s’ is not on the run’s volume. If it is on a part of a volume (subPath), Kubeflow Pipelines before 2.16 can’t mount that." % folder)
os.chdir(folder)
try:
    os.makedirs(os.environ["SLUICE_ENVIRONMENTS"], exist_ok=True)
except OSError: # who may not write there installs packages in the pod
    del os.environ["SLUICE_ENVIRONMENTS"]
os.execv(sys.executable, [sys.executable] + sys.argv[3:])
`;

/** The steps of the IR on the run's volume, in the notebook's folder. None of them is cached: what one writes there, a cached one would not. */
export function withRunVolume(ir: Ir, volume: RunVolume, program: SnapshotProgram): Ir {
  const { pipeline } = ir;
  const executors = executorsOf(ir);
  const isStep = (executor: string | undefined): boolean =>
    executor !== undefined && readStepArgument(executors[executor]?.container?.args ?? []) !== undefined;
  const isStepTask = ({ componentRef }: TaskSpec): boolean =>
    isStep(pipeline.components?.[componentRef?.name ?? '']?.executorLabel);
  const tasksByExecutor = new Map<string, readonly [string, TaskSpec]>();
  const change = (given: Readonly<Record<string, TaskSpec>>): Record<string, TaskSpec> => {
    const mounts = new Map<string, readonly string[]>();
    const tasks = withoutStart(given, volume.copyOf);
    const changed = Object.entries(tasks).map(([key, task]) => {
      if (!isStepTask(task)) return [key, task] as const;
      // what runs at the end is awaited by nobody, and has no snapshots
      if (task.triggerPolicy === undefined) mounts.set(key, [volume.claim]);
      tasksByExecutor.set(pipeline.components![task.componentRef!.name!]!.executorLabel!, [key, task]);
      return [key, { ...task, cachingOptions: {} }] as const;
    });
    const kept = volume.kept === undefined || mounts.size === 0 ? [] : [{ claim: volume.claim, policy: volume.kept }];
    return withSnapshots(Object.fromEntries(changed), { kept, mounts, snapshots: undefined });
  };
  const root = { ...pipeline.root, dag: { ...pipeline.root?.dag, tasks: change(pipeline.root?.dag?.tasks ?? {}) } };
  const components = Object.fromEntries(
    Object.entries(pipeline.components ?? {}).map(([name, component]) => [
      name,
      component.dag === undefined
        ? component
        : { ...component, dag: { ...component.dag, tasks: change(component.dag.tasks ?? {}) } }
    ])
  );
  const steps = [...tasksByExecutor].map(([label, [key, task]]) => {
    const { container, ...rest } = executors[label]!;
    const command = toCommand(container!.command ?? [], volume, program, key, task);
    const env = [...(container!.env ?? []), { name: 'SLUICE_ENVIRONMENTS', value: volume.environments }];
    return [label, { ...rest, container: { ...container, command, env } }] as const;
  });
  const parts = volume.kept === undefined ? undefined : snapshotParts(program);
  const all = { ...executors, ...Object.fromEntries(steps), ...parts?.executors };
  return {
    ...ir,
    pipeline: {
      ...pipeline,
      root,
      components: { ...components, ...parts?.components },
      deploymentSpec: { ...pipeline.deploymentSpec, executors: all as never }
    },
    platform: toPlatform(
      ir,
      steps.map(([label]) => label),
      volume
    )
  };
}

/** `labels` are the executors of steps. */
function toPlatform({ platform }: Ir, labels: readonly string[], volume: RunVolume): NonNullable<Ir['platform']> {
  const kubernetes = platform?.platforms?.kubernetes;
  const configs = (kubernetes?.deploymentSpec?.executors ?? {}) as Readonly<Record<string, ExecutorConfig>>;
  const mounted = Object.fromEntries(labels.map(label => [label, withMount(configs[label] ?? {}, volume)]));
  const deploymentSpec = { ...kubernetes?.deploymentSpec, executors: { ...configs, ...mounted } as never };
  return { ...platform, platforms: { ...platform?.platforms, kubernetes: { ...kubernetes, deploymentSpec } } };
}

/** Whoever makes the copy has taken the snapshot at the start. */
function withoutStart(
  tasks: Readonly<Record<string, TaskSpec>>,
  claim: string | undefined
): Readonly<Record<string, TaskSpec>> {
  const isStart = (task: TaskSpec | undefined): boolean =>
    task !== undefined && isSnapshot(task) && claimOfSnapshot(task) === claim && stepOfSnapshot(task) === '';
  const kept = Object.entries(tasks).filter(([, task]) => !isStart(task));
  return Object.fromEntries(
    kept.map(([key, { dependentTasks, ...task }]) => {
      const others = dependentTasks?.filter(other => !isStart(tasks[other])) ?? [];
      return [key, { ...task, ...(others.length === 0 ? {} : { dependentTasks: others }) }];
    })
  );
}

function executorsOf({ pipeline }: Ir): Readonly<Record<string, ExecutorSpec>> {
  return (pipeline.deploymentSpec as { executors?: Record<string, ExecutorSpec> } | undefined)?.executors ?? {};
}

function toCommand(
  command: readonly string[],
  { claim, folder, kept: policy }: RunVolume,
  program: SnapshotProgram,
  task: string,
  { taskInfo }: TaskSpec
): string[] {
  const there = ['python3', '-c', goThere, folder, ...command];
  const kept = policy === 'each-step' ? [claim] : [];
  return withSnapshotAfterFailure(there, program, { step: taskInfo?.name ?? task, task, kept, snapshots: undefined });
}

/** What a step mounts where the workspace is, the run's own copy of it takes the place of. */
function withMount(config: ExecutorConfig, { claim, path, subPath }: RunVolume): ExecutorConfig {
  const own = {
    ...{ constant: claim, mountPath: path, pvcNameParameter: { runtimeValue: { constant: claim } } },
    ...(subPath ? { subPath } : {})
  };
  return { ...config, pvcMount: [...(config.pvcMount ?? []).filter(({ mountPath }) => mountPath !== path), own] };
}
