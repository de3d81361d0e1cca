// What a step could not tell through its log, since it was killed, or its log was cut, or its results were too large for it, is on the run's
// volume: up to the last cell that ended. A short-lived pod reads it from there.
import { existsSync, statSync } from 'node:fs';
import { clusterPlaces, metricsArtifact, notebookArtifact, type Workflow } from '@sluice/core';
import { toPipelineError } from '../errors.js';
import type { Cluster } from '../kubernetes/access.js';
import { withVolumePod } from '../kubernetes/transfer.js';
import type { EngineEvent, RemoteRun } from '../runners/engine.js';
import { onVolume } from '../volumes/place.js';
import { toPodSpec } from '../volumes/pod.js';

/** a cluster that has no place for the pod is no reason not to tell the run's end */
const patienceMs = 120_000;

/** Bring it to this machine. `steps` are those that ended in a pod; `claim` is the run's volume. Never rejects. */
export async function fetchLeftovers(
  cluster: Cluster,
  run: RemoteRun,
  { claim, steps, templates }: { claim: string; steps: readonly string[]; templates: Workflow['spec']['templates'] },
  tell: (event: EngineEvent) => Promise<void>
): Promise<void> {
  const { layout, plan, place } = run;
  const lacking = plan.tasks.filter(
    ({ name }) => steps.includes(name) && !existsSync(layout.artifact(name, notebookArtifact))
  );
  if (lacking.length === 0) return;
  const places = clusterPlaces(plan);
  const files = new Map<string, string>();
  for (const { name } of lacking) {
    files.set(onVolume(place, places.outputFile(name)), layout.outputFile(name));
    for (const artifact of [notebookArtifact, metricsArtifact])
      files.set(onVolume(place, places.artifact(name, artifact)), layout.artifact(name, artifact));
  }
  try {
    const spec = toPodSpec(run, { templates, image: lacking[0]!.image, name: `${claim}-read`, claim });
    const notice = (text: string) => run.notice(text);
    run.notice('Reading from the run’s volume what a step could not tell.');
    await withVolumePod(cluster, spec, { notice, signal: AbortSignal.timeout(patienceMs) }, pod => pod.fetch(files));
    run.notice();
  } catch (error) {
    run.notice(`What a step left on the run’s volume could not be read: ${toPipelineError(error).message}`);
  }
  for (const { name: step } of lacking)
    for (const [artifact, kind] of [[notebookArtifact, 'notebook'] as const, [metricsArtifact, 'metrics'] as const]) {
      const path = layout.artifact(step, artifact);
      if (!existsSync(path)) continue;
      const record = { name: artifact, kind, path, sizeBytes: statSync(path).size };
      await tell({ type: 'artifact', step, artifact: record });
    }
}
