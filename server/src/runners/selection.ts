// A run may execute a part of its pipeline: one step, from a step on, up to a step, or what a past run did not get done. What the rest would
// give is taken from a past run.
import {
  ancestors,
  descendants,
  didYouMean,
  type Plan,
  type PlanTask,
  type RunState,
  type Selection
} from '@sluice/core';
import { PipelineError } from '../errors.js';

export interface Choice {
  /** executed in this run */
  readonly execute: ReadonlySet<string>;
  /** not executed, but what they gave in a past run is needed */
  readonly reuse: ReadonlySet<string>;
}

/** Which steps a run executes. With a past run and no selection: those that did not succeed there or have changed since, and all that depend on them. */
export function chooseSteps(
  plan: Plan,
  selection: Selection | undefined,
  isDone: ((task: PlanTask) => boolean) | undefined
): Choice {
  const { step, from, to } = selection ?? {};
  for (const name of [step, from, to])
    if (name !== undefined && !plan.tasks.some(task => task.name === name)) throw unknownStep(plan, name);
  if (step !== undefined && (from !== undefined || to !== undefined))
    throw new PipelineError('Choose either one step, or a part of the pipeline by its first or last step.', 'usage');
  let execute = new Set(plan.tasks.map(task => task.name));
  if (step !== undefined) execute = new Set([step]);
  if (from !== undefined) execute = intersect(execute, withDependents(plan, [from]));
  if (to !== undefined) execute = intersect(execute, new Set([to, ...ancestors(plan.tasks, to)]));
  if (selection === undefined && isDone !== undefined)
    execute = withDependents(
      plan,
      plan.tasks.filter(task => task.atEnd || !isDone(task)).map(task => task.name)
    );
  if (execute.size === 0 && from !== undefined)
    throw new PipelineError(`Step ‘${to}’ does not depend on step ‘${from}’: there is nothing to run.`, 'usage');
  const reuse = new Set<string>();
  for (const task of plan.tasks)
    if (execute.has(task.name))
      for (const name of [...task.after, ...task.artifacts.map(artifact => artifact.from)])
        if (!execute.has(name)) reuse.add(name);
  if (selection === undefined) for (const { name } of plan.tasks) if (!execute.has(name)) reuse.add(name);
  return { execute, reuse };
}

/** Artifacts that the chosen steps need from steps that are not executed. */
export function neededArtifacts(plan: Plan, { execute }: Choice): { readonly step: string; readonly key: string }[] {
  const needed = plan.tasks
    .filter(task => execute.has(task.name))
    .flatMap(task => task.artifacts.filter(({ from }) => !execute.has(from)))
    .map(({ from, artifact }) => ({ step: from, key: artifact }));
  return [...new Map(needed.map(need => [`${need.step} ${need.key}`, need])).values()];
}

/** How the steps that are not executed show in the run. */
export function settle(plan: Plan, { execute, reuse }: Choice, succeeded: ReadonlySet<string>): Map<string, RunState> {
  const rest = plan.tasks.filter(task => !execute.has(task.name));
  return new Map(rest.map(({ name }) => [name, reuse.has(name) && succeeded.has(name) ? 'cached' : 'skipped']));
}

function unknownStep(plan: Plan, name: string): PipelineError {
  const names = plan.tasks.map(task => task.name);
  const hint = didYouMean(name, names) || ` Its steps are ${names.map(other => `‘${other}’`).join(', ')}.`;
  return new PipelineError(`There is no step ‘${name}’ in this pipeline.${hint}`, 'usage');
}

/** The steps and all that depend on them. */
function withDependents(plan: Plan, names: readonly string[]): Set<string> {
  return new Set(names.flatMap(name => [name, ...descendants(plan.tasks, name)]));
}

function intersect(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a].filter(item => b.has(item)));
}
