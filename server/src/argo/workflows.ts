// Workflows as the API server has them: how Sluice's are listed and read, and what one says of the pipeline that it runs.
import { readStepArgument, type Plan, type PlanTask, type Workflow } from '@sluice/core';
import { ask, maybeAsk, type Cluster } from '../kubernetes/access.js';
import { specOf, stepOf, type ArgoWorkflow } from './status.js';

export const workflowApi = { group: 'argoproj.io', version: 'v1alpha1', plural: 'workflows' } as const;
export const workflowResource = `${workflowApi.plural}.${workflowApi.group}`;

export async function listWorkflows(
  { custom, namespace, server }: Cluster,
  labelSelector: string
): Promise<ArgoWorkflow[]> {
  const list = (await ask({ verb: 'list', resource: workflowResource, namespace, server }, () =>
    custom.listNamespacedCustomObject({ ...workflowApi, namespace, labelSelector, limit: 10 })
  )) as { items: ArgoWorkflow[] };
  return list.items;
}

/** Undefined where there is none of this name. */
export async function readWorkflow(
  { custom, namespace, server }: Cluster,
  name: string
): Promise<ArgoWorkflow | undefined> {
  const request = { verb: 'get', resource: workflowResource, name, namespace, server } as const;
  return (await maybeAsk(request, () => custom.getNamespacedCustomObject({ ...workflowApi, namespace, name }))) as
    ArgoWorkflow | undefined;
}

/**
 * What a workflow that Sluice compiled says of its steps; enough to follow it, where the IR is not at hand. Without steps where it is not of
 * Sluice's making.
 */
export function readWorkflowPlan(workflow: ArgoWorkflow): Plan {
  const { annotations = {}, name = 'pipeline' } = workflow.metadata ?? {};
  const templates = specOf(workflow).templates ?? [];
  const names = new Map(
    templates.flatMap(template => (stepOf(template) === undefined ? [] : [[template.name, stepOf(template)!]]))
  );
  const waits = new Map(
    templates
      .flatMap(({ dag }) => dag?.tasks ?? [])
      .map(({ name, depends = '' }) => [name, depends.match(/[\w-]+/g) ?? []])
  );
  const tasks = templates.flatMap(({ name, container }): PlanTask[] => {
    const step = names.get(name);
    return step === undefined ? [] : [toTask(step, name, container?.image ?? '', findAfter(name, names, waits))];
  });
  // what a schedule made has none of the document's annotations; its steps know whose they are
  const said = templates
    .map(({ container }) => readStepArgument(container?.args ?? []))
    .find(step => step !== undefined);
  const notebook = annotations['sluice.dev/notebook'] ?? said?.notebook;
  return {
    name: annotations['sluice.dev/pipeline'] ?? said?.pipeline ?? name,
    ...(notebook === undefined ? {} : { notebook }),
    ...{ workspace: {}, parameters: [], tasks }
  };
}

function toTask(name: string, task: string, image: string, after: readonly string[]): PlanTask {
  return {
    ...{ name, task, image, after, executor: task, command: [], args: [], env: {}, parameters: [], artifacts: [] },
    ...{ outputs: [], retries: 0, cache: false }
  };
}

/** The steps that a task waits for, also across the snapshots in between. */
function findAfter(
  task: string,
  names: ReadonlyMap<string, string>,
  waits: ReadonlyMap<string, readonly string[]>
): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    for (const other of waits.get(name) ?? []) {
      const step = names.get(other);
      if (step !== undefined) found.add(step);
      else if (!seen.has(other)) visit(seen.add(other) && other);
    }
  };
  visit(task);
  return [...found];
}

/** Of a run's events in its steps' logs: Argo puts the workflow's uid here, which no other has. */
export const eventsMark = '{{workflow.uid}}';

/** The workflow whose steps have these variables as well. */
export function withEnv(workflow: Workflow, variables: Readonly<Record<string, string>>): Workflow {
  const { spec } = workflow;
  const more = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const templates = spec.templates.map(template => {
    const { container } = template;
    if (container === undefined) return template;
    return { ...template, container: { ...container, env: [...(container.env ?? []), ...more] } };
  });
  return { ...workflow, spec: { ...spec, templates } };
}
