// Argo keeps what a step left by a task of its own, also where it failed, was out of time or its pod was taken away; but it begins nothing any more in
// a run that is canceled. There, who follows the run keeps it.
import { existsSync, readFileSync } from 'node:fs';
import { claimsOf, type SnapshotOptions } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import type { Cluster } from '../kubernetes/access.js';
import { keepLeft } from '../kubernetes/left.js';
import type { RemoteRun } from '../runners/engine.js';
import type { Keeping } from '../volumes/keeping.js';
import { belongingOf } from '../volumes/place.js';

export interface EndedStep {
  readonly step: string;
  readonly pod: string;
  readonly endedAt: number | undefined;
}

/** Sentences for the step's log. `name` is the workflow's. */
export async function keepOfRun(
  cluster: Cluster,
  run: RemoteRun,
  name: string,
  { step, pod, endedAt }: EndedStep,
  signal: AbortSignal
): Promise<string[]> {
  const { plan, place, layout } = run;
  if (place.keeping === undefined || !existsSync(layout.ir)) return [];
  const { own, others } = JSON.parse(place.keeping) as Keeping;
  const mounts = claimsOf(readIr(readFileSync(layout.ir, 'utf8')), plan);
  const volumes: readonly SnapshotOptions[] = [
    { ...own, claim: name },
    ...others.filter(({ claim }) => mounts.get(claim)?.includes(step))
  ];
  const ways = volumes
    .filter(({ policy }) => policy === 'each-step')
    .map(({ claim, class: named, clone }) => [
      claim,
      { ...(named && { class: named }), isCloned: clone !== undefined }
    ]);
  const belonging = { ...belongingOf(run), run: run.id, step };
  const left = { belonging, ways: Object.fromEntries(ways), pod, ...(endedAt !== undefined && { endedAt }) };
  return keepLeft(cluster, left, signal);
}
