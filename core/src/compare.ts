// Two runs side by side: what each was given, what came of it, and how its steps went.
import type { RunSummary, StepRun } from './protocol.js';
import { formatDuration, formatMetric } from './words.js';

export interface Compared {
  readonly name: string;
  /** as text; null where a run has none of that name */
  readonly values: readonly [string | null, string | null];
}

export type RunComparison = Readonly<Record<'parameters' | 'metrics' | 'steps', readonly Compared[]>>;

/** `describe` puts a step of a run into words. */
export function compareRuns(a: RunSummary, b: RunSummary, describe = describeStep): RunComparison {
  const stepsOf = ({ steps }: RunSummary): Readonly<Record<string, string>> =>
    Object.fromEntries(steps.map(step => [step.name, describe(step)]));
  return {
    parameters: sideBySide(a.parameters, b.parameters, value => JSON.stringify(value)),
    metrics: sideBySide(a.metrics, b.metrics, formatMetric),
    steps: sideBySide(stepsOf(a), stepsOf(b), text => text)
  };
}

function describeStep({ state, durationMs }: StepRun): string {
  return durationMs === undefined ? state : `${state} ${formatDuration(durationMs)}`;
}

function sideBySide<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  format: (value: T) => string
): readonly Compared[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].map(name => {
    const write = (values: Readonly<Record<string, T>>, as: (value: T) => string): string | null =>
      Object.hasOwn(values, name) ? as(values[name]!) : null;
    const short = [write(a, format), write(b, format)] as const;
    const full = [write(a, JSON.stringify), write(b, JSON.stringify)] as const;
    // Figures that look the same in few digits are told in full where they differ.
    return { name, values: short[0] === short[1] && full[0] !== full[1] ? full : short };
  });
}
