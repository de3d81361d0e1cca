// From a pipeline to the IR that Kubeflow and the local runner execute. Each step is a container that carries its own source (decision 0002).
import { position } from '../diagnostic.js';
import type { Parameter, ParameterType, Pipeline, PipelineStep, Setup } from '../pipeline.js';
import { writeStepArgument, type StepArgument } from './argument.js';
import type {
  ComponentSpecJson,
  ComponentInputsSpec_ParameterSpecJson as ParameterSpec,
  ParameterType_ParameterTypeEnumJson as KfpType,
  PipelineDeploymentConfig_ExecutorSpecJson as ExecutorSpec,
  PipelineTaskSpecJson
} from './gen/pipeline_spec_pb.js';
import { executorInput, metricsArtifact, notebookArtifact, shownArtifacts, type Ir } from './ir.js';
import { toDnsLabel, toTaskNames } from './names.js';
import { toExecutorConfig } from './platform.js';
import { toResources } from './resources.js';
import { toRetryPolicy } from './retries.js';
import {
  findKept,
  isSnapshot,
  keptAround,
  snapshotParts,
  withSnapshotAfterFailure,
  withSnapshots,
  type SnapshotProgram
} from './snapshots.js';
import { writeVariables } from './variables.js';

export interface CompileOptions {
  readonly runtime: {
    /** the program that unpacks `packed` and runs the step */
    readonly boot: string;
    readonly packed: string;
  };
  /** for steps that name none */
  readonly image: string;
  /** path of the notebook, for people and records */
  readonly notebook?: string;
  /** the notebook's cells, so that source that travels keeps its line numbers */
  readonly cells?: readonly { readonly source: string }[];
  /** undefined: the pipeline takes no snapshots by itself, whatever its notebook says */
  readonly snapshot?: SnapshotProgram;
  /** indices of cells after which steps write down what their names hold, to verify a notebook */
  readonly checkpoints?: readonly number[];
}

export function compilePipeline(pipeline: Pipeline, options: CompileOptions): Ir {
  const context = makeContext(pipeline, options);
  const { tasks } = context;
  const components = pipeline.steps.map(step => [`comp-${tasks.get(step.name)}`, toComponent(step, context)] as const);
  const executors = pipeline.steps.map(step => [`exec-${tasks.get(step.name)}`, toExecutor(step, context)] as const);
  const dag = toDag(context);
  const snapshots = dag.takesSnapshots ? snapshotParts(options.snapshot!) : undefined;
  const parameters = pipeline.parameters.map(parameter => [parameter.name, toParameter(parameter)] as const);
  return {
    pipeline: {
      schemaVersion: '2.1.0',
      sdkVersion: 'sluice',
      pipelineInfo: {
        name: toDnsLabel(pipeline.name, 63, 'pipeline'),
        ...(pipeline.description === '' ? {} : { description: pipeline.description })
      },
      root: {
        ...(parameters.length === 0 ? {} : { inputDefinitions: { parameters: Object.fromEntries(parameters) } }),
        dag: { tasks: dag.tasks }
      },
      components: { ...Object.fromEntries(components), ...dag.components, ...snapshots?.components },
      deploymentSpec: { executors: { ...Object.fromEntries(executors), ...snapshots?.executors } as never }
    },
    ...toPlatform(pipeline, tasks)
  };
}

// KFP awaits the end of a DAG, however it ended: with a step at the end, all others are in a DAG of their own.
function toDag(context: Context): {
  readonly tasks: Record<string, PipelineTaskSpecJson>;
  readonly components: object;
  readonly takesSnapshots: boolean;
} {
  const { pipeline, tasks, options } = context;
  const last = pipeline.steps.find(step => step.settings.atEnd);
  const others = pipeline.steps.filter(step => step !== last);
  const plain = Object.fromEntries(others.map(step => [tasks.get(step.name)!, toTask(step, context)]));
  const mounts = new Map(others.map(step => [tasks.get(step.name)!, claimsOfStep(step)]));
  const { snapshots } = pipeline.workspace;
  const kept = options.snapshot === undefined ? [] : findKept(pipeline.workspace);
  const inDag = withSnapshots(plain, { kept, mounts, snapshots });
  const takesSnapshots = Object.values(inDag).some(isSnapshot);
  if (last === undefined) return { tasks: inDag, components: {}, takesSnapshots };
  const taken = new Set(tasks.values());
  let handler = 'exit-handler';
  for (let n = 2; taken.has(handler); n++) handler = `exit-handler-${n}`;
  const names = pipeline.parameters
    .map(({ name }) => name)
    .filter(name => others.some(step => step.parameters.includes(name)));
  const given = names.map(name => [name, { componentInputParameter: name }]);
  const declared = names.map(name => [name, toParameter(context.parameters.get(name)!)]);
  const task = {
    taskInfo: { name: handler },
    componentRef: { name: `comp-${handler}` },
    ...(names.length === 0 ? {} : { inputs: { parameters: Object.fromEntries(given) } })
  };
  const component = {
    dag: { tasks: inDag },
    ...(names.length === 0 ? {} : { inputDefinitions: { parameters: Object.fromEntries(declared) } })
  };
  const atEnd = {
    ...toTask(last, context),
    dependentTasks: [handler],
    cachingOptions: {},
    triggerPolicy: { strategy: 'ALL_UPSTREAM_TASKS_COMPLETED' as const }
  };
  return {
    tasks: { [handler]: task, [tasks.get(last.name)!]: atEnd },
    components: { [`comp-${handler}`]: component },
    takesSnapshots
  };
}

