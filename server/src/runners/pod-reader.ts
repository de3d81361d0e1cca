// What a step in a pod tells of itself through its log, beside what it prints. What is no event of the run itself, such as why the step failed,
// is kept in a file, so that a follower that comes later knows it.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ArtifactRecord,
  type Failure,
  isRecord,
  metricsArtifact,
  notebookArtifact,
  type PlanTask,
  type StepUsage
} from '@sluice/core';
import type { EngineEvent, RemoteRun } from './engine.js';
import { readExecutorOutput } from './executor.js';
import { readTold } from './told.js';

/** What the pod said of its end. */
export interface PodReport {
  readonly pod: string;
  readonly failure?: Failure;
  readonly status?: number;
  readonly usage?: StepUsage;
  /** when the first and the last event came, in milliseconds since 1970 */
  readonly firstAt?: number;
  readonly lastAt?: number;
}

type Place = Pick<EngineEvent, 'at' | 'origin'>;

export interface PodReaderOptions {
  readonly run: RemoteRun;
  readonly task: PlanTask;
  readonly pod: { readonly uid: string };
  /** where the value of an artifact is that stays elsewhere; undefined: nothing is told of it */
  placeOf(artifact: string): string | undefined;
  tell(event: EngineEvent): Promise<void>;
}

export class PodReader {
  private report: PodReport;
  private outputRoom = 10_000_000;

  constructor(private readonly options: PodReaderOptions) {
    const { run, task, pod } = options;
    const known = readReport(run, task.name);
    this.report = known?.pod === pod.uid ? known : { pod: pod.uid };
  }

  async take(event: unknown, place: Place): Promise<void> {
    if (!isRecord(event)) return;
    const { task, tell } = this.options;
    if (event.type === 'left') return this.takeLeft(event, place);
    if (event.type === 'ended') {
      const { status, usage } = event;
      return this.note({
        ...(typeof status === 'number' ? { status } : {}),
        ...(isRecord(usage) ? { usage: toUsage(usage) } : {}),
        ...(place.at === undefined ? {} : { lastAt: place.at })
      });
    }
    const told = readTold(task.name, event);
    if (told === undefined || told.type === 'files') return;
    if (told.type === 'failure') return this.note({ failure: told.failure });
    if (told.type === 'output' && (this.outputRoom -= JSON.stringify(told.output).length) < 0) return;
    if (this.report.firstAt === undefined && place.at !== undefined) await this.note({ firstAt: place.at });
    await tell({ ...told, ...place });
  }

  /** A file of the step's: people's go to this machine, values stay where they are. */
  private async takeLeft({ artifact, sizeBytes, content }: Record<string, unknown>, place: Place): Promise<void> {
    const { run, task, tell } = this.options;
    const { layout } = run;
    if (artifact === undefined) {
      if (typeof content === 'string') await write(layout.outputFile(task.name), content);
      return;
    }
    if (typeof artifact !== 'string' || typeof sizeBytes !== 'number') return;
    const path = typeof content === 'string' ? layout.artifact(task.name, artifact) : this.options.placeOf(artifact);
    if (path === undefined) return;
    if (typeof content === 'string') await write(path, content);
    const { variables } = (await readExecutorOutput(layout, task.name))?.[artifact] ?? {};
    const record: ArtifactRecord = {
      ...{ name: artifact, kind: kindOf(artifact, variables), path, sizeBytes },
      ...(Array.isArray(variables) ? { variables } : {})
    };
    await tell({ type: 'artifact', step: task.name, artifact: record, ...place });
  }

  private async note(more: Partial<PodReport>): Promise<void> {
    this.report = { ...this.report, ...more };
    await write(reportPath(this.options.run, this.options.task.name), JSON.stringify(this.report));
  }
}

/** What the step's last pod said of its end, as far as it could. */
export function readReport(run: RemoteRun, step: string): PodReport | undefined {
  const path = reportPath(run, step);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as PodReport) : undefined;
}

const reportPath = ({ layout }: RemoteRun, step: string) => join(layout.stepFolder(step), 'pod.json');

/** Why it failed from its executed notebook, where the line of the log that told it was torn. */
export function readNotebookFailure({ layout }: RemoteRun, step: string): Failure | undefined {
  try {
    const notebook = JSON.parse(readFileSync(layout.artifact(step, notebookArtifact), 'utf8')) as {
      metadata?: { sluice?: { failure?: unknown } };
    };
    const told = readTold(step, { type: 'failure', failure: notebook.metadata?.sluice?.failure });
    return told?.type === 'failure' ? told.failure : undefined;
  } catch {
    return undefined; // it did not come
  }
}

function toUsage({ cpuMs, peakMemoryBytes }: Record<string, unknown>): StepUsage {
  return { cpuMs: Number(cpuMs ?? 0), peakMemoryBytes: Number(peakMemoryBytes ?? 0), bytesIn: 0, bytesOut: 0 };
}

function kindOf(name: string, variables: unknown): ArtifactRecord['kind'] {
  if (name === notebookArtifact) return 'notebook';
  if (name === metricsArtifact) return 'metrics';
  return Array.isArray(variables) ? 'values' : 'file';
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
