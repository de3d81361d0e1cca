// Kubeflow runs nothing after a step that failed, and the step's own pod can't keep what it left where it is removed or killed as a whole. Who follows
// the run keeps that as soon as it sees the step's end, through the Kubernetes API, as long as it knows the cluster.
import { existsSync, readFileSync } from 'node:fs';
import { claimsOf, findKept } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { toPipelineError } from '../errors.js';
import { openCluster, type Cluster } from '../kubernetes/access.js';
import { keepLeft, type KeptWay } from '../kubernetes/left.js';
import { readClusterSettings } from '../kubernetes/settings.js';
import type { EngineEvent, RemoteRun } from '../runners/engine.js';
import { openOwnCluster, type KeepingOptions, type KfpKeeping } from './keeping.js';
import { readOwnCluster, unknownCluster } from './own-cluster.js';
import { readVolume } from './run-volume.js';
import type { TaskStanding } from './standing.js';

/** For the step's log: what was kept of it now, and what could not be. Of a step that has kept it itself, nothing. */
export async function tellLeft(
  run: RemoteRun,
  { step, task, hasMetadata }: { readonly step: string; readonly task: TaskStanding; readonly hasMetadata: boolean },
  options: KeepingOptions,
  signal: AbortSignal
): Promise<EngineEvent[]> {
  const { state, pod, startedAt, endedAt } = task;
  if ((state !== 'failed' && state !== 'canceled') || startedAt === undefined) return [];
  if (pod === undefined && hasMetadata) return []; // it never began
  const ways = findWays(run, step);
  if (Object.keys(ways).length === 0) return [];
  const { id, notebook } = run;
  const belonging = { run: id, step, ...(notebook !== undefined && { notebook }) };
  const left = { belonging, ways, ...(pod !== undefined && { pod }), ...(endedAt !== undefined && { endedAt }) };
  const said = await findCluster(run, options).then(
    cluster => (cluster === undefined ? describeLost(state, ways) : keepLeft(cluster, left, signal)),
    (error: unknown) => [`What the step left on its volumes is not kept: ${toPipelineError(error).message}`]
  );
  return said.map((text, i) => ({
    ...{ type: 'log', step, stream: 'stderr', text: `${text}\n` },
    origin: { source: `left:${step}:${pod ?? ''}`, position: String(i) }
  }));
}

/** A step that failed has most likely kept it itself, and has said so. */
const describeLost = (state: string, ways: object): string[] =>
  state === 'failed'
    ? []
    : Object.keys(ways).map(claim => `What the step left on the volume ‘${claim}’ is not kept: ${unknownCluster}`);

/** Of the claims that are kept around the step. */
function findWays({ plan, place, layout }: RemoteRun, step: string): Record<string, KeptWay> {
  if (place.keeping === undefined) return {}; // whoever started it keeps it, and knows its label
  const ways = JSON.parse(place.keeping) as KfpKeeping;
  const { claim } = place;
  const own = claim !== undefined && readVolume(place)?.keeping.own.policy === 'each-step' ? [claim] : [];
  const kept = findKept(plan.workspace).flatMap(({ claim, policy }) => (policy === 'each-step' ? [claim] : []));
  const mounts =
    kept.length > 0 && existsSync(layout.ir)
      ? claimsOf(readIr(readFileSync(layout.ir, 'utf8')), plan)
      : new Map<string, readonly string[]>();
  const found = [...own, ...kept.filter(claim => mounts.get(claim)?.includes(step))];
  return Object.fromEntries(found.map(claim => [claim, ways[claim] ?? {}]));
}

function findCluster({ place }: RemoteRun, options: KeepingOptions): Promise<Cluster | undefined> {
  const own = readOwnCluster(place);
  if (own !== undefined) return openCluster(own, options.env);
  return openOwnCluster(options, readClusterSettings({}, options));
}
