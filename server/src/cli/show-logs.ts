// What the steps of a run printed, as their logs have it; and what they print, as they go on.
import { endedStates, type RunSummary } from '@sluice/core';
import { logFile } from '../home.js';
import { findLastLines, LogReader, type LogPiece } from '../logs.js';
import { pause } from '../pause.js';
import type { Store } from '../store.js';
import { write, type Io } from './command.js';

export interface ShowingLogs {
  readonly store: Store;
  readonly io: Io;
  readonly json: boolean;
  /** whether each step's text has its name above it */
  readonly withNames: boolean;
  /** of each step only so many lines at its end, of what there is by now */
  readonly lines?: number;
  /** wait for more until the steps have ended, or the signal comes */
  readonly signal?: AbortSignal;
}

const pollMs = 200;

/** Of these steps of the run. */
export async function showLogs(run: RunSummary, steps: readonly string[], showing: ShowingLogs): Promise<void> {
  const { store, lines, signal } = showing;
  const readers = new Map<string, LogReader>();
  for (const step of steps) {
    const path = logFile(store.home, run.id, step);
    readers.set(step, new LogReader(path, lines === undefined ? 0 : await findLastLines(path, lines)));
  }
  const print = makePrinter(showing);
  for (;;) {
    // asked first, so that all that was printed until then is read
    const isOver = signal?.aborted === true || haveEnded(store.read(run.id), steps);
    for (const [step, reader] of readers) for await (const piece of reader.read()) await print(step, piece);
    if (isOver || signal === undefined) break;
    await pause(pollMs, signal);
    store.endOrphans();
  }
  await print();
}

function haveEnded(run: RunSummary, wanted: readonly string[]): boolean {
  return (
    endedStates.has(run.state) || run.steps.every(({ name, state }) => !wanted.includes(name) || endedStates.has(state))
  );
}

/** Without a piece, what was begun is ended. */
function makePrinter({ io, json, withNames }: ShowingLogs) {
  let of: string | undefined;
  let last = '\n';
  return async (step?: string, piece?: LogPiece): Promise<void> => {
    if (json) return piece === undefined ? undefined : write(io.stdout, `${JSON.stringify({ step, ...piece })}\n`);
    if (step !== of && last !== '\n') await write(io.stdout, '\n');
    if (step === undefined || piece === undefined) return;
    if (step !== of && withNames) await write(io.stdout, `── ${step}\n`);
    of = step;
    await write(io.stdout, piece.text);
    last = piece.text.at(-1) ?? last;
  };
}
