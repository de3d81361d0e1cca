// What a step will take while it works: what its settings ask for, else one core, and the memory that it took the last time.
import type { PlanTask, StepUsage } from '@sluice/core';
import type { Sql } from '../database.js';
import { newestFirst } from '../rows.js';
import type { Need } from './capacity.js';

/** `notebook` is as the records have it; undefined for an IR, whose steps are known by their pipeline. */
export function findNeed(
  sql: Sql,
  { name, cpus, memoryBytes }: PlanTask,
  { notebook, pipeline }: { readonly notebook: string | undefined; readonly pipeline: string }
): Need {
  const peak = memoryBytes === undefined ? findPeak(sql, name, notebook, pipeline) : undefined;
  return {
    cores: cpus ?? 1,
    ...(memoryBytes !== undefined && { memory: { bytes: memoryBytes, source: 'settings' } }),
    ...(peak !== undefined && { memory: { bytes: peak, source: 'last run' } })
  };
}

/** Of the last time that somebody could measure it. */
function findPeak(sql: Sql, step: string, notebook: string | undefined, pipeline: string): number | undefined {
  const row = sql.get(
    `SELECT steps.usage FROM runs JOIN steps ON steps.run = runs.id
     WHERE runs.notebook IS ? AND runs.pipeline = ? AND steps.name = ? AND steps.usage IS NOT NULL
     ORDER BY ${newestFirst} LIMIT 1`,
    ...[notebook ?? null, pipeline, step]
  );
  const bytes = row && (JSON.parse(row.usage as string) as StepUsage).peakMemoryBytes;
  return bytes ? bytes : undefined;
}
