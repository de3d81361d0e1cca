// A run as it goes on, in a terminal or for programs, until its end: one that has just been submitted, or one that is followed later.
import { reduceRun, type RunEvent, type RunState } from '@sluice/core';
import type { Runner } from '../runner.js';
import type { Store } from '../store.js';
import { makeProgress, painter, printEnd, type Progress } from '../terminal.js';
import { useColors } from './check.js';
import type { Io } from './command.js';

export interface Showing {
  readonly store: Store;
  readonly json: boolean;
  readonly io: Io;
  /** the steps that each step waits for, as far as they are known */
  readonly after: ReadonlyMap<string, readonly string[]>;
  readonly signal?: AbortSignal;
}

/** Resolves with the state in which the run ended; with `running` where nobody follows it here any more. */
export async function showRun(
  run: string,
  runner: Pick<Runner, 'watch' | 'idle'>,
  { store, json, io, after, signal }: Showing
): Promise<RunState> {
  const paint = painter(useColors(io));
  let progress: Progress | undefined;
  try {
    let summary = { ...store.read(run), steps: [] } as ReturnType<Store['read']>;
    if (!json) {
      io.stdout.write(`Run ${summary.number} of ${paint('bold', summary.pipeline)}\n`);
      progress = makeProgress(io.stdout, paint, after);
    }
    for await (const event of runner.watch(run, signal)) {
      summary = reduceRun(summary, event);
      if (json) printEvent(event, io);
      else progress!.show(event, summary);
    }
    await runner.idle();
    progress?.dispose();
    if (!json) io.stdout.write(printEnd(summary, store.stepMetrics(run), paint));
    return summary.state;
  } finally {
    progress?.dispose();
  }
}

/** The events that programs may rely on, with these fields and no others. */
function printEvent(event: RunEvent, { stdout }: Io): void {
  const line = publicEvent(event);
  if (line !== undefined) stdout.write(`${JSON.stringify(line)}\n`);
}

function publicEvent(event: RunEvent): object | undefined {
  const { type } = event;
  switch (event.type) {
    case 'run-started':
      return { type, run: event.run, steps: event.steps };
    case 'step':
      return {
        ...{ type, step: event.step, state: event.state, durationMs: event.durationMs, error: event.error },
        ...(event.state === 'pending' && { reason: event.reason })
      };
    case 'log':
      return { type, step: event.step, stream: event.stream, text: event.text };
    case 'metric':
      return { type, step: event.step, name: event.name, value: event.value };
    case 'run-ended':
      return { type, run: event.run, state: event.state, reason: event.reason, metrics: event.metrics };
    default:
      return undefined;
  }
}
