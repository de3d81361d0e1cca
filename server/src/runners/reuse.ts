// A step that this run does not execute, because a past run has done it already: its files become this run's (shared where the disk can),
// and so do its log, its metrics and its artifacts' records.
import { copyFile, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { notebookArtifact, readStepArgument, type PlanTask } from '@sluice/core';
import { logFile } from '../home.js';
import type { Store } from '../store.js';
import { readExecutorOutput, type Metadata } from './executor.js';
import { layoutOf, type Layout } from './layout.js';
import { isElsewhere } from './past.js';

export interface Reuse {
  readonly store: Store;
  readonly run: string;
  readonly layout: Layout;
  /** of the steps that have ended; this step's are added */
  readonly metadata: Map<string, Metadata>;
  /** where in this run what is elsewhere is; where it was in the other one, unless it says otherwise */
  readonly move?: (address: string) => string;
}

/** `from` is the run that has the step. */
export async function reuseStep(
  task: PlanTask,
  from: string,
  { store, run, layout, metadata, move }: Reuse
): Promise<void> {
  const { name: step } = task;
  const past = layoutOf(store.home, from);
  await rm(layout.stepFolder(step), { recursive: true, force: true });
  await mkdir(layout.stepFolder(step), { recursive: true });
  await share(past.outputFile(step), layout.outputFile(step));
  metadata.set(step, (await readExecutorOutput(layout, step)) ?? {});
  for (const { step: owner, ...artifact } of store.artifacts(from)) {
    if (owner !== step) continue;
    if (isElsewhere(artifact.path)) {
      store.append(run, {
        type: 'artifact',
        step,
        artifact: { ...artifact, path: move?.(artifact.path) ?? artifact.path }
      });
      continue;
    }
    const path = layout.artifact(step, artifact.name);
    if (artifact.name === notebookArtifact) await moveCells(artifact.path, path, task);
    else await share(artifact.path, path);
    store.append(run, { type: 'artifact', step, artifact: { ...artifact, path } });
  }
  for (const metric of store.stepMetrics(from))
    if (metric.step === step) store.append(run, { type: 'metric', ...metric });
  await shareLog(store, from, run, step);
}

/** A folder cannot be linked, and not every disk can link files. */
async function share(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await link(from, to).catch(() => copyFile(from, to));
}

/** The executed notebook, with its cells where they stand in the notebook now: others may have been put above them. */
async function moveCells(from: string, to: string, task: PlanTask): Promise<void> {
  const cells = readStepArgument(task.args)?.cells ?? [];
  const notebook = JSON.parse(await readFile(from, 'utf8')) as {
    cells: { id?: string; metadata: { sluice?: { index: number } } }[];
  };
  const own = notebook.cells.flatMap(({ metadata }) => (metadata.sluice === undefined ? [] : [metadata.sluice]));
  if (own.length !== cells.length || own.every(({ index }, i) => index === cells[i]!.index)) return share(from, to);
  own.forEach((about, i) => (about.index = cells[i]!.index));
  await writeFile(to, JSON.stringify(notebook, undefined, 1));
}

async function shareLog(store: Store, from: string, run: string, step: string): Promise<void> {
  const sizes = store.log(from, step);
  if (sizes === undefined) return;
  const [past, path] = [logFile(store.home, from, step), logFile(store.home, run, step)];
  for (const suffix of ['', '.streams']) await share(past + suffix, path + suffix).catch(() => undefined);
  store.addLog(run, step, path, sizes);
}
