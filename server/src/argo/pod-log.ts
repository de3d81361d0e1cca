// One pod of a step, read through its log: what it prints, its cells, outputs and metrics as they come, and what it leaves.
import type { PlanTask } from '@sluice/core';
import type { Cluster } from '../kubernetes/access.js';
import { followLog } from '../kubernetes/pod-log.js';
import type { EngineEvent, RemoteRun } from '../runners/engine.js';
import { MarkReader } from '../runners/marks.js';
import { PodReader } from '../runners/pod-reader.js';

export interface PodLogOptions {
  readonly cluster: Cluster;
  readonly run: RemoteRun;
  readonly task: PlanTask;
  readonly pod: { readonly name: string; readonly uid: string };
  /** the mark of the run's events */
  readonly token: string;
  /** where the value of an artifact is that stays in the cluster */
  placeOf(artifact: string): string;
  tell(event: EngineEvent): Promise<void>;
  readonly signal: AbortSignal;
}

/** as many lines as a traceback may have */
const lastLines = 100;

/** Resolves with the last of what it printed when all of the log is told, or the pod is gone. */
export async function tellPodLog(options: PodLogOptions): Promise<string> {
  const { cluster, run, pod, token, signal } = options;
  const marks = new MarkReader(token);
  const since = run.position(pod.uid)?.split('/')[0];
  const reader = new PodReader(options);
  const last: string[] = [];
  for await (const { place, time, text } of followLog(cluster, pod.name, { since, signal })) {
    const at = Date.parse(time);
    for (const [i, piece] of marks.read(text).entries()) {
      const origin = { source: pod.uid, position: `${place}/${i}` };
      if (piece.kind === 'event') await reader.take(piece.event, { at, origin });
      else {
        last.push(piece.text);
        await options.tell({ type: 'log', step: options.task.name, ...piece, at, origin } as EngineEvent);
      }
    }
    last.splice(0, last.length - lastLines);
  }
  return last.join('');
}
