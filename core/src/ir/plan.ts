// A plan is what a runner on this machine needs of an IR: which program to start after which, and where its inputs come from.
import { findCycles, topologicalOrder } from '../graph.js';
import type { JsonValue, ParameterType } from '../pipeline.js';
import { readStepArgument, type StepArgument } from './argument.js';
import { kfpTypes } from './compile.js';
import type {
  ComponentSpecJson,
  PipelineDeploymentConfigJson,
  PipelineDeploymentConfig_PipelineContainerSpecJson as ContainerSpec,
  PipelineTaskSpecJson,
  PlatformDeploymentConfigJson
} from './gen/pipeline_spec_pb.js';
import { flattenTasks, type FlatTask } from './flatten.js';
import { IrError, shownArtifacts, type Ir } from './ir.js';
import { readMemoryLimit, readRequests } from './resources.js';
import { readBackoff } from './retries.js';
import { withoutSnapshotAfterFailure } from './snapshots.js';
import { readVariables } from './variables.js';
import type { Backoff } from '../step.js';
import type { WorkspaceSpec } from '../workspace.js';

export interface PlanParameter {
  readonly name: string;
  readonly type: ParameterType;
  /** null where the parameter may be None; undefined where a run must give a value */
  readonly default?: JsonValue;
}

export interface PlanTask {
  /** the step's name, as in the notebook */
  readonly name: string;
  /** its key in the IR */
  readonly task: string;
  /** the key of its settings in both documents of the IR */
  readonly executor: string;
  /** names of steps that must have ended before */
  readonly after: readonly string[];
  readonly image: string;
  readonly command: readonly string[];
  /** `{{$}}` in them stands for ExecutorInput */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly parameters: readonly {
    readonly name: string;
    readonly source:
      { readonly kind: 'parameter'; readonly name: string } | { readonly kind: 'value'; readonly value: JsonValue };
  }[];
  readonly artifacts: readonly {
    readonly name: string;
    /** the step that makes it */
    readonly from: string;
    /** its key among that step's outputs */
    readonly artifact: string;
    readonly schemaTitle: string;
  }[];
  readonly outputs: readonly { readonly name: string; readonly schemaTitle: string }[];
  readonly retries: number;
  /** undefined where it is not tried again */
  readonly backoff?: Backoff;
  /** cores that it asks for; undefined where it asks for none */
  readonly cpus?: number;
  /** what it asks for; undefined where it asks for none */
  readonly memoryBytes?: number;
  /** undefined where the step may take what there is */
  readonly memoryLimitBytes?: number;
  readonly timeoutSeconds?: number;
  readonly cache: boolean;
  /** true where it runs when all others have ended, however they did */
  readonly atEnd?: boolean;
}

export interface Plan {
  readonly name: string;
  /** the kernelspec's name, and the notebook's path, where the IR is compiled from a notebook */
  readonly kernel?: string;
  readonly notebook?: string;
  readonly workspace: WorkspaceSpec;
  readonly parameters: readonly PlanParameter[];
  /** none before one that it comes after */
  readonly tasks: readonly PlanTask[];
}

/** @throws IrError where the IR has something that cannot be run on this machine; it names the task */
export function planIr(ir: Ir): Plan {
  const { pipeline } = ir;
  const flat = flattenTasks(ir);
  const names = new Map(flat.map(({ task, spec }) => [task, spec.taskInfo?.name || task]));
  const tasks = inNotebookOrder(flat.map(task => toPlanTask(task, ir, names)));
  refuseAmbiguous(tasks);
  const order = topologicalOrder(tasks);
  const isLast = (name: string): boolean => tasks.some(task => task.name === name && task.atEnd === true);
  const steps = tasks.map(task => readStepArgument(task.args));
  const find = <K extends 'kernel' | 'notebook' | 'pipeline' | 'workspace'>(key: K): StepArgument[K] | undefined =>
    steps.find(step => step?.[key] !== undefined)?.[key];
  const [kernel, notebook] = [find('kernel'), find('notebook')];
  return {
    name: find('pipeline') ?? pipeline.pipelineInfo?.name ?? 'pipeline',
    ...(kernel === undefined ? {} : { kernel }),
    ...(notebook === undefined ? {} : { notebook }),
    workspace: find('workspace') ?? {},
    parameters: toPlanParameters(pipeline.root?.inputDefinitions),
    tasks: [...order.filter(name => !isLast(name)), ...order.filter(isLast)].map(name =>
      tasks.find(task => task.name === name)!
    )
  };
}

