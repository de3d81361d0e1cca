// A step comes from a past run where that would give the same, or because the user said so; else it is executed, and its outcome written down.
import { join } from 'node:path';
import type { Plan, PlanTask, RunState } from '@sluice/core';
import type { RunCache } from '../cache/cache.js';
import type { Outcome } from '../cache/outcomes.js';
import { isThere, writeAgain } from '../cache/written.js';
import { layoutOf } from './layout.js';
import type { Past } from './past.js';
import { reuseStep } from './reuse.js';
import type { Choice } from './selection.js';
import { executeStep, type StepContext } from './step.js';

export interface Caching {
  readonly context: Omit<StepContext, 'onSuccess'>;
  readonly cache: RunCache;
  /** why the step must be executed; undefined where the cache may be asked */
  because(task: PlanTask): string | undefined;
  /** wait until the machine has room for the step, as `Capacity` does */
  enter(task: PlanTask, stop: AbortSignal): Promise<(() => void) | undefined>;
}

/** Take the step from cache, or execute it when there is room for it, unless `stop` is aborted before. */
export async function performStep(
  task: PlanTask,
  { context, cache, because, enter }: Caching,
  stop: AbortSignal
): Promise<RunState> {
  const { store, run } = context;
  const reason = because(task);
  const { outcome, uncached } =
    reason === undefined ? await cache.knowledge.ask(task) : { outcome: undefined, uncached: reason };
  if (outcome !== undefined) {
    await reuseStep(task, outcome.run, context);
    await applyFiles(outcome, { context, cache });
    await cache.take(task, outcome);
    store.append(run, {
      type: 'step',
      step: task.name,
      state: 'cached',
      reason: `Unchanged since run ${outcome.number}.`
    });
    return 'cached';
  }
  const leave = await enter(task, stop);
  if (leave === undefined) return 'canceled';
  try {
    return await executeWatched(task, { ...context, ...(uncached === undefined ? {} : { uncached }) }, cache);
  } finally {
    leave();
  }
}

async function executeWatched(task: PlanTask, context: Caching['context'], cache: RunCache): Promise<RunState> {
  const watch = await cache.watch(task);
  try {
    return await executeStep(task, { ...context, onSuccess: watch.end });
  } finally {
    watch.giveUp();
  }
}

/**
 * Take from the past run what the choice says. Where the user chose no steps, those whose files have changed since are executed after all,
 * with all that depend on them.
 */
export async function takePast(
  plan: Plan,
  { execute, reuse }: Choice,
  past: Past,
  isChosen: boolean,
  { context, cache }: Pick<Caching, 'context' | 'cache'>
): Promise<Choice> {
  const { store, run } = context;
  const executed = new Set(execute);
  for (const task of plan.tasks) {
    if (!reuse.has(task.name) || !past.succeeded.has(task.name)) continue;
    const outcome = cache.knowledge.outcomes.find(past.run.id, task.name);
    const isStale =
      !isChosen &&
      (task.after.some(step => executed.has(step)) ||
        (outcome?.depends !== undefined && (await cache.knowledge.ask(task, past.run.id)).outcome === undefined));
    if (isStale) {
      executed.add(task.name);
      continue;
    }
    await reuseStep(task, past.run.id, context);
    const isWhole = outcome === undefined || (await applyFiles(outcome, { context, cache }));
    if (outcome !== undefined) await cache.take(task, outcome);
    const lack = isWhole ? '' : ' The files that it wrote there are gone.';
    const change = past.isDone(task, context.parameters) ? '' : ' It has changed since.';
    store.append(run, {
      type: 'step',
      step: task.name,
      state: 'cached',
      reason: `From run ${past.run.number}.${change}${lack}`
    });
  }
  return { execute: executed, reuse: new Set([...reuse].filter(step => !executed.has(step))) };
}

/** Put the files that the step wrote into this run's workspace; false where they are gone. */
async function applyFiles(
  { run, step, wrote, folder }: Outcome,
  { context: { store, cwd, snapshots }, cache }: Pick<Caching, 'context' | 'cache'>
): Promise<boolean> {
  if (Object.keys(wrote).length === 0) return true;
  const from = join(layoutOf(store.home, run).folder, folder);
  if (await isThere(from, wrote, cache.knowledge.hashes)) {
    await snapshots.changing(() => writeAgain(from, wrote, cwd));
    return true;
  }
  return snapshots.takeOver(run, step, wrote);
}
