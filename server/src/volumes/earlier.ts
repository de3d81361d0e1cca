// A run that goes on from another one has its own volume as it was before the first step. The volumes that steps mount besides are the user's,
// and are as they are now: what those steps wrote before is still there. That is said before the run, with the snapshot that has them as they were.
import { claimsOf } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import type { Cluster } from '../kubernetes/access.js';
import { findRunSnapshot } from '../kubernetes/snapshots.js';
import type { RemoteStart } from '../runners/engine.js';
import { labelOf } from '../runners/found.js';

/** A sentence for each volume that steps are going to write to again; with its snapshot where the cluster can be asked. */
export async function describeWritten(cluster: Cluster | undefined, run: RemoteStart): Promise<string[]> {
  const { past, plan, choice, request } = run;
  if (past === undefined) return [];
  const begun = new Set(past.steps.filter(({ startedAt }) => startedAt !== undefined).map(({ name }) => name));
  const claims = claimsOf(readIr(request.ir), plan, { areWritten: true });
  const found = [...claims].map(async ([claim, steps]) => {
    const again = steps.filter(step => choice.execute.has(step) && begun.has(step));
    if (again[0] === undefined) return [];
    const names = again.map(step => `‘${step}’`).join(', ');
    const what = `The volume ‘${claim}’ is as it is now: what ${names} wrote to it in run ${past.number} stays.`;
    const snapshot =
      cluster && (await findRunSnapshot(cluster, { run: labelOf(past), claim, step: again[0] }).catch(() => undefined));
    const cure = `As it was before ‘${again[0]}’: \`sluice cluster snapshots restore ${snapshot?.name} --to NEW-CLAIM\`, and mount that one.`;
    return [snapshot === undefined ? what : `${what} ${cure}`];
  });
  return (await Promise.all(found)).flat();
}
