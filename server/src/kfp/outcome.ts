// What a step left in Kubeflow, brought here: what it printed, its executed notebook with all outputs, its metrics, and where its values are.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type ArtifactRecord,
  endedStates,
  isRecord,
  metricsArtifact,
  type MetricValue,
  notebookArtifact,
  type Output,
  type PlanTask,
  shownArtifacts
} from '@sluice/core';
import type { EngineEvent, RemoteRun } from '../runners/engine.js';
import { MarkReader } from '../runners/marks.js';
import { PodReader } from '../runners/pod-reader.js';
import type { Connection } from './connect.js';
import { readArtifact, readPodLog } from './files.js';
import type { KfpArtifact } from './metadata.js';
import type { TaskStanding } from './standing.js';

export interface LogOf {
  /** Kubeflow's */
  readonly id: string;
  readonly run: RemoteRun;
  readonly step: string;
  /** undefined in a pipeline that Sluice cannot read */
  readonly planned: PlanTask | undefined;
  readonly standing: TaskStanding;
}

/** What is new in the log of the step's pod: what it printed, and where the run has a mark, its cells, outputs and metrics. */
export async function* tellLog({ ui }: Connection, about: LogOf, signal: AbortSignal): AsyncIterable<EngineEvent> {
  const { id, run, step, planned, standing } = about;
  const { pod, namespace, state } = standing;
  if (pod === undefined) return;
  const text = await readPodLog(ui, { run: id, pod, namespace }, signal);
  if (text === undefined) return;
  const source = `log:${pod}`;
  if (run.place.mark !== undefined && planned !== undefined) {
    yield* tellMarked(text, { run, step, planned, pod, mark: run.place.mark, isWhole: endedStates.has(state!) });
    return;
  }
  const known = Number(run.position(source) ?? 0);
  if (text.length <= known) return;
  const position = String(text.length).padStart(12, '0');
  yield { type: 'log', step, stream: 'stdout', text: text.slice(known), origin: { source, position } };
}

interface Marked {
  readonly run: RemoteRun;
  readonly step: string;
  readonly planned: PlanTask;
  readonly pod: string;
  readonly mark: string;
  /** the last line may lack its end, and nothing more comes */
  readonly isWhole: boolean;
}

/** A line that began before ends here; lines are counted, so that a follower goes on where another one stood. */
async function* tellMarked(
  text: string,
  { run, step, planned, pod, mark, isWhole }: Marked
): AsyncIterable<EngineEvent> {
  const source = `log:${pod}`;
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  if (isWhole && rest !== '') lines.push(rest);
  const first = Number(run.position(source)?.split('/')[0] ?? 0);
  const told: EngineEvent[] = [];
  const marks = new MarkReader(mark);
  const reader = new PodReader({
    ...{ run, task: planned, pod: { uid: pod }, placeOf: () => undefined },
    tell: async event => void told.push(event)
  });
  for (let i = first; i < lines.length; i++)
    for (const [k, piece] of marks.read(lines[i]!).entries()) {
      const origin = { source, position: `${String(i).padStart(9, '0')}/${k}` };
      if (piece.kind === 'text') yield { type: 'log', step, stream: piece.stream, text: piece.text, origin };
      else await reader.take(piece.event, { origin });
      yield* told.splice(0);
    }
}

/** What a step printed, to either stream, as one text. */
export function withoutMarks(log: string, mark: string | undefined): string {
  if (mark === undefined) return log;
  const marks = new MarkReader(mark);
  const pieces = log.split('\n').flatMap(line => marks.read(line));
  return pieces.map(piece => (piece.kind === 'text' ? piece.text : '')).join('');
}

export interface OutcomeOf {
  readonly run: RemoteRun;
  readonly step: string;
  /** those of its task */
  readonly artifacts: readonly KfpArtifact[];
  /** whether its cells and outputs have been told while it ran */
  readonly isLive: boolean;
}

/** What the step gave, once it has ended. */
export async function* tellOutcome(
  { ui, namespace }: Connection,
  { run, step, artifacts, isLive }: OutcomeOf,
  signal: AbortSignal
): AsyncIterable<EngineEvent> {
  const fetchFile = async (name: string): Promise<Buffer | undefined> => {
    const artifact = artifacts.find(candidate => candidate.name === name);
    return artifact && readArtifact(ui, artifact.uri, namespace, signal);
  };
  const notebook = await fetchFile(notebookArtifact);
  if (!isLive) yield* tellNotebook(step, notebook);
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
