// Which steps would come from cache if the pipeline ran now, and why the others would not. Nothing is run, and no large file is read.
import type { Plan, PlanTask, StepFreshness } from '@sluice/core';
import { layoutOf } from '../runners/layout.js';
import { Knowledge, type CacheOptions } from './cache.js';
import { repeatsSourceOf } from './given.js';

export async function findFreshness(options: CacheOptions & { readonly plan: Plan }): Promise<StepFreshness[]> {
  const knowledge = new Knowledge({ ...options, isGlance: true });
  const { plan, store, notebook } = options;
  const found = new Map<string, StepFreshness>();
  for (const task of plan.tasks) {
    const { name: step } = task;
    const hasRun = knowledge.outcomes.latest(step, notebook, plan.name) !== undefined;
    const state = hasRun ? 'stale' : 'never';
    const before = plan.tasks.find(
      ({ name }) => task.after.includes(name) && found.get(name)?.state !== 'fresh' && givesMore(name, task)
    )?.name;
    if (before !== undefined) {
      found.set(step, { step, state, ...(hasRun && { reason: `Step ‘${before}’ before it must run first.` }) });
      continue;
    }
    const { outcome, uncached, isUnsure } = await knowledge.ask(task);
    if (outcome === undefined) {
      found.set(step, {
        step,
        state: isUnsure ? 'unsure' : state,
        ...(uncached !== undefined && { reason: uncached })
      });
      continue;
    }
    knowledge.take(outcome, layoutOf(store.home, outcome.run));
    found.set(step, { step, state: 'fresh', reason: `Unchanged since run ${outcome.number}.` });
  }
  return [...found.values()];

  /** Than source, which is as it is whether it has run or not. */
  function givesMore(name: string, task: PlanTask): boolean {
    const isTaken = task.artifacts.some(artifact => artifact.from === name);
    return (
      isTaken ||
      !repeatsSourceOf(
        task,
        plan.tasks.find(other => other.name === name)!
      )
    );
  }
}
