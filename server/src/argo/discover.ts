// Workflows that somebody submitted elsewhere — with argo or kubectl, by a schedule, from another machine — and that run a notebook's steps,
// get a record here like any other run, and are followed from then on.
import { fromText, managedBy, runtimeParameter, volumeName, type JsonValue } from '@sluice/core';
import type { Cluster } from '../kubernetes/access.js';
import { label } from '../kubernetes/labels.js';
import { listAll, type Watched } from '../kubernetes/watch.js';
import { recordFound } from '../runners/found.js';
import type { Place } from '../runners/engine.js';
import type { Store } from '../store.js';
import { specOf, type ArgoWorkflow } from './status.js';
import { readWorkflow, readWorkflowPlan, workflowApi, workflowResource } from './workflows.js';

/** of the newest workflows, so many are looked at */
const looked = 30;

/** What Sluice compiled has its label, unless a schedule or a template made the workflow: those have only the labels of Argo's. */
const selectors = [
  ...Object.entries(managedBy).map(entry => entry.join('=')),
  'workflows.argoproj.io/cron-workflow',
  'workflows.argoproj.io/workflow-template'
];

/** Workflows that were read and run no notebook, by uid. */
const others = new Set<string>();

/** `place` is the cluster's; a run's record keeps it with the workflow's uid, since names come again, and the claim of its volume. */
export async function discoverWorkflows(
  cluster: Cluster,
  place: Place,
  store: Store,
  signal: AbortSignal
): Promise<void> {
  const lists = await Promise.all(selectors.map(selector => listMetadata(cluster, selector, signal)));
  const all = new Map(lists.flat().map(metadata => [metadata.uid, metadata]));
  const newest = [...all.values()].sort((a, b) => createdAt(b) - createdAt(a)).slice(0, looked);
  for (const metadata of newest.reverse()) {
    const { name = '', uid = '' } = metadata;
    const isKnown = () => hasRecord(store, metadata);
    if (others.has(uid) || isKnown()) continue;
    const workflow = await readWorkflow(cluster, name);
    if (workflow?.metadata?.uid !== uid) continue;
    const plan = readWorkflowPlan(workflow);
    const of = workflow.metadata.labels?.[label.run]; // what the snapshots of a run of Sluice's carry
    // one that is made from a template has its steps only when the controller has seen it
    if (plan.tasks.length === 0 && workflow.status?.phase) others.add(uid);
    if (plan.tasks.length === 0) continue;
    recordFound(
      store,
      {
        ...{ id: name, runner: 'argo', pipeline: plan.name, at: createdAt(metadata) },
        ...(plan.notebook === undefined ? {} : { notebook: plan.notebook }),
        parameters: readParameters(workflow),
        place: { ...place, uid, claim: findClaim(workflow), ...(of !== undefined && { run: of }) },
        steps: plan.tasks.map(task => task.name)
      },
      isKnown
    );
  }
}

type Metadata = NonNullable<ArgoWorkflow['metadata']>;

const createdAt = ({ creationTimestamp = '' }: Metadata): number => Date.parse(creationTimestamp);

/** A run's own process labels the workflow with the run before it has written down its name. */
function hasRecord({ sql }: Store, { uid = '', labels = {} }: Metadata): boolean {
  const run = labels[label.run] ?? '';
  return sql.get(`SELECT 1 FROM runs WHERE id = ? OR json_extract(remote, '$.place.uid') = ?`, run, uid) !== undefined;
}

/** A workflow carries its steps' source; of a list only the metadata are asked for. */
async function listMetadata(cluster: Cluster, labelSelector: string, signal: AbortSignal): Promise<Metadata[]> {
  const { group, version, plural } = workflowApi;
  const path = `/apis/${group}/${version}/namespaces/${cluster.namespace}/${plural}`;
  const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
  const list = { path, labelSelector, accept, resource: workflowResource };
  const { objects } = await listAll<Watched & { readonly metadata: Metadata }>(cluster, list, signal);
  return objects.map(({ metadata }) => metadata);
}

/** One that is there already, or what Argo calls the one that the workflow makes. */
function findClaim(workflow: ArgoWorkflow): string {
  const own = specOf(workflow).volumes?.find(({ name }) => name === volumeName);
  return own?.persistentVolumeClaim?.claimName ?? `${workflow.metadata?.name}-${volumeName}`;
}

/** Argo's parameters are texts; what is JSON in one, such as a number, was given as such. */
function readParameters(workflow: ArgoWorkflow): Record<string, JsonValue> {
  const given = workflow.spec?.arguments?.parameters ?? [];
  const own = specOf(workflow).arguments?.parameters ?? [];
  const values = new Map([...own, ...given].map(({ name, value }) => [name, value]));
  values.delete(runtimeParameter);
  return Object.fromEntries(
    [...values].flatMap(([name, value]) => (value === undefined ? [] : [[name, toValue(value)]]))
  );
}

function toValue(text: string): JsonValue {
  if (text === 'None') return null;
  try {
    return JSON.parse(text.replace(/^(True|False)$/, word => word.toLowerCase())) as JsonValue;
  } catch {
    return fromText(text);
  }
}
