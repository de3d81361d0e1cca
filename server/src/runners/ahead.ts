// What a step needs can be made before it starts, as soon as it is sure to be executed: its imports, and when those that it follows have
// started, its process, under its limits, waiting for its inputs. Sure to be executed is all of a run without past, and what depends on
// a step that did not come from cache.
import { descendants, type Plan, type PlanTask } from '@sluice/core';
import type { Kernel } from '../kernels.js';
import { makeLimits, type Limits } from '../limits.js';
import type { Workers } from '../warm/workers.js';
import { argvOf, stepEnv } from './command.js';

/** processes that wait at a time */
const mostHeld = 2;

export class Ahead {
  private readonly expected = new Set<string>();
  private readonly begun = new Set<string>();
  private readonly held = new Map<string, Limits>();
  private cwd: string | undefined;

  constructor(
    private readonly plan: Plan,
    /** what the run executes */
    private readonly chosen: ReadonlySet<string>,
    private readonly context: {
      readonly kernel: Kernel;
      readonly env: NodeJS.ProcessEnv;
      readonly workers: Workers;
    }
  ) {}

  /** All steps will be executed. */
  expectAll(): void {
    this.expect(this.chosen);
  }

  /** The step is executed, and so will be those that depend on it. */
  expectFrom({ name }: PlanTask): void {
    this.expect(new Set([name, ...descendants(this.plan.tasks, name)]));
  }

  /** The folder that steps work in is there. */
  ready(cwd: string): void {
    this.cwd = cwd;
    this.holdNext();
  }

  /** The step begins. Returns the limits that its process is under, if it is there already. */
  begin({ name, memoryLimitBytes: memoryBytes }: PlanTask): Limits {
    const limits = this.held.get(name);
    this.held.delete(name);
    this.begun.add(name);
    if (limits?.isCounted) return limits; // others count from now on
    void limits?.close();
    return makeLimits({ memoryBytes, env: this.context.env });
  }

  /** Those steps that wait only for what has begun get their processes. */
  holdNext(): void {
    for (const task of this.plan.tasks) {
      const { name, after, atEnd } = task;
      if (this.held.size === mostHeld) return;
      const isNext = this.expected.has(name) && !this.begun.has(name) && !this.held.has(name) && !atEnd;
      if (isNext && after.every(step => this.begun.has(step) || !this.chosen.has(step))) this.hold(task);
    }
  }

  /** No step begins any more. It may be said again. */
  async close(): Promise<void> {
    this.cwd = undefined; // nothing is held from now on, whoever still asks
    this.expected.clear();
    this.context.workers.letGo();
    const held = [...this.held.values()];
    this.held.clear();
    for (const limits of held) await limits.close();
  }

  private expect(steps: ReadonlySet<string>): void {
    const { tasks } = this.plan;
    const found = tasks.filter(({ name }) => steps.has(name) && this.chosen.has(name) && !this.expected.has(name));
    for (const { name } of found) this.expected.add(name);
    if (found.length > 0) this.context.workers.prepare(found.map(task => this.commandOf(task)));
  }

  private hold(task: PlanTask): void {
    if (this.cwd === undefined) return;
    const limits = makeLimits({ memoryBytes: task.memoryLimitBytes, env: this.context.env });
    this.held.set(task.name, limits);
    this.context.workers.hold(task.name, {
      ...this.commandOf(task),
      cwd: this.cwd,
      limits: limits.ofEach,
      onWaiting: limits.enterWaiting
    });
  }

  private commandOf(task: PlanTask): { readonly argv: string[]; readonly env: NodeJS.ProcessEnv } {
    return { argv: argvOf(task, this.context.kernel), env: { ...stepEnv(this.context), ...task.env } };
  }
}
