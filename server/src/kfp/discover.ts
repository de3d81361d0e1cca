// Runs that somebody started elsewhere — in Kubeflow's own UI, by a schedule, on another machine — get a record here like any other, and are
// followed from then on.
import { isRecord, type JsonValue, type Plan } from '@sluice/core';
import { recordFound } from '../runners/found.js';
import { readPlan } from '../runners/plans.js';
import type { Store } from '../store.js';
import type { KfpRun } from './client.js';
import type { Connection } from './connect.js';

/** of the newest runs, so many are looked at */
const looked = 30;

export async function discoverRuns({ client, namespace, place }: Connection, store: Store): Promise<void> {
  const runs = await client.listRuns(namespace, looked);
  for (const run of runs.reverse()) {
    const { run_id: id = '', display_name: name = id, runtime_config: config } = run;
    if (isKnown(store, id, name)) continue;
    const { text, plan } = await readSpec(run);
    const mark = /"value":"log:([\w-]+)"/.exec(text ?? '')?.[1]; // of a run of Sluice's that was started again there
    const at = Date.parse(run.created_at ?? '');
    recordFound(
      store,
      {
        ...{ id, pipeline: name, runner: 'kubeflow', at: at > 0 ? at : Date.now() },
        ...(plan?.notebook === undefined ? {} : { notebook: plan.notebook }),
        parameters: (config?.parameters ?? {}) as Record<string, JsonValue>,
        place: { ...place, ...(namespace === undefined ? {} : { namespace }), ...(mark === undefined ? {} : { mark }) },
        steps: plan?.tasks.map(task => task.name) ?? [],
        ...(text === undefined ? {} : { ir: text })
      },
      () => isKnown(store, id, name)
    );
  }
}

/** A process that starts a run has its record, whose id ends the run's name, before it has Kubeflow's id of it. */
function isKnown({ sql }: Store, id: string, name: string): boolean {
  const found = sql.get(
    `SELECT 1 FROM runs WHERE (runner = 'kubeflow' AND json_extract(remote, '$.id') = ?) OR ? LIKE '% ' || id`,
    ...[id, name]
  );
  return found !== undefined;
}

/** The pipeline, where Sluice can read it: one with loops or conditions has no plan here, but its run has states all the same. */
async function readSpec({ pipeline_spec: given }: KfpRun): Promise<{ readonly text?: string; readonly plan?: Plan }> {
  if (!isRecord(given)) return {};
  const parts = isRecord(given.pipeline_spec) ? [given.pipeline_spec, given.platform_spec] : [given];
  const text = parts.flatMap(part => (isRecord(part) ? [JSON.stringify(part)] : [])).join('\n---\n');
  try {
    return { text, plan: await readPlan(text) };
  } catch {
    return {};
  }
}
