// A past run from which a run takes values: one that the user names, or the newest of the same notebook that has them.
import { existsSync, readFileSync } from 'node:fs';
import { ancestors, type JsonValue, type MetricValue, type Plan, type PlanTask, type RunSummary } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { RunnerRequest } from '../runner.js';
import type { StepArtifact, Store } from '../store.js';
import { layoutOf, type Layout } from './layout.js';
import { readPlan } from './plans.js';
import { chooseSteps, neededArtifacts, type Choice } from './selection.js';

type Parameters = Readonly<Record<string, JsonValue>>;

export interface Past {
  readonly run: RunSummary;
  readonly layout: Layout;
  /** that were given for it; what the others are, the notebook says as it is now */
  readonly parameters: Parameters;
  /** the steps whose outputs are whole */
  readonly succeeded: ReadonlySet<string>;
  readonly artifacts: readonly StepArtifact[];
  readonly metrics: readonly { readonly step: string; readonly name: string; readonly value: MetricValue }[];
  /** whether the step succeeded there as it is now, with these parameters */
  isDone(task: PlanTask, parameters: Parameters): boolean;
  /** @throws PipelineError `no-values` when something that the chosen steps need is not there, or was made with other parameters */
  checkValues(choice: Choice, parameters: Parameters): void;
}

/** Undefined where the request takes nothing from another run. */
export async function findPast(store: Store, plan: Plan, request: RunnerRequest): Promise<Past | undefined> {
  const { resume, selection, notebook } = request;
  if (resume !== undefined) return withSteps(readPast(store, sameRunner(store.find(resume, notebook), request)), plan);
  if (selection === undefined) return undefined;
  const choice = chooseSteps(plan, selection, undefined);
  const needed = neededArtifacts(plan, choice);
  if (needed.length === 0) return undefined;
  let newest: Past | undefined;
  for (const run of store.list(notebook === undefined ? {} : { notebook })) {
    if (run.pipeline !== plan.name || run.notebook !== notebook || run.runner !== (request.runner ?? 'local')) continue;
    const past = readPast(store, run);
    if (missing(past, needed).length > 0) continue;
    const found = await withSteps(past, plan);
    const parameters = fillParameters(plan, { ...found.parameters, ...request.parameters });
    if (findUnlike(plan, choice, run, parameters) === undefined) return found;
    newest ??= found;
  }
  if (newest !== undefined) return newest; // which tells what is unlike
  const steps = [...new Set(needed.map(need => `‘${need.step}’`))].join(', ');
  throw new PipelineError(
    `The chosen steps need values of ${steps}, and no past run of this notebook has them all. Run the whole pipeline once, or resume a run that has them.`,
    'no-values'
  );
}

/** @throws PipelineError `no-values`: values stay where they were made */
function sameRunner(run: RunSummary, { runner = 'local' }: RunnerRequest): RunSummary {
  if (run.runner === runner) return run;
  throw new PipelineError(
    `Run ${run.number} ran on ‘${run.runner}’, and its values are there. Resume it there, with --runner ${run.runner}.`,
    'no-values'
  );
}

type PastRun = Omit<Past, 'parameters' | 'isDone' | 'checkValues'>;

function readPast(store: Store, run: RunSummary): PastRun {
  const layout = layoutOf(store.home, run.id);
  const artifacts = store.artifacts(run.id).filter(({ path }) => isElsewhere(path) || existsSync(path));
  const succeeded = new Set(
    run.steps
      .filter(({ name, state }) => (state === 'succeeded' || state === 'cached') && existsSync(layout.outputFile(name)))
      .map(step => step.name)
  );
  return { run, layout, artifacts, succeeded, metrics: store.stepMetrics(run.id) };
}

