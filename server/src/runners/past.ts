// A past run from which a run takes values: one that the user names, or the newest of the same notebook that has them.
import { existsSync, readFileSync } from 'node:fs';
import { type JsonValue, type MetricValue, type Plan, type PlanTask, type RunSummary } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { RunnerRequest } from '../runner.js';
import type { StepArtifact, Store } from '../store.js';
import { layoutOf, type Layout } from './layout.js';
import { readPlan } from './plans.js';
import { chooseSteps, neededArtifacts, type Choice } from './selection.js';

export interface Past {
  readonly run: RunSummary;
  readonly layout: Layout;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** the steps whose outputs are whole */
  readonly succeeded: ReadonlySet<string>;
  readonly artifacts: readonly StepArtifact[];
  readonly metrics: readonly { readonly step: string; readonly name: string; readonly value: MetricValue }[];
  /** whether the step succeeded there as it is now, with these parameters */
  isDone(task: PlanTask, parameters: Readonly<Record<string, JsonValue>>): boolean;
  /** @throws PipelineError `no-values` when something that the chosen steps need is not there */
  checkValues(choice: Choice): void;
}

/** Undefined where the request takes nothing from another run. */
export async function findPast(store: Store, plan: Plan, request: RunnerRequest): Promise<Past | undefined> {
  const { resume, selection, notebook } = request;
  if (resume !== undefined) return withSteps(readPast(store, plan, sameRunner(store.find(resume), request)), plan);
  if (selection === undefined) return undefined;
  const choice = chooseSteps(plan, selection, undefined);
  const needed = neededArtifacts(plan, choice);
  if (needed.length === 0) return undefined;
  for (const run of store.list(notebook === undefined ? {} : { notebook })) {
    if (run.pipeline !== plan.name || run.notebook !== notebook || run.runner !== (request.runner ?? 'local')) continue;
    const past = readPast(store, plan, run);
    if (missing(past, needed).length === 0) return withSteps(past, plan);
  }
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

type PastRun = Omit<Past, 'isDone' | 'checkValues'>;

function readPast(store: Store, plan: Plan, run: RunSummary): PastRun {
  const layout = layoutOf(store.home, run.id);
  const artifacts = store.artifacts(run.id).filter(({ path }) => isElsewhere(path) || existsSync(path));
  const succeeded = new Set(
    run.steps
      .filter(({ name, state }) => (state === 'succeeded' || state === 'cached') && existsSync(layout.outputFile(name)))
      .map(step => step.name)
  );
  const names = new Set(plan.parameters.map(parameter => parameter.name));
  return {
    ...{ run, layout, artifacts, succeeded },
    parameters: Object.fromEntries(Object.entries(run.parameters).filter(([name]) => names.has(name))),
    metrics: store.stepMetrics(run.id)
  };
}

/** What the run had made, compared with the steps as they are now. */
async function withSteps(past: PastRun, plan: Plan): Promise<Past> {
  const { run, succeeded } = past;
  const tasks = await readTasks(past.layout);
  return {
    ...past,
    isDone(task, parameters) {
      const before = tasks.get(task.name);
      const isSame = before !== undefined && essence(before, run.parameters) === essence(task, parameters);
      return (
        isSame &&
        succeeded.has(task.name) &&
        task.outputs.every(({ name }) => hasArtifact(past, { step: task.name, key: name }))
      );
    },
    checkValues(choice) {
      const [first] = missing(past, neededArtifacts(plan, choice));
      if (first === undefined) return;
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
const isElsewhere = (path: string) => /^[a-z][a-z0-9+.-]+:\/\//.test(path);

type Values = Pick<Past, 'succeeded' | 'artifacts'>;
type Need = { readonly step: string; readonly key: string };

const hasArtifact = ({ artifacts }: Values, { step, key }: Need) =>
  artifacts.some(artifact => artifact.step === step && artifact.name === key);

function missing(past: Values, needed: readonly Need[]): Need[] {
  return needed.filter(need => !past.succeeded.has(need.step) || !hasArtifact(past, need));
}

async function readTasks(layout: Layout): Promise<ReadonlyMap<string, PlanTask>> {
  try {
    return new Map((await readPlan(readFileSync(layout.ir, 'utf8'))).tasks.map(task => [task.name, task]));
  } catch {
    return new Map(); // written by a version that compiled otherwise: nothing of it counts as done
  }
}

/** What a step is, as far as its outcome depends on it. */
function essence(task: PlanTask, parameters: Readonly<Record<string, JsonValue>>): string {
  const { command, args, env, artifacts, outputs } = task;
  const values = task.parameters.map(({ name, source }) => [
    name,
    source.kind === 'value' ? source.value : parameters[source.name]
  ]);
  return JSON.stringify([command, args, env, artifacts, outputs, values]);
}
