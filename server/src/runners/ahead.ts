// A step's imports can be made before it starts, as soon as it is sure to be executed: all that a run without past executes, and what
// depends on a step that did not come from cache.
import { descendants, type Plan, type PlanTask } from '@sluice/core';
import type { Kernel } from '../kernels.js';
import type { Workers } from '../warm/workers.js';
import { argvOf, stepEnv } from './step.js';

export class Ahead {
  private readonly prepared = new Set<string>();

  constructor(
    private readonly plan: Plan,
    private readonly context: {
      readonly kernel: Kernel;
      readonly env: NodeJS.ProcessEnv;
      readonly workers: Workers;
    }
  ) {}

  /** These steps will be executed, in the pipeline's order. */
  expect(steps: ReadonlySet<string>): void {
    const { kernel, workers } = this.context;
    const expected = this.plan.tasks.filter(({ name }) => steps.has(name) && !this.prepared.has(name));
    for (const { name } of expected) this.prepared.add(name);
    if (expected.length > 0)
      workers.prepare(
        expected.map(task => ({ argv: argvOf(task, kernel), env: { ...stepEnv(this.context), ...task.env } }))
      );
  }

  /** The step is executed, and so will be those of the chosen ones that depend on it. */
  expectFrom({ name }: PlanTask, chosen: ReadonlySet<string>): void {
    const dependents = descendants(this.plan.tasks, name);
    this.expect(new Set([name, ...dependents].filter(step => chosen.has(step))));
  }
}
