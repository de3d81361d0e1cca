// That a storage driver can clone is written nowhere: neither its CSIDriver nor a StorageClass says so. What provisions volumes for it knows, and says
// it in an event as soon as it is asked for a clone. So one is asked for before the run; in the middle of it, steps would wait for nothing.
import { randomBytes } from 'node:crypto';
import { toObjectName } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { Cluster } from './access.js';
import {
  createClaim,
  findTrouble,
  readClaim,
  removeClaim,
  waitForClaim,
  type ClaimSpec,
  type Waiting
} from './volumes.js';

export interface CloneTrial extends Omit<ClaimSpec, 'from'> {
  /** what is cloned; `name` is the clone's, which is removed again */
  readonly claim: string;
  /** what can be done, where it can't be cloned */
  readonly cure: string;
}

/** @throws PipelineError `remote` with the driver's reason; where it gives none in time, with that */
export async function tryClone(cluster: Cluster, trial: CloneTrial, waiting: Waiting = {}): Promise<void> {
  const error = await attempt(cluster, trial, waiting);
  if (error !== undefined) throw error.trouble === undefined ? error.cause : refused(trial, error.trouble);
}

/**
 * The same of a volume that is there already, before there is a run: from who says nothing for five seconds, no refusal is to be expected.
 * @throws PipelineError `remote` with the driver's reason
 */
export async function checkClone(cluster: Cluster, trial: Omit<CloneTrial, 'name'>): Promise<void> {
  const name = toObjectName('sluice-probe', trial.claim, randomBytes(3).toString('hex'));
  const error = await attempt(cluster, { ...trial, name }, { timeoutMs: 5000 });
  if (error?.trouble !== undefined) throw refused({ ...trial, name }, error.trouble);
}

/** Undefined where it works. @throws PipelineError where it can't be asked for */
async function attempt(
  cluster: Cluster,
  { claim, name, size, accessModes, storageClass, belonging }: CloneTrial,
  waiting: Waiting
): Promise<{ readonly trouble: string | undefined; readonly cause: unknown } | undefined> {
  const optional = { ...(storageClass && { storageClass }), ...(belonging && { belonging }) };
  await createClaim(cluster, { name, size, accessModes, ...optional, from: { kind: 'claim', name: claim } });
  try {
    await waitForClaim(cluster, name, waiting);
    return undefined;
  } catch (cause) {
    waiting.signal?.throwIfAborted();
    return { trouble: await findTrouble(cluster, await readClaim(cluster, name)), cause };
  } finally {
    await removeClaim(cluster, name).catch(() => undefined); // its label tells whose it is
  }
}

const refused = ({ claim, cure }: CloneTrial, trouble: string): PipelineError =>
  new PipelineError(
    `The volume of claim ‘${claim}’ can’t be cloned, and a clone was to stand for a snapshot: ${describe(trouble)}. ${cure}`,
    'remote'
  );

// https://github.com/kubernetes-csi/external-provisioner: pkg/controller/controller.go
const describe = (trouble: string): string =>
  /does not support clone operations/.test(trouble) ? 'its storage driver makes none' : trouble.replace(/\.$/, '');
