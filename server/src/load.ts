// To go on in the notebook from after a step of a past run: Python source which, executed in the live kernel, binds what the notebook has
// there. The kernel needs no package of ours: it reads the runtime from where it lies.
import { existsSync, readFileSync } from 'node:fs';
import { planLoad, position, readNotebook, type Analyzer, type RunSummary, type Setup } from '@sluice/core';
import { PipelineError } from './errors.js';
import { layoutOf } from './runners/layout.js';
import { isElsewhere } from './runners/past.js';
import { readPlan } from './runners/plans.js';
import type { StepArtifact, Store } from './store.js';

export interface LoadSource {
  /** Python */
  readonly source: string;
  /** what it binds */
  readonly names: readonly string[];
  /** what the notebook has there besides, and the run did not keep */
  readonly missing: readonly string[];
}

export interface LoadOptions {
  readonly store: Store;
  readonly analyzer: Analyzer;
  readonly runtimeFolder: string;
  /** brings what is elsewhere: by its address there, where it goes here */
  readonly fetch: (files: ReadonlyMap<string, string>) => Promise<void>;
}

/** @throws PipelineError `not-found` when the run has no such step, or its notebook was not kept */
export async function makeLoadSource(
  run: RunSummary,
  step: string,
  { store, analyzer, runtimeFolder, fetch }: LoadOptions
): Promise<LoadSource> {
  if (!run.steps.some(({ name }) => name === step))
    throw new PipelineError(`Run ${run.number} has no step ‘${step}’.`, 'not-found');
  const layout = layoutOf(store.home, run.id);
  if (!existsSync(layout.notebook))
    throw new PipelineError(
      run.remote?.isFound === true
        ? `Run ${run.number} was started elsewhere, and its notebook is not here: nobody can say what is bound after step ‘${step}’. Run the notebook’s pipeline from here.`
        : `Run ${run.number} did not keep its notebook, so that nobody can say what is bound after step ‘${step}’. Run the notebook’s pipeline again.`,
      'not-found'
    );
  const { notebook } = readNotebook(readFileSync(layout.notebook, 'utf8'));
  const plan = notebook && planLoad(analyzer, notebook, step);
  if (notebook === undefined || plan === undefined)
    throw new PipelineError(`The notebook of run ${run.number} has no step ‘${step}’ any more.`, 'not-found');
  const missing = new Set<string>();
  const elsewhere = new Map<string, string>();
  const artifacts = store.artifacts(run.id).flatMap(artifact => {
    const { path } = artifact;
    if (!isElsewhere(path)) return existsSync(path) ? [artifact] : [];
    const here = layout.artifact(artifact.step, artifact.name);
    elsewhere.set(here, path);
    return [{ ...artifact, path: here }];
  });
  const types = new Map(
    (await readPlan(readFileSync(layout.ir, 'utf8'))).parameters.map(({ name, type }) => [name, type])
  );
  const job = {
    run: run.number,
    step,
    parameters: plan.parameters.map(name => ({ name, type: types.get(name), value: run.parameters[name] ?? null })),
    setup: plan.setup.flatMap(item => toJobItems(item, artifacts, missing, cell => notebook.cells[cell]!.source)),
    missing: [] as string[]
  };
  job.missing = [...missing];
  const wanted = job.setup.flatMap(({ path = '' }) => {
    const there = elsewhere.get(path);
    return there === undefined || existsSync(path) ? [] : [[there, path] as const];
  });
  if (wanted.length > 0) await fetch(new Map(wanted));
  const names = [...plan.parameters, ...plan.names].filter(name => !missing.has(name));
  return { source: makeSource(runtimeFolder, job), names, missing: job.missing };
}

/** as `jupyterlab_sluice/runtime/load.py` takes it */
interface JobItem {
  readonly kind: 'source' | 'value';
  /** of a value */
  readonly path?: string;
  readonly [key: string]: unknown;
}

function toJobItems(
  item: Setup,
  artifacts: readonly StepArtifact[],
  missing: Set<string>,
  sourceOf: (cell: number) => string
): JobItem[] {
  if (item.kind === 'source') {
    const { cell, from } = item.range;
    return [{ kind: 'source', cell, line: position(sourceOf(cell), from).line, source: item.source }];
  }
  const { names, states = [] } = item.bundle;
  const given = artifacts.filter(({ step, kind }) => step === item.from && kind === 'values');
  const has = ({ variables = [] }: StepArtifact, name: string) => variables.some(variable => variable.name === name);
  for (const name of names) if (!given.some(artifact => has(artifact, name))) missing.add(name);
  if (!given.some(({ name }) => name === item.bundle.artifact))
    for (const state of states) missing.add(`the state of ${state}`);
  return given.flatMap(artifact => {
    const kept = names.filter(name => has(artifact, name));
    const isState = states.length > 0 && artifact.name === item.bundle.artifact;
    if (kept.length === 0 && !isState) return [];
    return [
      { kind: 'value', artifact: artifact.name, path: artifact.path, names: kept, states: isState ? states : [] }
    ];
  });
}

/** It leaves no name of its own behind. */
function makeSource(runtimeFolder: string, job: object): string {
  return `def _sluice_load(folder, job):
    import importlib.util, json, sys
    if "sluice_runtime" not in sys.modules:
        spec = importlib.util.spec_from_file_location("sluice_runtime", folder + "/__init__.py", submodule_search_locations=[folder])
        sys.modules["sluice_runtime"] = importlib.util.module_from_spec(spec)
    from sluice_runtime.load import load
    load(json.loads(job))
try:
    _sluice_load(${JSON.stringify(runtimeFolder)}, ${JSON.stringify(JSON.stringify(job))})
finally:
    del _sluice_load
`;
}
