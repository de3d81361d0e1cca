// What a step's outcome depends on, as far as it is known before the step starts: its source, parameters, values, settings and environment.
// The files it reads are known only afterwards.
import { readStepArgument, type JsonValue, type PlanTask, type StepArgument } from '@sluice/core';
import type { BundleContent } from './bundles.js';
import { hashText } from './hashes.js';

export interface Given {
  /** hash of cells, of what it borrows from earlier ones, and of what it must give */
  readonly source: string;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** by input */
  readonly inputs: Readonly<Record<string, Input>>;
  /** environment variables of its settings */
  readonly env: Readonly<Record<string, string>>;
  /** id of the environment */
  readonly environment: string;
  /** hash of the runtime that the IR carries */
  readonly runtime: string;
}

export interface Input {
  readonly step: string;
  readonly artifact: string;
  readonly names: readonly string[];
  readonly content: BundleContent;
}

export interface Circumstances {
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly environment: string;
  /** of an artifact that an earlier step has given */
  contentOf(step: string, artifact: string): Promise<BundleContent | undefined>;
}

/** Undefined where the step is none of Sluice's, or is verified, or where what it takes can't be read. */
export async function toGiven(task: PlanTask, around: Circumstances): Promise<Given | undefined> {
  const step = readStepArgument(task.args);
  if (step === undefined || step.checkpoints !== undefined) return undefined;
  const inputs: Record<string, Input> = {};
  for (const { name, from, artifact } of task.artifacts) {
    const content = await around.contentOf(from, artifact);
    if (content === undefined) return undefined;
    inputs[name] = { step: from, artifact, names: namesOf(step, name), content };
  }
  return {
    source: hashText(JSON.stringify(sourceOf(step))),
    parameters: Object.fromEntries(
      task.parameters.map(({ name, source }) => [
        name,
        source.kind === 'value' ? source.value : around.parameters[source.name]!
      ])
    ),
    inputs,
    env: task.env,
    environment: around.environment,
    runtime: hashText(JSON.stringify([task.command, task.args.slice(0, task.args.indexOf('--step'))]))
  };
}

/** Steps that are given the same have the same key. */
export function keyOf({ inputs, ...given }: Given, step: string): string {
  const contents = Object.entries(inputs).map(([name, { content }]) => [name, content.id]);
  return hashText(JSON.stringify([step, sorted(given), contents.sort()]));
}

/** Whether the step follows the other because it runs some of its source again: an import, a function. */
export function repeatsSourceOf(task: PlanTask, other: PlanTask): boolean {
  const cells = new Set(readStepArgument(other.args)?.cells?.map(cell => cell.index));
  return (readStepArgument(task.args)?.setup ?? []).some(item => item.kind === 'source' && cells.has(item.cell));
}

/** Where a cell stands in the notebook does not matter: cells may be put above it. */
function sourceOf({ cells = [], setup = [], outputs = [], parameters = [] }: Partial<StepArgument>): JsonValue {
  return [
    cells.map(({ source, metrics }) => [source, metrics]),
    setup.map(item => (item.kind === 'source' ? item.source : [item.input, item.names, item.states])),
    outputs.map(({ artifact, names, states }) => [artifact, names, states]),
    parameters.map(({ name, type, nullable }) => [name, type, nullable === true])
  ];
}

function namesOf({ setup = [] }: Partial<StepArgument>, input: string): readonly string[] {
  return setup.flatMap(item =>
    item.kind === 'value' && item.input === input
      ? [...item.names, ...item.states.map(state => `the state of ${state}`)]
      : []
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, sorted(item)]);
}
