// A step that runs at the end makes the IR two-storied: KFP wants the tasks whose end is awaited in a DAG of their own, beside the task that
// waits. For whoever runs tasks one by one, this module makes one list of both.
import type { PipelineTaskSpecJson as TaskSpec, TaskInputsSpecJson as InputsSpec } from './gen/pipeline_spec_pb.js';
import type { Ir } from './ir.js';
import { isSnapshot } from './snapshots.js';

export interface FlatTask {
  readonly task: string;
  readonly spec: TaskSpec;
  /** place in the IR, for messages */
  readonly path: string;
  readonly atEnd: boolean;
}

/**
 * Other DAGs within the pipeline's stay as they are: they are loops and conditions. Tasks that take snapshots are left out: they are
 * Kubeflow's own way, and other runners have theirs.
 */
export function flattenTasks(ir: Ir): readonly FlatTask[] {
  const all = flattenAll(ir);
  const snapshots = new Set(all.filter(({ spec }) => isSnapshot(spec)).map(({ task }) => task));
  if (snapshots.size === 0) return all;
  return all
    .filter(({ task }) => !snapshots.has(task))
    .map(({ spec, ...rest }) => {
      const dependentTasks = spec.dependentTasks?.filter(task => !snapshots.has(task)) ?? [];
      return { ...rest, spec: { ...spec, dependentTasks } };
    });
}

function flattenAll({ pipeline }: Ir): readonly FlatTask[] {
  const tasks = Object.entries(pipeline.root?.dag?.tasks ?? {});
  return tasks.flatMap(([task, spec]): readonly FlatTask[] => {
    const path = `root.dag.tasks.${task}`;
    const component = pipeline.components?.[spec.componentRef?.name ?? ''];
    const isAwaited = tasks.some(([, other]) => isAtEnd(other) && other.dependentTasks?.includes(task));
    if (component?.dag === undefined || !isAwaited || spec.parameterIterator || spec.triggerPolicy?.condition)
      return [{ task, spec, path, atEnd: isAtEnd(spec) }];
    return Object.entries(component.dag.tasks ?? {}).map(([inner, innerSpec]) => ({
      task: inner,
      spec: fromOutside(innerSpec, spec),
      path: `components.${spec.componentRef?.name}.dag.tasks.${inner}`,
      atEnd: false
    }));
  });
}

function isAtEnd({ triggerPolicy }: TaskSpec): boolean {
  return triggerPolicy?.strategy === 'ALL_UPSTREAM_TASKS_COMPLETED';
}

// What the DAG takes as its own parameters are the pipeline's; what it comes after, each of its tasks comes after.
function fromOutside(inner: TaskSpec, outer: TaskSpec): TaskSpec {
  const given: InputsSpec['parameters'] = outer.inputs?.parameters ?? {};
  const parameters = Object.entries(inner.inputs?.parameters ?? {}).map(([key, input]) => {
    const name = input.componentInputParameter;
    return [key, (name !== undefined && given[name]) || input] as const;
  });
  const dependentTasks = [...(outer.dependentTasks ?? []), ...(inner.dependentTasks ?? [])];
  return {
    ...inner,
    ...(dependentTasks.length === 0 ? {} : { dependentTasks }),
    ...(inner.inputs === undefined ? {} : { inputs: { ...inner.inputs, parameters: Object.fromEntries(parameters) } })
  };
}
