// What a step takes and gives, as the panel and a screen reader tell it: one input a name, with the reasons that lead there.
import type { TranslationBundle } from '@jupyterlab/translation';
import { outputNames, type Flow, type Pipeline, type RunState, type StepRun } from '@sluice/core';
import { toPhrase } from './words';

export interface StepInput {
  readonly name: string;
  readonly kind: Flow['kind'];
  readonly certainty: Flow['certainty'];
  readonly flows: readonly Flow[];
}

/** Values and files by name; of the steps that only come before, their names. Imports and definitions travel as source and are left out. */
export function inputsOf(pipeline: Pipeline, step: string): readonly StepInput[] {
  const inputs = new Map<string, Flow[]>();
  for (const flow of pipeline.flows) {
    if (flow.to !== step || flow.kind === 'import' || flow.kind === 'definition') continue;
    const key = `${flow.kind} ${flow.kind === 'order' ? flow.from : flow.name}`;
    const flows = inputs.get(key) ?? [];
    flows.push(flow);
    inputs.set(key, flows);
  }
  return [...inputs.values()].map(flows => {
    const { kind, name, from } = flows[0]!;
    const certainty = flows.some(flow => flow.certainty === 'certain') ? 'certain' : 'possible';
    return { name: kind === 'order' ? from : name, kind, certainty, flows };
  });
}

export function outputsOf(pipeline: Pipeline, step: string): readonly string[] {
  const found = pipeline.steps.find(other => other.name === step);
  return found === undefined ? [] : outputNames(found);
}

/** Functions and classes of the step's cells that other steps use. */
export function definitionsOf({ flows }: Pipeline, step: string): readonly string[] {
  const used = flows.filter(({ kind, from, to }) => kind === 'definition' && from === step && to !== step);
  return [...new Set(used.map(({ name }) => name))];
}

/** The steps that a waiting one still waits for. */
export function waitsFor(pipeline: Pipeline | undefined, step: string, runs: readonly StepRun[]): readonly string[] {
  const after = pipeline?.steps.find(other => other.name === step)?.after ?? [];
  const done: ReadonlySet<RunState> = new Set(['succeeded', 'cached', 'skipped']);
  return after.filter(name => runs.some(run => run.name === name && !done.has(run.state)));
}

/** Why a pending step has not begun: `waits for forest`, `attempt 2 of 3 in 5 s`; empty where nobody knows. */
export function describeWaiting(
  pipeline: Pipeline | undefined,
  { name, reason }: StepRun,
  runs: readonly StepRun[],
  trans: TranslationBundle
): string {
  const names = waitsFor(pipeline, name, runs);
  return names.length > 0 ? trans.__('waits for %1', joinNames(names, trans)) : toPhrase(reason ?? '');
}

/** `features, target and rate`. */
export function joinNames(names: readonly string[], trans: TranslationBundle): string {
  if (names.length < 2) return names[0] ?? '';
  return trans.__('%1 and %2', names.slice(0, -1).join(', '), names.at(-1)!);
}
