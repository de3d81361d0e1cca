// What a step used, in all of its attempts: as the system counted it for its processes, and the size of the values that it took and gave.
import type { ArtifactRecord, PlanTask, StepUsage } from '@sluice/core';
import type { ProcessUsage } from '../process.js';
import { sizeOf } from './executor.js';
import type { Layout } from './layout.js';

/** Undefined where nobody could count, e.g. for a process that was killed and that nobody had waited for. */
export async function sumUsage(
  attempts: readonly ProcessUsage[],
  task: PlanTask,
  layout: Layout,
  artifacts: readonly ArtifactRecord[]
): Promise<StepUsage | undefined> {
  if (attempts.length === 0) return undefined;
  const taken = await Promise.all(task.artifacts.map(({ from, artifact }) => sizeOf(layout.artifact(from, artifact))));
  return {
    cpuMs: sum(attempts.map(attempt => attempt.cpuMs)),
    peakMemoryBytes: Math.max(...attempts.map(attempt => attempt.peakMemoryBytes)),
    bytesIn: sum(taken.map(size => size ?? 0)),
    bytesOut: sum(artifacts.filter(({ kind }) => kind === 'values').map(({ sizeBytes }) => sizeBytes))
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
