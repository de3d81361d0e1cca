// What is sent to Kubeflow of an IR: the whole of it, or the chosen steps with what the others gave in a past run, brought in by importers.
import {
  claimOfSnapshot,
  isSnapshot,
  isSnapshotExecutor,
  keepsAfterFailure,
  readStepArgument,
  stepOfSnapshot,
  type Ir,
  type Plan
} from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { PipelineError } from '../errors.js';
import { toMetadata } from '../kubernetes/labels.js';
import type { KfpKeeping } from './keeping.js';

export interface SpecOptions {
  /** our id of the run, which its snapshots carry */
  readonly run: string;
  /** the same of its notebook */
  readonly notebook?: string;
  /** names of the steps to execute; the others' artifacts come from `given` */
  readonly execute: ReadonlySet<string>;
  readonly cache: boolean;
  /** how volumes are kept, where that is known; else as the IR says */
  readonly keeping: KfpKeeping;
  /** of the run's events in its steps' logs */
  readonly mark: string;
  /** where the artifact of a step that is not executed is, and what was said of it */
  given(step: string, key: string): { readonly uri: string; readonly metadata: object } | undefined;
}

type Json = Record<string, unknown>;
type Tasks = Readonly<NonNullable<NonNullable<NonNullable<Ir['pipeline']['root']>['dag']>['tasks']>>;
type Task = Tasks[string];

/** As a run's `pipeline_spec`. @throws PipelineError `no-values` where a chosen step needs what nobody has */
export function toPipelineSpec(text: string, options: SpecOptions): Json {
  const { pipeline, platform } = readIr(text);
  const imports = new Map<string, Import>();
  const components: Json = { ...pipeline.components };
  const choose = (tasks: Tasks): Tasks => {
    const inner = new Map<string, Tasks>();
    for (const [key, { componentRef }] of Object.entries(tasks)) {
      const dag = pipeline.components?.[componentRef?.name ?? '']?.dag;
      if (dag !== undefined) inner.set(key, choose(dag.tasks ?? {}));
    }
    const isKept = (key: string): boolean => {
      const within = inner.get(key);
      if (within !== undefined) return Object.keys(within).length > 0;
      const task = tasks[key];
      if (task === undefined) return false;
      const step = isSnapshot(task) ? stepOfSnapshot(task) : nameOf(key, tasks);
      return step === '' || options.execute.has(step);
    };
    for (const [key, within] of inner) {
      const name = tasks[key]!.componentRef?.name ?? '';
      components[name] = { ...pipeline.components![name], dag: { ...pipeline.components![name]!.dag, tasks: within } };
    }
    const own = new Map<string, Import>();
    const kept = Object.entries(tasks)
      .filter(([key]) => isKept(key))
      .map(([key, task]) => [key, toKept(task, { tasks, pipeline, isKept, options, imports: own })] as const);
    for (const [key, found] of own) imports.set(key, found);
    return Object.fromEntries([...[...own.keys()].map(key => [key, toImporter(key, own.get(key)!)] as const), ...kept]);
  };
  const root = { ...pipeline.root, dag: { ...pipeline.root?.dag, tasks: choose(pipeline.root?.dag?.tasks ?? {}) } };
  const executors = withVariables(
    (pipeline.deploymentSpec as { executors?: Executors } | undefined)?.executors,
    options
  );
  for (const [key, { uri, metadata, schemaTitle }] of imports) {
    const type = { schemaTitle, schemaVersion: '0.0.1' };
    components[`comp-${key}`] = {
      executorLabel: `exec-${key}`,
      inputDefinitions: { parameters: { uri: { parameterType: 'STRING' } } },
      outputDefinitions: { artifacts: { artifact: { artifactType: type } } }
    };
    executors[`exec-${key}`] = { importer: { artifactUri: { constant: uri }, typeSchema: type, metadata } };
  }
  const spec = { ...pipeline, components, deploymentSpec: { ...pipeline.deploymentSpec, executors }, root };
  return platform === undefined ? spec : { pipeline_spec: spec, platform_spec: platform };
}

// https://github.com/kubeflow/pipelines: backend/src/v2/driver/k8s.go has no word of it, up to 2.17
/** For the user: what Kubeflow leaves out of what steps ask for. */
export function describeIgnored({ platform }: Ir, { tasks }: Pick<Plan, 'tasks'>): string[] {
  const configs = (platform?.platforms?.kubernetes?.deploymentSpec?.executors ?? {}) as Readonly<
    Record<string, { readonly podAffinity?: readonly object[] } | undefined>
  >;
  const steps = tasks.filter(({ executor }) => (configs[executor]?.podAffinity ?? []).length > 0);
  if (steps.length === 0) return [];
  const names = steps.map(({ name }) => `‘${name}’`).join(', ');
  return [
    `Kubeflow does not place ${names} by the affinity to other pods: its driver leaves that out. Affinity to nodes counts.`
  ];
}

type Executors = Readonly<
  Record<string, { readonly container?: { command?: string[]; args?: string[]; env?: object[] } }>
