// KFP's executor contract, from the starter's side: ExecutorInput as JSON for a step, and what ExecutorOutput says afterwards.
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArtifactRecord,
  isRecord,
  type JsonValue,
  makeExecutorInput,
  metricsArtifact,
  type MetricValue,
  notebookArtifact,
  type PlanTask
} from '@sluice/core';
import type { Layout } from './layout.js';

/** An artifact's metadata as its step wrote them, by its key. */
export type Metadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Given {
  readonly layout: Layout;
  /** the pipeline's parameters */
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** of the steps that have ended */
  readonly metadata: ReadonlyMap<string, Metadata>;
}

/** ExecutorInput of a step on this machine. */
export function toExecutorInput(task: PlanTask, { layout, parameters, metadata }: Given): string {
  const places = {
    artifact: layout.artifact,
    outputFile: layout.outputFile,
    metadata: (step: string, key: string) => metadata.get(step)?.[key]
  };
  return makeExecutorInput(task, places, name => JSON.stringify(parameters[name] ?? null));
}

/** Undefined where the step left none, or none that can be read: it did not end by the contract. */
export async function readExecutorOutput(layout: Layout, step: string): Promise<Metadata | undefined> {
  try {
    const output: unknown = JSON.parse(await readFile(layout.outputFile(step), 'utf8'));
    if (!isRecord(output) || !isRecord(output.artifacts)) return {};
    return Object.fromEntries(Object.entries(output.artifacts).map(([key, list]) => [key, metadataOf(list)]));
  } catch {
    return undefined;
  }
}

function metadataOf(list: unknown): Record<string, unknown> {
  const [first]: unknown[] = isRecord(list) && Array.isArray(list.artifacts) ? list.artifacts : [];
  return isRecord(first) && isRecord(first.metadata) ? first.metadata : {};
}

/** Records of the artifacts that are there. */
export async function readArtifacts(task: PlanTask, layout: Layout, metadata: Metadata): Promise<ArtifactRecord[]> {
  const records: ArtifactRecord[] = [];
  for (const { name } of task.outputs) {
    const path = layout.artifact(task.name, name);
    const sizeBytes = await sizeOf(path);
    if (sizeBytes === undefined) continue;
    const { variables } = metadata[name] ?? {};
    const described = Array.isArray(variables) ? variables.filter(isRecord).map(toVariable) : undefined;
    records.push({
      name,
      kind: kindOf(name, described !== undefined),
      path,
      sizeBytes,
      ...(described && { variables: described })
    });
  }
  return records;
}

/** All metrics of a step, from the file that it leaves; for a runtime that did not tell them as they came. */
export async function readMetrics(path: string): Promise<[string, MetricValue][]> {
  try {
    const metrics: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isRecord(metrics)
      ? (Object.entries(metrics).filter(([, value]) => value !== null) as [string, MetricValue][])
      : [];
  } catch {
    return [];
  }
}

function toVariable(variable: Record<string, unknown>): { name: string; type: string; summary: string } {
  return {
    name: String(variable.name ?? ''),
    type: String(variable.type ?? ''),
    summary: String(variable.summary ?? '')
  };
}

function kindOf(name: string, hasVariables: boolean): ArtifactRecord['kind'] {
  if (name === notebookArtifact) return 'notebook';
  if (name === metricsArtifact) return 'metrics';
  return hasVariables ? 'values' : 'file';
}

/** Of a file, or of all files in a folder. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || !stats.isDirectory()) return stats?.size;
  const sizes = await Promise.all((await readdir(path)).map(name => sizeOf(join(path, name))));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