function refuseAmbiguous(tasks: readonly PlanTask[]): void {
  const twice = tasks.find((task, i) => tasks.findIndex(other => other.name === task.name) < i);
  if (twice !== undefined)
    throw new IrError(`The IR has two tasks called ‘${twice.name}’.`, `root.dag.tasks.${twice.task}`);
  const [cycle] = findCycles(tasks);
  if (cycle === undefined) return;
  const names = [...cycle, cycle[0]!].map(name => `‘${name}’`).join(' → ');
  throw new IrError(`The tasks of the IR depend on one another in a circle: ${names}.`, 'root.dag.tasks');
}

// Whoever stored the IR may have put its tasks in another order.
function inNotebookOrder(tasks: readonly PlanTask[]): readonly PlanTask[] {
  const firstCell = (task: PlanTask): number => readStepArgument(task.args)?.cells?.[0]?.index ?? 0;
  return [...tasks].sort((a, b) => Number(a.atEnd ?? 0) - Number(b.atEnd ?? 0) || firstCell(a) - firstCell(b));
}

const typesByKfp = new Map(Object.entries(kfpTypes).map(([type, kfp]) => [kfp as string, type as ParameterType]));

function toPlanParameters(definitions: ComponentSpecJson['inputDefinitions']): readonly PlanParameter[] {
  return Object.entries(definitions?.parameters ?? {}).map(([name, spec]) => {
    const type = typesByKfp.get(spec.parameterType ?? '');
    const path = `root.inputDefinitions.parameters.${name}`;
    if (type === undefined) throw new IrError(`The parameter ‘${name}’ has no type that Sluice knows.`, path);
    const value = (spec.defaultValue as JsonValue | undefined) ?? (spec.isOptional ? null : undefined);
    return { name, type, ...(value === undefined ? {} : { default: value }) };
  });
}

function toPlanTask({ task, spec, path, atEnd }: FlatTask, ir: Ir, names: ReadonlyMap<string, string>): PlanTask {
  const name = names.get(task)!;
  refuseUnknownKinds(name, spec, path);
  const component = ir.pipeline.components?.[spec.componentRef?.name ?? ''];
  if (component === undefined)
    throw new IrError(`Task ‘${name}’ refers to a component that the IR does not have.`, path);
  const container = findContainer(name, component, ir, path);
  const artifacts = toArtifacts(name, spec, component, names, path);
  // it waits for all others, which nobody needs to be told
  const after = new Set((atEnd ? [] : (spec.dependentTasks ?? [])).map(other => nameOf(other, names, name, path)));
  artifacts.forEach(artifact => after.add(artifact.from));
  const memoryLimitBytes = readMemoryLimit(container.resources);
  const timeoutSeconds = findTimeout(component.executorLabel ?? '', ir);
  return {
    name,
    task,
    executor: component.executorLabel ?? '',
    after: [...names.values()].filter(other => after.has(other)),
    image: container.image ?? '',
    command: withoutSnapshotAfterFailure(container.command ?? []),
    args: container.args ?? [],
    env: readVariables(container.env ?? []),
    parameters: toParameters(name, spec, component, path),
    artifacts,
    outputs: Object.entries(component.outputDefinitions?.artifacts ?? {})
      .filter(([key]) => !Object.hasOwn(shownArtifacts, key))
      .map(([key, { artifactType }]) => ({
        name: key,
        schemaTitle: artifactType?.schemaTitle ?? 'system.Artifact'
      })),
    retries: spec.retryPolicy?.maxRetryCount ?? 0,
    ...(spec.retryPolicy?.maxRetryCount ? { backoff: readBackoff(spec.retryPolicy) } : {}),
    ...readRequests(container.resources),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    cache: spec.cachingOptions?.enableCache ?? false,
    ...(atEnd ? { atEnd } : {})
  };
}

