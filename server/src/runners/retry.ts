// A failed step is tried again after a while, which it spends as `pending`. A canceled run ends the waiting at once.
import { waitSeconds, type PlanTask, type RunEventBody } from '@sluice/core';
import { pause } from '../pause.js';

/** Wait until attempt number `attempt` (2 or more) is due. Resolves early, too, when `signal` is aborted. */
export async function waitForRetry(
  { name: step, retries, backoff }: PlanTask,
  attempt: number,
  append: (body: RunEventBody) => void,
  signal: AbortSignal
): Promise<void> {
  const seconds = backoff === undefined ? 0 : waitSeconds(backoff, attempt - 1);
  if (seconds === 0 || signal.aborted) return;
  append({ type: 'step', step, state: 'pending', reason: `Attempt ${attempt} of ${retries + 1} in ${seconds} s.` });
  await pause(seconds * 1000, signal);
}
