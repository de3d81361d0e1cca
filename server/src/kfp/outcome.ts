// What a step left in Kubeflow, brought here: what it printed, its executed notebook with all outputs, its metrics, and where its values are.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  metricsArtifact,
  notebookArtifact,
  shownArtifacts,
  type ArtifactRecord,
  type Failure,
  type MetricValue,
  type Output
} from '@sluice/core';
import type { EngineEvent, RemoteRun } from '../runners/engine.js';
import { isRecord } from '../runners/told.js';
import type { Connection } from './connect.js';
import { readArtifact, readPodLog } from './files.js';
import type { KfpArtifact } from './metadata.js';
import type { TaskStanding } from './standing.js';

/** What is new in the log of the step's pod. */
export async function* tellLog(
  { ui }: Connection,
  id: string,
  run: RemoteRun,
  step: string,
  { pod, namespace }: TaskStanding,
  signal: AbortSignal
): AsyncIterable<EngineEvent> {
  if (pod === undefined) return;
  const source = `log:${pod}`;
  const known = Number(run.position(source) ?? 0);
  const text = await readPodLog(ui, { run: id, pod, namespace }, signal);
  if (text === undefined || text.length <= known) return;
  const position = String(text.length).padStart(12, '0');
  yield { type: 'log', step, stream: 'stdout', text: text.slice(known), origin: { source, position } };
}

/** What the step gave, once it has ended. `artifacts` are those of its task. */
export async function* tellOutcome(
  { ui, namespace }: Connection,
  run: RemoteRun,
  step: string,
  artifacts: readonly KfpArtifact[],
  signal: AbortSignal
): AsyncIterable<EngineEvent> {
  const fetchFile = async (name: string): Promise<Buffer | undefined> => {
    const artifact = artifacts.find(candidate => candidate.name === name);
    return artifact && readArtifact(ui, artifact.uri, namespace, signal);
  };
  const notebook = await fetchFile(notebookArtifact);
  yield* tellNotebook(step, notebook);
  const metrics = await fetchFile(metricsArtifact);
  const scalars = artifacts.find(({ name }) => name === metricsArtifact)?.metadata ?? {};
  for (const [name, value] of readMetrics(metrics) ?? Object.entries(scalars).filter(isMetric))
    yield { type: 'metric', step, name, value };
  const { layout } = run;
  for (const artifact of artifacts.filter(({ name }) => !Object.hasOwn(shownArtifacts, name))) {
    const bytes =
      artifact.name === notebookArtifact ? notebook : artifact.name === metricsArtifact ? metrics : undefined;
    const path = layout.artifact(step, artifact.name);
    if (bytes !== undefined) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
    yield { type: 'artifact', step, artifact: toRecord(artifact, bytes === undefined ? undefined : { path, bytes }) };
  }
  await mkdir(layout.stepFolder(step), { recursive: true });
  await writeFile(layout.outputFile(step), JSON.stringify(toExecutorOutput(artifacts)));
}

/** Its cells and their outputs, as they would have come while it ran. */
function* tellNotebook(step: string, bytes: Buffer | undefined): Iterable<EngineEvent> {
  const notebook = parse(bytes);
  if (!isRecord(notebook) || !Array.isArray(notebook.cells)) return;
  let count = 0;
  const origin = () => ({ source: `notebook:${step}`, position: String(++count).padStart(6, '0') });
  for (const cell of notebook.cells.filter(isRecord)) {
    const about = isRecord(cell.metadata) && isRecord(cell.metadata.sluice) ? cell.metadata.sluice : {};
    const { index, state } = about;
    if (typeof index !== 'number' || state === 'pending') continue;
    yield { type: 'cell', step, cell: index, state: 'running', origin: origin() };
    for (const output of Array.isArray(cell.outputs) ? cell.outputs.filter(isRecord) : [])
      yield { type: 'output', step, cell: index, output: output as Output, origin: origin() };
    if (state === 'succeeded' || state === 'failed') yield { type: 'cell', step, cell: index, state, origin: origin() };
  }
}

function readMetrics(bytes: Buffer | undefined): [string, MetricValue][] | undefined {
  const metrics = parse(bytes);
  return isRecord(metrics)
    ? (Object.entries(metrics).filter(([, value]) => value !== null) as [string, MetricValue][])
    : undefined;
}

/** KFP's launcher adds words of its own to what the step said of an artifact. */
function isMetric(entry: [string, unknown]): entry is [string, number] {
  return typeof entry[1] === 'number';
}

function toRecord(
  { name, uri, metadata }: KfpArtifact,
  file: { readonly path: string; readonly bytes: Buffer } | undefined
): ArtifactRecord {
  const { variables } = metadata;
  const described = Array.isArray(variables) ? variables.filter(isRecord).map(toVariable) : undefined;
  const kind =
    name === notebookArtifact ? 'notebook' : name === metricsArtifact ? 'metrics' : described ? 'values' : 'file';
  const place = file === undefined ? { path: uri, sizeBytes: 0 } : { path: file.path, sizeBytes: file.bytes.length };
  return { name, kind, ...place, ...(described && { variables: described }) };
}

function toVariable({ name, type, summary }: Record<string, unknown>) {
  return { name: String(name ?? ''), type: String(type ?? ''), summary: String(summary ?? '') };
}

function toExecutorOutput(artifacts: readonly KfpArtifact[]): object {
  const entries = artifacts.map(({ name, uri, metadata }) => [name, { artifacts: [{ name, uri, metadata }] }]);
  return { parameterValues: {}, artifacts: Object.fromEntries(entries) };
}

function parse(bytes: Buffer | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The launcher keeps nothing of a step that failed but its log; the runtime's traceback is the end of it. */
export function readFailure(log: string): Failure | undefined {
  const lines = log.trimEnd().split('\n').slice(-60);
  const start = lines.lastIndexOf('Traceback (most recent call last):');
  if (start < 0) {
    const last = lines.at(-1)?.trim() ?? '';
    return last === '' ? undefined : { name: 'exit-status', message: last };
  }
  const traceback = lines.slice(start);
  const raised = traceback.findIndex((line, i) => i > 0 && /^\S/.test(line));
  if (raised < 0) return undefined;
  const [, name = 'Exception', message = ''] = /^([\w.]+)(?:: ([^]*))?$/.exec(traceback.slice(raised).join('\n')) ?? [];
  const place = traceback.map(line => /^\s*cell (\d+), line (\d+)/.exec(line)).filter(match => match !== null);
  const at = place.at(-1);
  return {
    name,
    message,
    ...(at === undefined ? {} : { cell: Number(at[1]) - 1, line: Number(at[2]) }),
    traceback
  };
}