// Loops and conditions; Sluice compiles none of them.
function refuseUnknownKinds(name: string, spec: PipelineTaskSpecJson, path: string): void {
  const { parameterIterator, artifactIterator, triggerPolicy } = spec;
  const what =
    parameterIterator || artifactIterator
      ? 'is a loop'
      : triggerPolicy?.condition
        ? 'runs under a condition'
        : undefined;
  if (what !== undefined)
    throw new IrError(`Task ‘${name}’ ${what}, which cannot be run on this machine. Run the IR on Kubeflow.`, path);
}

function findContainer(name: string, component: ComponentSpecJson, ir: Ir, path: string): ContainerSpec {
  if (component.dag !== undefined)
    throw new IrError(
      `Task ‘${name}’ is a pipeline of its own, which cannot be run on this machine. Run the IR on Kubeflow.`,
      path
    );
  const label = component.executorLabel ?? '';
  const { executors } = (ir.pipeline.deploymentSpec ?? {}) as unknown as PipelineDeploymentConfigJson;
  const executor = executors?.[label];
  if (executor?.container !== undefined) return executor.container;
  const kind = executor === undefined ? 'missing' : (Object.keys(executor)[0] ?? 'empty');
  const why = kind === 'missing' || kind === 'empty' ? `is ${kind}` : `is of the kind ‘${kind}’, not a container`;
  throw new IrError(
    `Task ‘${name}’ cannot be run on this machine: its executor ‘${label}’ ${why}.`,
    `deploymentSpec.executors.${label}`
  );
}

function nameOf(task: string, names: ReadonlyMap<string, string>, by: string, path: string): string {
  const name = names.get(task);
  if (name === undefined)
    throw new IrError(`Task ‘${by}’ refers to the task ‘${task}’, which the IR does not have.`, path);
  return name;
}

function toParameters(
  name: string,
  spec: PipelineTaskSpecJson,
  component: ComponentSpecJson,
  path: string
): PlanTask['parameters'] {
  const given = Object.entries(spec.inputs?.parameters ?? {}).map(([key, input]): PlanTask['parameters'][number] => {
    const { componentInputParameter, runtimeValue, parameterExpressionSelector } = input;
    if (componentInputParameter && !parameterExpressionSelector)
      return { name: key, source: { kind: 'parameter', name: componentInputParameter } };
    if (runtimeValue?.constant !== undefined)
      return { name: key, source: { kind: 'value', value: runtimeValue.constant as JsonValue } };
    throw new IrError(
      `The input ‘${key}’ of task ‘${name}’ is neither a parameter of the pipeline nor a constant, which cannot be run on this machine.`,
      `${path}.inputs.parameters.${key}`
    );
  });
  const defaults = Object.entries(component.inputDefinitions?.parameters ?? {})
    .filter(([key, { defaultValue }]) => defaultValue !== undefined && !given.some(input => input.name === key))
    .map(([key, { defaultValue }]) => ({
      name: key,
      source: { kind: 'value' as const, value: defaultValue as JsonValue }
    }));
  return [...given, ...defaults];
}

function toArtifacts(
  name: string,
  spec: PipelineTaskSpecJson,
  component: ComponentSpecJson,
  names: ReadonlyMap<string, string>,
  path: string
): PlanTask['artifacts'] {
  return Object.entries(spec.inputs?.artifacts ?? {}).map(([key, { taskOutputArtifact }]) => {
    const { producerTask, outputArtifactKey } = taskOutputArtifact ?? {};
    if (producerTask === undefined || outputArtifactKey === undefined)
      throw new IrError(
        `The input ‘${key}’ of task ‘${name}’ does not come from another task, which cannot be run on this machine.`,
        `${path}.inputs.artifacts.${key}`
      );
    const schemaTitle = component.inputDefinitions?.artifacts?.[key]?.artifactType?.schemaTitle ?? 'system.Artifact';
    return { name: key, from: nameOf(producerTask, names, name, path), artifact: outputArtifactKey, schemaTitle };
  });
}

function findTimeout(executor: string, { platform }: Ir): number | undefined {
  const spec: PlatformDeploymentConfigJson | undefined = platform?.platforms?.kubernetes?.deploymentSpec;
  const seconds = Number(
    (spec?.executors?.[executor] as { activeDeadlineSeconds?: unknown } | undefined)?.activeDeadlineSeconds
  );
  return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
