// What a notebook's metadata say about its pipeline: our own `sluice` object, and Kale's `kubeflow_notebook`, of v1 and v2 alike.
import type { Diagnostic } from './diagnostic.js';
import { describeType, isRecord, type JsonRecord } from './json.js';
import { readKale } from './kale.js';
import type { Notebook } from './notebook.js';
import { mergeSpecs, readStepSpec, type StepSpec } from './step.js';
import { findKeptVolumes, readWorkspaceSpec, type WorkspaceSpec } from './workspace.js';

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
  const kale = readKale(toObject(notebook.metadata.kubeflow_notebook, 'kubeflow_notebook', problems));
  const defaults = readStepSpec(ours.defaults, 'The pipeline’s default settings');
  const steps = readSteps(ours.steps, problems);
  const { workspace, volumes, problems: faults } = readWorkspaceSpec(ours.volumes, ours.snapshots);
  problems.push(...kale.problems, ...defaults.problems, ...faults);
  const all = mergeSpecs(kale.defaults, volumes.length === 0 ? {} : { volumes }, defaults.spec);
  return {
    name: toText(ours.name) ?? kale.name ?? notebook.fileName ?? 'pipeline',
    description: toText(ours.description) ?? kale.description ?? '',
    defaults: all,
    steps,
    workspace: { ...workspace, ...findKeptVolumes([all, ...steps.values()]) },
    diagnostics: [
      ...problems.map((message): Diagnostic => ({ code: 'setting', severity: 'warning', message })),
      ...kale.lost.map((message): Diagnostic => ({ code: 'kale', severity: 'info', message }))
    ]
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
