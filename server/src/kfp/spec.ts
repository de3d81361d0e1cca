// What is sent to Kubeflow of an IR: the whole of it, or the chosen steps with what the others gave in a past run, brought in by importers.
import type { Ir } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { PipelineError } from '../errors.js';

export interface SpecOptions {
  /** names of the steps to execute; the others' artifacts come from `uriOf` */
  readonly execute: ReadonlySet<string>;
  readonly cache: boolean;
  /** where the artifact of a step that is not executed is, and what was said of it */
  given(step: string, key: string): { readonly uri: string; readonly metadata: object } | undefined;
}

type Json = Record<string, unknown>;
type Tasks = NonNullable<NonNullable<NonNullable<Ir['pipeline']['root']>['dag']>['tasks']>;
type Task = Tasks[string];

/** As a run's `pipeline_spec`. @throws PipelineError `no-values` where a chosen step needs what nobody has */
export function toPipelineSpec(text: string, options: SpecOptions): Json {
  const { pipeline, platform } = readIr(text);
  const tasks = pipeline.root?.dag?.tasks ?? {};
  const isChosen = (key: string): boolean => options.execute.has(tasks[key]?.taskInfo?.name || key);
  const imports = new Map<string, Import>();
  const kept = Object.entries(tasks)
    .filter(([key]) => isChosen(key))
    .map(([key, task]) => [key, toKept(task, pipeline, isChosen, options, imports)] as const);
  const components = { ...pipeline.components };
  const executors = { ...(pipeline.deploymentSpec as { executors?: Json } | undefined)?.executors };
  const importers: Json = {};
  for (const [key, { uri, metadata, schemaTitle }] of imports) {
    const type = { schemaTitle, schemaVersion: '0.0.1' };
    components[`comp-${key}`] = {
      executorLabel: `exec-${key}`,
      inputDefinitions: { parameters: { uri: { parameterType: 'STRING' } } },
      outputDefinitions: { artifacts: { artifact: { artifactType: type } } }
    };
    executors[`exec-${key}`] = { importer: { artifactUri: { constant: uri }, typeSchema: type, metadata } };
    importers[key] = {
      taskInfo: { name: key },
      componentRef: { name: `comp-${key}` },
      inputs: { parameters: { uri: { runtimeValue: { constant: uri } } } },
      cachingOptions: {}
    };
  }
  const spec = {
    ...pipeline,
    components,
    deploymentSpec: { ...pipeline.deploymentSpec, executors },
    root: { ...pipeline.root, dag: { ...pipeline.root?.dag, tasks: { ...importers, ...Object.fromEntries(kept) } } }
  };
  return platform === undefined ? spec : { pipeline_spec: spec, platform_spec: platform };
}

interface Import {
  readonly uri: string;
  readonly metadata: object;
  readonly schemaTitle: string;
}

function toKept(
  task: Task,
  { root, components }: Ir['pipeline'],
  isChosen: (key: string) => boolean,
  { cache, given }: SpecOptions,
  imports: Map<string, Import>
): Task {
  const tasks = root?.dag?.tasks ?? {};
  const taken = components?.[task.componentRef?.name ?? '']?.inputDefinitions?.artifacts ?? {};
  const nameOf = (key: string): string => tasks[key]?.taskInfo?.name || key;
  const artifacts = Object.entries(task.inputs?.artifacts ?? {}).map(([name, source]) => {
    const { producerTask = '', outputArtifactKey = '' } = source.taskOutputArtifact ?? {};
    if (producerTask === '' || isChosen(producerTask)) return [name, source] as const;
    const found = given(nameOf(producerTask), outputArtifactKey);
    if (found === undefined)
      throw new PipelineError(
        `Step ‘${nameOf(producerTask)}’ is not executed, and its ‘${outputArtifactKey}’ is not in Kubeflow’s store. Start from that step, or run the whole pipeline.`,
        'no-values'
      );
    const key = `given-${producerTask}-${outputArtifactKey.replaceAll('_', '-')}`;
    const schemaTitle = taken[name]?.artifactType?.schemaTitle ?? 'system.Artifact';
    imports.set(key, { ...found, schemaTitle });
    return [name, { taskOutputArtifact: { producerTask: key, outputArtifactKey: 'artifact' } }] as const;
  });
  const dependentTasks = task.dependentTasks?.filter(isChosen) ?? [];
  const { inputs } = task;
  return {
    ...task,
    ...(task.dependentTasks === undefined ? {} : { dependentTasks }),
    ...(inputs === undefined
      ? {}
      : { inputs: { ...inputs, ...(inputs.artifacts && { artifacts: Object.fromEntries(artifacts) }) } }),
    ...(cache ? {} : { cachingOptions: {} })
  };
}
