// Which step may start when: all that it waits for must have ended well. What waits in vain is skipped.
import { endedStates, quoteNames, type RunState } from '@sluice/core';

export interface Scheduled {
  readonly name: string;
  readonly after: readonly string[];
  /** true where it runs when all others have ended, however they did */
  readonly atEnd?: boolean;
}

export interface Scheduling<T extends Scheduled> {
  /** steps that this run does not execute, and how they show; nobody waits for them */
  readonly settled: ReadonlyMap<string, RunState>;
  /** no step starts any more once it is aborted; those that run are awaited */
  readonly signal: AbortSignal;
  /** Execute the step, unless `stop` is aborted before; never throws for what the user's code does. */
  execute(step: T, stop: AbortSignal): Promise<RunState>;
  skip(step: T, reason: string): void;
}

/** Resolves with the state of every step when none runs and none can start. What `execute` or `skip` throw is thrown on after the others have ended. */
export async function schedule<T extends Scheduled>(
  steps: readonly T[],
  how: Scheduling<T>
): Promise<Map<string, RunState>> {
  const states = new Map(how.settled);
  const running = new Map<string, Promise<void>>();
  const errors: unknown[] = [];
  const broken = new AbortController();
  const stop = AbortSignal.any([how.signal, broken.signal]);
  const giveUp = (error: unknown) => {
    errors.push(error);
    broken.abort();
  };
  await drain(steps.filter(step => !step.atEnd));
  await drain(steps.filter(step => step.atEnd));
  if (errors.length > 0) throw errors[0];
  return states;

  async function drain(group: readonly T[]): Promise<void> {
    for (;;) {
      for (const step of group) {
        if (states.has(step.name) || running.has(step.name)) continue;
        const lacking = step.after.filter(name => !how.settled.has(name) && isBroken(states.get(name)));
        if (lacking.length > 0) {
          try {
            how.skip(step, `Needs ${quoteNames(lacking)}, which did not succeed.`);
          } catch (error) {
            giveUp(error);
          }
          states.set(step.name, 'skipped');
        } else if (!stop.aborted && isReady(step, states)) {
          const work = how.execute(step, stop).then(
            state => void states.set(step.name, state),
            error => {
              giveUp(error);
              states.set(step.name, 'failed');
            }
          );
          running.set(
            step.name,
            work.then(() => void running.delete(step.name))
          );
        }
      }
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
  }
}

// what waits for a canceled step is canceled with the run
const isBroken = (state: RunState | undefined) => state === 'failed' || state === 'skipped';

function isReady(step: Scheduled, states: ReadonlyMap<string, RunState>): boolean {
  return step.after.every(name => endedStates.has(states.get(name) ?? 'pending'));
}
