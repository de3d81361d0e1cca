// Which steps would come from cache if the pipeline ran now, and why the others would not. Nothing is run, and no large file is read.
import type { Plan, PlanTask, StepFreshness } from '@sluice/core';
import { layoutOf } from '../runners/layout.js';
import { Knowledge, turnedOff, type CacheOptions } from './cache.js';
import { repeatsSourceOf } from './given.js';

export async function findFreshness(options: CacheOptions & { readonly plan: Plan }): Promise<StepFreshness[]> {
  const knowledge = new Knowledge({ ...options, isGlance: true });
  const { plan, store, notebook } = options;
  const found = new Map<string, StepFreshness>();
  for (const task of plan.tasks) {
    const { name: step } = task;
    const hasRun = knowledge.outcomes.latest(step, notebook, plan.name) !== undefined;
    const state = hasRun ? 'stale' : 'never';
    const before = plan.tasks
      .filter(({ name }) => task.after.includes(name) && givesMore(name, task))
      .flatMap(({ name }) => found.get(name)!)
      .filter(other => other.state !== 'fresh')
      .sort((a, b) => Number(a.state === 'unsure') - Number(b.state === 'unsure'))[0];
    if (before !== undefined) {
      const reason = `Step ‘${before.step}’ before it must run first.`;
      // who follows a step of which nobody can tell is one of which nobody can tell
      found.set(step, {
        step,
        ...(hasRun ? { state: before.state === 'unsure' ? 'unsure' : state, reason } : { state })
      });
      continue;
    }
    if (!task.cache) {
      found.set(step, {
        step,
        ...(hasRun ? { state: 'unsure', reason: turnedOff } : { state })
      });
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
