// Where a notebook runs, it can say itself, in its metadata: `"sluice": {"runner": "argo"}`, or an object with the runner's `name` and what the
// runner needs to know, such as `context` and `namespace`. What is said for one run wins.
import { isRecord } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { RunnerRequest } from '../runner.js';

/** @throws PipelineError `invalid-notebook` where the metadata say something else than that */
export function withChosenRunner(request: RunnerRequest): RunnerRequest {
  const chosen = readChoice(request.source);
  if (chosen === undefined) return request;
  const { name: runner, ...target } = chosen;
  if (request.runner !== undefined && request.runner !== runner) return request;
  return { ...request, ...(runner === undefined ? {} : { runner }), target: { ...target, ...request.target } };
}

function readChoice(source: string | undefined): Readonly<Record<string, string>> | undefined {
  if (source === undefined) return undefined;
  const notebook: unknown = JSON.parse(source);
  const ours = isRecord(notebook) && isRecord(notebook.metadata) ? notebook.metadata.sluice : undefined;
  const choice = isRecord(ours) ? ours.runner : undefined;
  if (choice === undefined) return undefined;
  if (typeof choice === 'string') return { name: choice };
  if (isRecord(choice) && Object.values(choice).every(value => typeof value === 'string'))
    return choice as Readonly<Record<string, string>>;
  throw new PipelineError(
    'The notebook’s metadata ‘sluice.runner’ must be a runner’s name, or an object of texts such as {"name": "argo", "namespace": "team-a"}.',
    'invalid-notebook'
  );
}