>;

/**
 * Steps tell their events through their logs, and keep volumes as it was found out that they can be. KFP's cache does not look at a
 * container's variables.
 */
function withVariables(executors: Executors = {}, { mark, run, notebook, keeping }: SpecOptions): Json {
  const marked = { name: 'SLUICE_EVENTS', value: `log:${mark}` };
  const { labels, annotations } = toMetadata(notebook === undefined ? {} : { notebook });
  const kept = { name: 'SLUICE_SNAPSHOTS', value: JSON.stringify({ run, labels, annotations, ways: keeping }) };
  const said = [...toArguments('--label', labels), ...toArguments('--annotation', annotations)];
  const changed = Object.entries(executors).map(([key, { container, ...rest }]) => {
    if (isSnapshotExecutor(key) && container !== undefined)
      return [key, { ...rest, container: { ...container, args: [...(container.args ?? []), ...said] } }];
    if (container === undefined || readStepArgument(container.args ?? []) === undefined)
      return [key, { ...rest, ...(container && { container }) }];
    const { env = [], command = [] } = container;
    const own = keepsAfterFailure(command) ? [marked, kept] : [marked];
    return [key, { ...rest, container: { ...container, env: [...env, ...own] } }];
  });
  return Object.fromEntries(changed) as Json;
}

const toArguments = (flag: string, pairs: Readonly<Record<string, string>>): string[] =>
  Object.entries(pairs).flatMap(([key, value]) => [flag, `${key}=${value}`]);

interface Import {
  readonly uri: string;
  readonly metadata: object;
  readonly schemaTitle: string;
}

function toImporter(key: string, { uri }: Import): Task {
  return {
    taskInfo: { name: key },
    componentRef: { name: `comp-${key}` },
    inputs: { parameters: { uri: { runtimeValue: { constant: uri } } } },
    cachingOptions: {}
  };
}

interface Choosing {
  /** those of the same DAG */
  readonly tasks: Tasks;
  readonly pipeline: Ir['pipeline'];
  readonly isKept: (key: string) => boolean;
  readonly options: SpecOptions;
  /** what has to be brought in, by task; grows */
  readonly imports: Map<string, Import>;
}

const nameOf = (key: string, tasks: Tasks): string => tasks[key]?.taskInfo?.name || key;

function toKept(task: Task, choosing: Choosing): Task {
  const { isKept, options } = choosing;
  const { inputs, dependentTasks, triggerPolicy, ...rest } = task;
  const dependent = dependentTasks?.filter(isKept);
  const artifacts = Object.keys(inputs?.artifacts ?? {}).map(name => [name, toSource(name, task, choosing)] as const);
  return {
    ...rest,
    ...(dependent === undefined ? {} : { dependentTasks: dependent }),
    // what waits for all others is an ordinary task where there are no others
    ...(triggerPolicy === undefined || dependent?.length === 0 ? {} : { triggerPolicy }),
    ...(inputs === undefined
      ? {}
      : {
          inputs: {
            ...inputs,
            ...(inputs.artifacts && { artifacts: Object.fromEntries(artifacts) }),
            ...(isSnapshot(task) && { parameters: { ...inputs.parameters, ...toSnapshotInputs(task, options) } })
          }
        }),
    ...(options.cache ? {} : { cachingOptions: {} })
  };
}

function toSnapshotInputs(task: Task, { run, keeping }: SpecOptions) {
  const way = keeping[claimOfSnapshot(task)];
  const values = { run, ...(way && { class: way.class ?? '', clone: way.isCloned ? 'yes' : '' }) };
  return Object.fromEntries(Object.entries(values).map(([key, constant]) => [key, { runtimeValue: { constant } }]));
}

type Source = NonNullable<NonNullable<Task['inputs']>['artifacts']>[string];

/** Where the artifact comes from: the task that makes it, or an importer in its place. */
function toSource(name: string, task: Task, { tasks, pipeline, isKept, options, imports }: Choosing): Source {
  const source = task.inputs!.artifacts![name]!;
  const { producerTask = '', outputArtifactKey = '' } = source.taskOutputArtifact ?? {};
  if (producerTask === '' || isKept(producerTask)) return source;
  const maker = nameOf(producerTask, tasks);
  const found = options.given(maker, outputArtifactKey);
  if (found === undefined)
    throw new PipelineError(
      `Step ‘${maker}’ is not executed, and its ‘${outputArtifactKey}’ is not in Kubeflow’s store. Start from that step, or run the whole pipeline.`,
      'no-values'
    );
  const taken = pipeline.components?.[task.componentRef?.name ?? '']?.inputDefinitions?.artifacts;
  const key = `given-${producerTask}-${outputArtifactKey.replaceAll('_', '-')}`;
  imports.set(key, { ...found, schemaTitle: taken?.[name]?.artifactType?.schemaTitle ?? 'system.Artifact' });
  return { taskOutputArtifact: { producerTask: key, outputArtifactKey: 'artifact' } };
}
