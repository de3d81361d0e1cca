// Runs that somebody started elsewhere — in Kubeflow's own UI, by a schedule, on another machine — get a record here like any other, and are
// followed from then on.
import { mkdir, writeFile } from 'node:fs/promises';
import type { JsonValue } from '@sluice/core';
import { layoutOf } from '../runners/layout.js';
import { readPlan } from '../runners/plans.js';
import { isRecord } from '../runners/told.js';
import type { Store } from '../store.js';
import type { KfpRun } from './client.js';
import type { Connection } from './connect.js';

/** of the newest runs, so many are looked at */
const looked = 30;

/** Nobody owns the new records: whoever follows runs comes upon them. */
export async function discoverRuns({ client, namespace, place }: Connection, store: Store): Promise<void> {
  const known = new Set(
    store.sql.all(`SELECT json_extract(remote, '$.id') AS id FROM runs WHERE runner = 'kubeflow'`).map(row => row.id)
  );
  const runs = (await client.listRuns(namespace, looked)).filter(({ run_id }) => !known.has(run_id!));
  for (const run of runs.reverse()) {
    const { run_id: id = '', display_name: name = id, runtime_config: config } = run;
    // a process that starts a run has its record before Kubeflow's id of it
    if (store.sql.get(`SELECT 1 FROM runs WHERE ? LIKE '% ' || id`, name) !== undefined) continue;
    const { id: made } = store.create({
      ...{ pipeline: name, runner: 'kubeflow', parameters: (config?.parameters ?? {}) as Record<string, JsonValue> },
      remote: { id, place: { ...place, ...(namespace === undefined ? {} : { namespace }) } }
    });
    const at = Date.parse(run.created_at ?? '');
    if (at > 0) store.sql.run('UPDATE runs SET created_at = ? WHERE id = ?', at, made);
    const text = await keepSpec(run, store, made);
    const steps = text === undefined ? [] : (await readPlan(text)).tasks.map(task => task.name);
    store.append(made, { type: 'run-started', run: made, steps }, at > 0 ? at : Date.now());
    store.release(made);
  }
}

/** The pipeline, where Sluice can read it: one with loops or conditions has no plan here, but its run has states all the same. */
async function keepSpec({ pipeline_spec: given }: KfpRun, store: Store, run: string): Promise<string | undefined> {
  if (!isRecord(given)) return undefined;
  const parts = isRecord(given.pipeline_spec) ? [given.pipeline_spec, given.platform_spec] : [given];
  const text = parts.flatMap(part => (isRecord(part) ? [JSON.stringify(part)] : [])).join('\n---\n');
  try {
    await readPlan(text);
  } catch {
    return undefined;
  }
  const layout = layoutOf(store.home, run);
  await mkdir(layout.folder, { recursive: true });
  await writeFile(layout.ir, text);
  return text;
}
