// A failed step is tried again, and waits longer before each attempt: KFP's retryPolicy, written and read.
import type { Backoff, StepSettings } from '../step.js';
import type { PipelineTaskSpec_RetryPolicyJson as RetryPolicy } from './gen/pipeline_spec_pb.js';

/** Undefined where a failed step is not tried again. */
export function toRetryPolicy({ retries, backoff }: StepSettings): RetryPolicy | undefined {
  if (retries === 0) return undefined;
  return {
    maxRetryCount: retries,
    backoffDuration: `${backoff.delaySeconds}s`,
    backoffFactor: backoff.factor,
    backoffMaxDuration: `${backoff.longestSeconds}s`
  };
}

/** KFP's own defaults for what the policy leaves open: https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto */
export function readBackoff({ backoffDuration, backoffFactor, backoffMaxDuration }: RetryPolicy): Backoff {
  return {
    delaySeconds: toSeconds(backoffDuration) ?? 0,
    factor: Math.max(1, Number(backoffFactor ?? 2) || 2),
    longestSeconds: toSeconds(backoffMaxDuration) ?? 3600
  };
}

/** The wait before a retry, which are counted from 1. */
export function waitSeconds({ delaySeconds, factor, longestSeconds }: Backoff, retry: number): number {
  return Math.min(delaySeconds * factor ** (retry - 1), longestSeconds);
}

// Protobuf's durations as JSON are seconds with an `s`.
function toSeconds(duration: string | undefined): number | undefined {
  const seconds = Number(duration?.replace(/s$/, '') || NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