interface Context {
  readonly pipeline: Pipeline;
  readonly options: CompileOptions;
  /** by step */
  readonly tasks: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly sources: ReadonlyMap<number, string>;
}

function makeContext(pipeline: Pipeline, options: CompileOptions): Context {
  const own = pipeline.steps.flatMap(step => step.cells.map(cell => [cell.index, cell.source] as const));
  const all = (options.cells ?? []).map((cell, index) => [index, cell.source] as const);
  return {
    pipeline,
    options,
    tasks: toTaskNames(pipeline.steps.map(step => step.name)),
    parameters: new Map(pipeline.parameters.map(parameter => [parameter.name, parameter])),
    sources: new Map([...own, ...all])
  };
}

/** Parameter types in KFP's words. */
export const kfpTypes: Readonly<Record<ParameterType, KfpType>> = {
  integer: 'NUMBER_INTEGER',
  float: 'NUMBER_DOUBLE',
  string: 'STRING',
  boolean: 'BOOLEAN',
  list: 'LIST',
  dict: 'STRUCT'
};

function toParameter({ type, default: value }: Parameter): ParameterSpec {
  const parameterType = kfpTypes[type];
  return { parameterType, ...(value === null ? {} : { defaultValue: value as never }), isOptional: true };
}

// A value that arrives: one artifact input for each bundle, named after it, unless two steps call theirs the same.
interface Input {
  readonly key: string;
  readonly from: string;
  readonly artifact: string;
}

type Value = Extract<Setup, { kind: 'value' }>;

function findInputs(step: PipelineStep): readonly Input[] {
  const inputs: Input[] = [];
  for (const { from, bundle } of step.setup.filter((item): item is Value => item.kind === 'value')) {
    const { artifact } = bundle;
    if (inputs.some(input => input.from === from && input.artifact === artifact)) continue;
    let key = artifact;
    for (let n = 2; inputs.some(input => input.key === key); n++) key = `${artifact}_${n}`;
    inputs.push({ key, from, artifact });
  }
  return inputs;
}

function toComponent(step: PipelineStep, { pipeline, tasks, parameters }: Context): ComponentSpecJson {
  const artifactType = (kind: string): object => ({
    artifactType: { schemaTitle: `system.${kind}`, schemaVersion: '0.0.1' }
  });
  const inputs = findInputs(step).map(({ key, from, artifact }) => {
    const maker = pipeline.steps.find(({ name }) => name === from);
    const made = maker?.outputs.find(output => output.artifact === artifact);
    return [key, artifactType(made?.kind ?? 'Artifact')];
  });
  const outputs = [
    ...step.outputs.map(({ artifact, kind = 'Artifact' }) => [artifact, kind]),
    ...findOwnArtifacts(step)
  ].map(([key, kind]) => [key, artifactType(kind!)]);
  const given = step.parameters.map(name => {
    const { type, isNullable } = parameters.get(name)!;
    return [name, { parameterType: kfpTypes[type], ...(isNullable ? { isOptional: true } : {}) }];
  });
  const definitions = {
    ...(inputs.length === 0 ? {} : { artifacts: Object.fromEntries(inputs) }),
    ...(given.length === 0 ? {} : { parameters: Object.fromEntries(given) })
  };
  return {
    executorLabel: `exec-${tasks.get(step.name)}`,
    ...(Object.keys(definitions).length === 0 ? {} : { inputDefinitions: definitions }),
    outputDefinitions: { artifacts: Object.fromEntries(outputs) }
  };
}

// KFP registers whatever is declared, made or not: what is declared here, each execution of the step makes.
function findOwnArtifacts({ cells, setup }: PipelineStep): readonly (readonly [key: string, kind: string])[] {
  const hasMetrics = cells.some(({ isMetrics }) => isMetrics);
  const sources = [...cells, ...setup.filter(item => item.kind === 'source')].map(({ source }) => source);
  const shown = Object.entries(shownArtifacts).filter(
    ([, kind]) =>
      (kind !== 'ClassificationMetrics' || hasMetrics) &&
      (kind !== 'Markdown' || sources.some(source => givesMarkdown.test(source)))
  );
  return [[notebookArtifact, 'Artifact'], ...(hasMetrics ? [[metricsArtifact, 'Metrics'] as const] : []), ...shown];
}

