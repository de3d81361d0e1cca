// Two runs side by side: what each was given, what came of it, and how its steps went.
import type { RunSummary, StepRun } from './protocol.js';
import { formatDuration, formatMetric } from './words.js';

export interface Compared {
  readonly name: string;
  /** as text; null where a run has none of that name */
  readonly values: readonly [string | null, string | null];
}

export type RunComparison = Readonly<Record<'parameters' | 'metrics' | 'steps', readonly Compared[]>>;

export function compareRuns(a: RunSummary, b: RunSummary): RunComparison {
  return {
    parameters: sideBySide(a.parameters, b.parameters, value => JSON.stringify(value)),
    metrics: sideBySide(a.metrics, b.metrics, formatMetric),
    steps: sideBySide(stepsOf(a), stepsOf(b), describe)
  };
}

function stepsOf({ steps }: RunSummary): Readonly<Record<string, StepRun>> {
  return Object.fromEntries(steps.map(step => [step.name, step]));
}

function describe({ state, durationMs }: StepRun): string {
  return durationMs === undefined ? state : `${state} ${formatDuration(durationMs)}`;
}

function sideBySide<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  format: (value: T) => string
): readonly Compared[] {
  const cell = (values: Readonly<Record<string, T>>, name: string): string | null =>
    Object.hasOwn(values, name) ? format(values[name]!) : null;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].map(name => ({
    name,
    values: [cell(a, name), cell(b, name)]
  }));
}
