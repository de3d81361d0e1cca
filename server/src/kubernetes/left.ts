// Most steps leave their volumes to somebody who keeps them: a task that comes after, or the step's own pod where it fails by itself. When the run
// is canceled, or the pod is taken away or killed as a whole, there is none of these any more: who follows the run keeps what the step left.
import { setTimeout as sleep } from 'node:timers/promises';
import { toObjectName } from '@sluice/core';
import { toPipelineError } from '../errors.js';
import { maybeAsk, statusOf, type Cluster } from './access.js';
import type { Belonging } from './labels.js';
import { listSnapshots, takeSnapshot, waitForSnapshot } from './snapshots.js';
import { createClaim, readClaim } from './volumes.js';

/** How a claim's volume is kept. */
export interface KeptWay {
  /** of VolumeSnapshotClass; undefined: the default one */
  readonly class?: string;
  readonly isCloned?: boolean;
}

export interface Left {
  readonly belonging: Required<Pick<Belonging, 'run' | 'step'>> & Belonging;
  /** the claims whose policy is ‘each-step’ and that the step mounts */
  readonly ways: Readonly<Record<string, KeptWay>>;
  /** the step's last one, where it is known */
  readonly pod?: string;
  /** in milliseconds since 1970, where it is known */
  readonly endedAt?: number;
}

/** a pod that is asked to end has half a minute for it */
const podPatienceMs = 45_000;
/** some storage takes minutes; the run's end does not wait for it */
const readyPatienceMs = 20_000;

/** Keep what nobody has kept after the step. A sentence for each volume, for the step's log. Rejects only when it is aborted. */
export async function keepLeft(cluster: Cluster, left: Left, signal: AbortSignal): Promise<string[]> {
  const claims = Object.keys(left.ways);
  if (claims.length === 0) return [];
  const refused = (claim: string, error: unknown) => {
    signal.throwIfAborted();
    return `What the step left on the volume ‘${claim}’ is not kept: ${toPipelineError(error).message}`;
  };
  try {
    const lacking = await findLacking(cluster, left);
    if (lacking.length === 0) return [];
    await waitForEnd(cluster, left.pod, signal);
    return await Promise.all(
      lacking.map(claim => keep(cluster, claim, left, signal).catch((error: unknown) => refused(claim, error)))
    );
  } catch (error) {
    return claims.map(claim => refused(claim, error));
  }
}

/** Of several tries of a step, each may have left a snapshot: the one that counts is of the pod that was the last. */
async function findLacking(cluster: Cluster, { belonging: { run, step }, ways, pod }: Left): Promise<string[]> {
  const taken = await listSnapshots(cluster, { run, step, moment: 'after' }).catch((error: unknown) => {
    if (statusOf(error) === 404) return []; // a cluster that has no VolumeSnapshots may have clones
    throw error;
  });
  const isOf = (other: string | undefined) => pod === undefined || other === undefined || other === pod;
  return Object.keys(ways).filter(claim => !taken.some(other => other.claim === claim && isOf(other.pod)));
}

/** What it still writes is part of what it leaves. */
async function waitForEnd({ core, namespace }: Cluster, name: string | undefined, signal: AbortSignal): Promise<void> {
  if (name === undefined) return;
  for (const end = Date.now() + podPatienceMs; Date.now() < end; await sleep(500, undefined, { signal })) {
    const pod = await maybeAsk({ verb: 'get', resource: 'pods', name, namespace }, () =>
      core.readNamespacedPod({ name, namespace })
    ).catch(() => undefined); // who may not see pods keeps the volume as it is
    const { phase, containerStatuses = [] } = pod?.status ?? {};
    const hasEnded = containerStatuses.length > 0 && containerStatuses.every(({ state }) => state?.terminated);
    if (pod === undefined || phase === 'Succeeded' || phase === 'Failed' || hasEnded) return;
  }
}

async function keep(cluster: Cluster, claim: string, left: Left, signal: AbortSignal): Promise<string> {
  const { belonging, ways, pod, endedAt = Date.now() } = left;
  const { class: snapshotClass, isCloned = false } = ways[claim]!;
  const moment = 'after';
  const stamp = Math.floor(endedAt / 1000).toString(16);
  const { run, step } = belonging;
  const name = toObjectName(run, step, moment, claim.includes(run) ? undefined : claim, stamp);
  if (isCloned) await clone(cluster, { name, claim, belonging: { ...belonging, moment } });
  else
    await takeSnapshot(cluster, {
      ...{ ...belonging, moment, claim, name },
      ...(snapshotClass === undefined ? {} : { class: snapshotClass }),
      ...(pod === undefined ? {} : { pod })
    });
  const what = isCloned ? 'clone' : 'snapshot';
  const isReady = await waitForSnapshot(cluster, name, { timeoutMs: readyPatienceMs, signal }).then(
    () => true,
    async (error: unknown) => {
      signal.throwIfAborted();
      if ((await listSnapshots(cluster, belonging)).find(other => other.name === name)?.error !== undefined)
        throw error;
      return false; // it is on its way
    }
  );
  return `The ${what} ‘${name}’ of claim ‘${claim}’ ${isReady ? 'is ready' : 'is being made'}: it has what the step left, which could not keep it itself.`;
}

/** As the volume is that it is a copy of. */
async function clone(
  cluster: Cluster,
  { name, claim, belonging }: { readonly name: string; readonly claim: string; readonly belonging: Belonging }
): Promise<void> {
  const { spec, status } = await readClaim(cluster, claim);
  const storageClass = spec?.storageClassName;
  await createClaim(cluster, {
    ...{ name, belonging, from: { kind: 'claim', name: claim }, accessModes: spec?.accessModes ?? ['ReadWriteOnce'] },
    size: status?.capacity?.storage ?? spec?.resources?.requests?.storage ?? '1Gi',
    ...(storageClass === undefined ? {} : { storageClass })
  });
}