const givesMarkdown = /\b(Markdown|display_markdown)\s*\(|^%%markdown\b/;

function toTask(step: PipelineStep, { tasks }: Context): PipelineTaskSpecJson {
  const { cache } = step.settings;
  const retryPolicy = toRetryPolicy(step.settings);
  const dependentTasks = [...new Set(step.after.map(name => tasks.get(name)!))];
  const artifacts = findInputs(step).map(({ key, from, artifact }) => [
    key,
    { taskOutputArtifact: { producerTask: tasks.get(from)!, outputArtifactKey: artifact } }
  ]);
  const parameters = step.parameters.map(name => [name, { componentInputParameter: name }]);
  const inputs = {
    ...(artifacts.length === 0 ? {} : { artifacts: Object.fromEntries(artifacts) }),
    ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) })
  };
  return {
    taskInfo: { name: step.name },
    componentRef: { name: `comp-${tasks.get(step.name)}` },
    ...(dependentTasks.length === 0 ? {} : { dependentTasks }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    cachingOptions: cache ? { enableCache: true } : {},
    ...(retryPolicy === undefined ? {} : { retryPolicy })
  };
}

function toExecutor(step: PipelineStep, context: Context): ExecutorSpec {
  const { runtime, image, snapshot } = context.options;
  const { settings } = step;
  const { workspace } = context.pipeline;
  const command = ['python3', '-c', runtime.boot];
  const env = [...writeVariables(settings.env)];
  const resources = toResources(settings);
  return {
    container: {
      image: settings.image ?? image,
      command:
        snapshot === undefined
          ? command
          : withSnapshotAfterFailure(command, snapshot, {
              ...{ step: step.name, task: context.tasks.get(step.name)! },
              ...{ kept: keptAround(claimsOfStep(step), findKept(workspace)), snapshots: workspace.snapshots }
            }),
      args: [
        '--runtime',
        runtime.packed,
        ...writeStepArgument(toStepArgument(step, context)),
        '--executor-input',
        executorInput
      ],
      ...(env.length === 0 ? {} : { env }),
      ...(resources === undefined ? {} : { resources })
    }
  };
}

const claimsOfStep = ({ settings }: PipelineStep): readonly string[] =>
  settings.volumes.map(({ pvc_name }) => pvc_name);

function toStepArgument(step: PipelineStep, { pipeline, options, parameters, sources }: Context): StepArgument {
  const inputs = findInputs(step);
  const keyOf = ({ from, bundle }: Value): string =>
    inputs.find(input => input.from === from && input.artifact === bundle.artifact)!.key;
  return {
    version: 1,
    pipeline: pipeline.name,
    ...(options.notebook === undefined ? {} : { notebook: options.notebook }),
    ...(pipeline.kernel === undefined ? {} : { kernel: pipeline.kernel }),
    ...(Object.keys(pipeline.workspace).length === 0 ? {} : { workspace: pipeline.workspace }),
    step: step.name,
    parameters: step.parameters.map(name => {
      const { type, isNullable, exact } = parameters.get(name)!;
      return { name, type, ...(isNullable ? { nullable: true } : {}), ...(exact === undefined ? {} : { exact }) };
    }),
    setup: step.setup.map(item =>
      item.kind === 'value'
        ? { kind: 'value', input: keyOf(item), names: item.bundle.names, states: item.bundle.states ?? [] }
        : { kind: 'source', cell: item.range.cell, line: lineOf(item, sources), source: item.source }
    ),
    cells: step.cells.map(({ index, id, source, isMetrics, number }) => ({
      index,
      ...(id === undefined ? {} : { id }),
      source,
      metrics: isMetrics,
      ...(number === undefined ? {} : { number })
    })),
    ...(step.results === undefined ? {} : { results: step.results }),
    outputs: step.outputs.map(({ artifact, names, states }) => ({ artifact, names, states: states ?? [] })),
    ...(options.checkpoints === undefined ? {} : { checkpoints: toCheckpoints(step, options.checkpoints) })
  };
}

function toCheckpoints({ name, cells }: PipelineStep, after: readonly number[]): StepArgument['checkpoints'] {
  return after.filter(index => cells.some(cell => cell.index === index)).map(afterCell => ({ afterCell, step: name }));
}

function lineOf({ range }: Extract<Setup, { kind: 'source' }>, sources: ReadonlyMap<number, string>): number {
  return position(sources.get(range.cell) ?? '', range.from).line;
}

function toPlatform(pipeline: Pipeline, tasks: ReadonlyMap<string, string>): Pick<Ir, 'platform'> {
  const executors = pipeline.steps.flatMap(step => {
    const config = toExecutorConfig(step.settings);
    return config === undefined ? [] : [[`exec-${tasks.get(step.name)}`, config] as const];
  });
  if (executors.length === 0) return {};
  return {
    platform: { platforms: { kubernetes: { deploymentSpec: { executors: Object.fromEntries(executors) as never } } } }
  };
}