/** What the run had made, compared with the steps as they are now. */
async function withSteps(past: PastRun, plan: Plan): Promise<Past> {
  const { run, succeeded } = past;
  const then = await maybeReadPlan(past.layout);
  const tasks = new Map(then?.tasks.map(task => [task.name, task]));
  return {
    ...past,
    parameters: givenParameters(run, plan, then),
    isDone(task, parameters) {
      const before = tasks.get(task.name);
      const isSame = before !== undefined && essence(before, run.parameters) === essence(task, parameters);
      return (
        isSame &&
        succeeded.has(task.name) &&
        task.outputs.every(({ name }) => hasArtifact(past, { step: task.name, key: name }))
      );
    },
    checkValues(choice, parameters) {
      const [first] = missing(past, neededArtifacts(plan, choice));
      if (first === undefined) {
        const unlike = findUnlike(plan, choice, run, parameters);
        if (unlike !== undefined) throw describeUnlike(unlike, run, parameters);
        return;
      }
      const consumer = plan.tasks.find(
        task =>
          choice.execute.has(task.name) &&
          task.artifacts.some(({ from, artifact }) => from === first.step && artifact === first.key)
      )!;
      throw new PipelineError(
        `Step ‘${consumer.name}’ needs ‘${first.key}’ of step ‘${first.step}’, which run ${run.number} does not have. Choose another run, or start from step ‘${first.step}’.`,
        'no-values'
      );
    }
  };
}

/** What a run in a cluster left on its volume; whether the volume is still there, the engine finds out. */
export const isElsewhere = (path: string) => /^[a-z][a-z0-9+.-]+:\/\//.test(path);

type Values = Pick<Past, 'succeeded' | 'artifacts'>;
type Need = { readonly step: string; readonly key: string };

const hasArtifact = ({ artifacts }: Values, { step, key }: Need) =>
  artifacts.some(artifact => artifact.step === step && artifact.name === key);

function missing(past: Values, needed: readonly Need[]): Need[] {
  return needed.filter(need => !past.succeeded.has(need.step) || !hasArtifact(past, need));
}

/** Undefined where it was written by a version that compiled otherwise: nothing of it counts as done. */
async function maybeReadPlan(layout: Layout): Promise<Plan | undefined> {
  try {
    return await readPlan(readFileSync(layout.ir, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Each parameter's value: what is given, or what the notebook says. */
export function fillParameters({ parameters }: Plan, given: Parameters): Record<string, JsonValue> {
  return Object.fromEntries(
    parameters.map(({ name, default: initial }) => [name, Object.hasOwn(given, name) ? given[name]! : initial!])
  );
}

function givenParameters(run: RunSummary, now: Plan, then: Plan | undefined): Parameters {
  const usual = then === undefined ? {} : fillParameters(then, {});
  const known = new Set(now.parameters.map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(run.parameters).filter(([name, value]) => known.has(name) && !isSame(value, usual[name]))
  );
}

interface Unlike {
  readonly step: string;
  readonly parameter: string;
}

/** The first step on whose values of then those of the chosen steps would rest, while a parameter that it reads is another now. */
function findUnlike(plan: Plan, { execute, reuse }: Choice, run: RunSummary, now: Parameters): Unlike | undefined {
  const taken = new Set([...reuse].flatMap(step => [step, ...ancestors(plan.tasks, step)]));
  for (const { name: step, parameters } of plan.tasks)
    if (taken.has(step) && !execute.has(step))
      for (const { source } of parameters)
        if (source.kind === 'parameter' && Object.hasOwn(run.parameters, source.name))
          if (!isSame(run.parameters[source.name], now[source.name])) return { step, parameter: source.name };
  return undefined;
}

function describeUnlike({ step, parameter }: Unlike, run: RunSummary, now: Parameters): PipelineError {
  const [then, wanted] = [run.parameters[parameter], now[parameter]].map(value => JSON.stringify(value));
  return new PipelineError(
    `The chosen steps need values of step ‘${step}’, which run ${run.number} made with ${parameter} = ${then}; now it is ${wanted}. Start from step ‘${step}’, or set ‘${parameter}’ to ${then}.`,
    'no-values'
  );
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What a step is, as far as its outcome depends on it. */
function essence(task: PlanTask, parameters: Parameters): string {
  const { command, args, env, artifacts, outputs } = task;
  const values = task.parameters.map(({ name, source }) => [
    name,
    source.kind === 'value' ? source.value : parameters[source.name]
  ]);
  return JSON.stringify([command, args, env, artifacts, outputs, values]);
}
