// What a notebook's metadata say about its pipeline: our own `sluice` object, and Kale's `kubeflow_notebook`, of v1 and v2 alike.
import type { Diagnostic } from './diagnostic.js';
import { describeType, isRecord, isStrings, type JsonRecord } from './json.js';
import type { Notebook } from './notebook.js';
import { mergeSpecs, readStepSpec, type StepSpec } from './step.js';
import { withLimit, withSetting } from './tags.js';
import { readWorkspaceSpec, type WorkspaceSpec } from './workspace.js';

export interface PipelineMetadata {
  readonly name: string;
  readonly description: string;
  readonly defaults: StepSpec;
  /** settings by step, as far as metadata name any */
  readonly steps: ReadonlyMap<string, StepSpec>;
  readonly workspace: WorkspaceSpec;
  readonly diagnostics: readonly Diagnostic[];
}

/** Sluice's own words win over Kale's; the file's name is the pipeline's where neither gives one. */
export function readMetadata(notebook: Notebook): PipelineMetadata {
  const problems: string[] = [];
  const ours = toObject(notebook.metadata.sluice, 'sluice', problems);
  const kale = toObject(notebook.metadata.kubeflow_notebook, 'kubeflow_notebook', problems);
  const defaults = readStepSpec(ours.defaults, 'The pipeline’s default settings');
  const steps = readSteps(ours.steps, problems);
  const { workspace, volumes, problems: faults } = readWorkspaceSpec(ours.volumes, ours.snapshots);
  problems.push(...defaults.problems, ...faults);
  return {
    name: toText(ours.name) ?? toText(kale.pipeline_name) ?? notebook.fileName ?? 'pipeline',
    description: toText(ours.description) ?? toText(kale.pipeline_description) ?? '',
    defaults: mergeSpecs(readKaleDefaults(kale, problems), volumes.length === 0 ? {} : { volumes }, defaults.spec),
    steps,
    workspace,
    diagnostics: problems.map(message => ({ code: 'setting', severity: 'warning', message }))
  };
}

function toObject(json: unknown, name: string, problems: string[]): JsonRecord {
  if (isRecord(json)) return json;
  if (json !== undefined)
    problems.push(
      `The notebook's metadata ‘${name}’ are ${describeType(json)} instead of an object; they are ignored.`
    );
  return {};
}

function toText(json: unknown): string | undefined {
  return typeof json === 'string' && json.trim() !== '' ? json.trim() : undefined;
}

function readSteps(json: unknown, problems: string[]): ReadonlyMap<string, StepSpec> {
  return new Map(
    Object.entries(toObject(json, 'sluice.steps', problems)).map(([name, spec]) => {
      const reading = readStepSpec(spec, `The settings of step ‘${name}’`);
      problems.push(...reading.problems);
      return [name, reading.spec];
    })
  );
}

// Kale ≤ 1 says `docker_image`, Kale 2 `base_image`; `steps_defaults` is a list of tags, or the object made from it.
function readKaleDefaults(kale: JsonRecord, problems: string[]): StepSpec {
  const image = toText(kale.base_image) ?? toText(kale.docker_image);
  const start: StepSpec = {
    ...(image === undefined ? {} : { image }),
    ...(typeof kale.timeout === 'number' && kale.timeout > 0 ? { timeout: Math.floor(kale.timeout) } : {}),
    ...(typeof kale.enable_caching === 'boolean' ? { cache: kale.enable_caching } : {})
  };
  const given = kale.steps_defaults;
  if (given === undefined || given === null) return start;
  if (isRecord(given)) return mergeSpecs(start, fromKaleObject(given));
  if (!isStrings(given)) {
    problems.push(
      `The notebook's ‘steps_defaults’ are ${describeType(given)} instead of a list of tags; they are ignored.`
    );
    return start;
  }
  return given.reduce((spec, tag) => {
    const changed = withSetting(spec, tag);
    if (changed === undefined) problems.push(`The default ‘${tag}’ for steps cannot be read and is ignored.`);
    return changed ?? spec;
  }, start);
}

function fromKaleObject(json: JsonRecord): StepSpec {
  const { spec } = readStepSpec(
    {
      image: toText(json.base_image),
      labels: json.labels,
      annotations: json.annotations,
      cache: json.enable_caching,
      retries: json.retry_count,
      retry_delay: toSeconds(json.retry_interval),
      retry_factor: json.retry_factor,
      retry_delay_max: toSeconds(json.retry_max_interval),
      timeout: json.timeout
    },
    'Kale'
  );
  const limits = Object.entries(isRecord(json.limits) ? json.limits : {});
  return limits.reduce((result, [resource, amount]) => withLimit(result, resource, String(amount)) ?? result, spec);
}

// Kale writes waits as Argo does: `30`, `30s`, `5m`, `1h`.
function toSeconds(json: unknown): number | undefined {
  const [, number, unit] = /^(\d+)([smh]?)$/.exec(String(json ?? '')) ?? [];
  return number === undefined
    ? undefined
    : Number(number) * { '': 1, s: 1, m: 60, h: 3600 }[unit as '' | 's' | 'm' | 'h'];
}
