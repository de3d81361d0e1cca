// The cache of one run: before a step starts, whether a past run's outcome of it still holds; when it has succeeded, what its outcome rests
// on, for runs to come. What a step reads from the clock, the network or other unseen places is not part of it (decision 0013).
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, isAbsolute, join, relative } from 'node:path';
import { ancestors, type JsonValue, type Plan, type PlanTask } from '@sluice/core';
import { layoutOf, type Layout } from '../runners/layout.js';
import type { WorkspaceScan } from '../scan.js';
import type { Tree as Snapshot } from '../snapshots/tree.js';
import { findWritten } from '../snapshots/written.js';
import type { Store } from '../store.js';
import { readContent, type BundleContent } from './bundles.js';
import { describeDifferences, findDifferences, isDoubt, type Now } from './differences.js';
import { recall, type Environment } from './environment.js';
import { keyOf, repeatsSourceOf, toGiven, type Given } from './given.js';
import { FileHashes, hashText } from './hashes.js';
import { Outcomes, type Depends, type Outcome } from './outcomes.js';
import { findStranger } from './strangers.js';
import type { Trace } from './trace.js';
import { Tree, type Content, type Kind } from './tree.js';
import { findChanged, isThere, readWritten, tick, type Written } from './written.js';

/** why a step with `cache: disabled` does not come from cache */
export const turnedOff = 'Its settings turn the cache off.';

export interface CacheOptions {
  readonly store: Store;
  readonly plan: Plan;
  readonly notebook: string | undefined;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  readonly scan: WorkspaceScan;
  /** undefined where it can't be known: then nothing comes from cache */
  readonly environment: Environment | undefined;
  /** what steps find in `os.environ`, but for their settings */
  readonly env: NodeJS.ProcessEnv;
  /** of the workspace, at the start of the run, if there is a run */
  readonly start?: Snapshot;
  /** do without reading what past runs keep: that it is there is enough */
  readonly isGlance?: boolean;
}

/** Of a step that this run has done with. */
interface Done {
  readonly execution: string;
  readonly wrote: Written;
  /** where its artifacts are */
  readonly layout: Layout;
  /** of its artifacts, where it is known */
  readonly contents?: Readonly<Record<string, BundleContent>>;
}

export type Answer =
  | { readonly outcome: Outcome; readonly uncached?: undefined; readonly isUnsure?: undefined }
  | {
      readonly outcome?: undefined;
      /** undefined when the step has not run before */
      readonly uncached?: string;
      /** nothing is known to have changed, but what it depends on cannot all be told */
      readonly isUnsure?: true;
    };

/** What is known of the steps so far: in a run of those that ended, else of those that would come from cache. */
export class Knowledge {
  readonly hashes: FileHashes;
  readonly outcomes: Outcomes;
  private readonly start: Tree;
  private readonly done = new Map<string, Done>();
  private readonly contents = new Map<string, Promise<BundleContent | undefined>>();

  constructor(readonly options: CacheOptions) {
    const { sql } = options.store;
    this.hashes = new FileHashes(sql);
    this.outcomes = new Outcomes(sql);
    this.start = Tree.of(options.scan, this.hashes, options.start);
  }

  /** The step is done, with this outcome; `layout` says where its artifacts are. */
  take({ step, execution, wrote, depends }: Outcome, layout: Layout): void {
    this.done.set(step, {
      execution,
      wrote,
      layout,
      ...(depends === undefined ? {} : { contents: depends.artifacts })
    });
  }

  /** The workspace as the step finds it: with what the steps that it waits for have written, and nothing of those beside it. */
  treeFor(task: PlanTask): Tree {
    const { tasks } = this.options.plan;
    const before = ancestors(tasks, task.name);
    const tree = this.start.copy();
    for (const { name } of tasks)
      if (task.atEnd || before.has(name))
        for (const [path, content] of Object.entries(this.done.get(name)?.wrote ?? {})) tree.write(path, content);
    return tree;
  }

  /** Whether steps that this one does not wait for have written files already. */
  hasStrangers(task: PlanTask): boolean {
    const before = ancestors(this.options.plan.tasks, task.name);
    return [...this.done].some(
      ([name, { wrote }]) => !task.atEnd && !before.has(name) && name !== task.name && Object.keys(wrote).length > 0
    );
  }

  /** Whether a past outcome of the step holds; one of the run `from`, where that is given. */
  async ask(task: PlanTask, from?: string): Promise<Answer> {
    const { plan, notebook } = this.options;
    const given = await this.given(task);
    const latest = this.outcomes.latest(task.name, notebook, plan.name);
    if (given === undefined)
      return latest === undefined ? {} : { uncached: 'What it depends on can’t be told.', isUnsure: true };
    const key = keyOf(given, task.name);
    const tree = this.treeFor(task);
    const candidates = this.outcomes
      .withKey(key, notebook)
      .filter(outcome => from === undefined || outcome.run === from);
    let lost: Outcome | undefined;
    for (const outcome of candidates) {
      if ((await this.differences(outcome, given, tree)).length > 0) continue;
      if (await this.isWhole(task, outcome)) return { outcome };
      lost ??= outcome;
    }
    if (lost !== undefined) return { uncached: `What it gave in run ${lost.number} is gone or damaged.` };
    const failed = this.outcomes.failedLast(task.name, notebook, plan.name);
    if (failed !== undefined) return { uncached: `It failed in run ${failed}.` };
    const nearest = candidates[0] ?? latest;
    if (nearest === undefined) return {};
    const differences = await this.differences(nearest, given, tree);
    const uncached = describeDifferences(differences, nearest.number);
    return nearest.depends !== undefined && isDoubt(differences, nearest.depends)
      ? { uncached, isUnsure: true }
      : { uncached };
  }

  async given(task: PlanTask): Promise<Given | undefined> {
    const { parameters, environment } = this.options;
    if (environment === undefined) return undefined;
    return toGiven(task, {
      parameters,
      environment: environment.id,
      contentOf: async (step, artifact) => {
        const done = this.done.get(step);
        return done && (done.contents?.[artifact] ?? this.contentOf(done.layout.artifact(step, artifact)));
      }
    });
  }

  /** Executions of the steps that must come before, but give nothing that is seen: no value, no source, and no file that was read. */
  unseen(task: PlanTask, read: Readonly<Record<string, Content>>): Record<string, string> {
    const given = new Set([
      ...task.artifacts.map(artifact => artifact.from),
      ...this.options.plan.tasks.filter(other => repeatsSourceOf(task, other)).map(other => other.name)
    ]);
    const steps = task.after.flatMap((step): [string, string][] => {
      const done = this.done.get(step);
      if (given.has(step) || done === undefined || Object.keys(done.wrote).some(path => path in read)) return [];
      return [[step, done.execution]];
    });
    return Object.fromEntries(steps);
  }

  /** A hash of a variable that a step finds, as it may be a secret. */
  variable(name: string): string | null {
    const value = this.options.env[name];
    return value === undefined ? null : hashText(value);
  }

  contentOf(path: string): Promise<BundleContent | undefined> {
    const known = this.contents.get(path) ?? readContent(path);
    this.contents.set(path, known);
    return known;
  }

  private async differences({ run, depends }: Outcome, given: Given, tree: Tree): Promise<string[]> {
    const { store, notebook, plan } = this.options;
    const name = plan.notebook ?? notebook;
    const now: Now = {
      ...{ given, tree, notebook: name === undefined ? undefined : basename(name) },
      executionOf: step => this.done.get(step)?.execution,
      pathOf: ({ step, artifact }) => this.done.get(step)!.layout.artifact(step, artifact),
      pathThen: ({ step, artifact }) => layoutOf(store.home, run).artifact(step, artifact),
      recall: id => recall(store.sql, id),
      variable: name => this.variable(name)
    };
    return findDifferences(depends!, now);
  }

  /** Whether all that the step gave and wrote is still there as it was. */
  private async isWhole(task: PlanTask, { run, depends, wrote, folder }: Outcome): Promise<boolean> {
    const { store, isGlance } = this.options;
    const layout = layoutOf(store.home, run);
    for (const [name, { id }] of Object.entries(depends!.artifacts)) {
      const path = layout.artifact(task.name, name);
      if (isGlance ? !existsSync(path) : (await this.contentOf(path))?.id !== id) return false;
    }
    if (await isThere(join(layout.folder, folder), wrote, this.hashes)) return true;
    const inside = this.options.scan.folder;
    return (await findWritten(store, { run, step: task.name, wrote, inside })) !== undefined;
  }
}

/** A step at work: what is needed at its end to say what it depended on. */
export interface Watch {
  /** Write down the outcome of the step, which has succeeded. */
  end(trace: Trace | undefined): Promise<void>;
  /** The step has not succeeded. */
  giveUp(): void;
}

interface Working {
  readonly task: PlanTask;
  /** paths, relative to the notebook's folder, that it is known to have written; undefined while it runs */
  wrote: readonly string[] | undefined;
}

export class RunCache {
  private readonly working = new Set<Working>();

  constructor(
    readonly knowledge: Knowledge,
    private readonly run: { readonly id: string; readonly number: number },
    private readonly layout: Layout,
    /** the notebook's folder in the workspace */
    private readonly folder: string,
    /** when all that the user has was in the workspace, by the clock of its file system */
    private readonly ready: bigint
  ) {}

  /** The step comes from a past run, and what it gave is this run's by now. */
  async take(task: PlanTask, outcome: Outcome): Promise<void> {
    const { depends } = outcome;
    const taken = { ...outcome, run: this.run.id, folder: this.relativeFolder };
    // the executed notebook may have other numbers on its cells
    const own = depends && { ...depends, artifacts: (await this.contentsOf(task)) ?? depends.artifacts };
    this.knowledge.outcomes.add({ ...taken, ...(own && { depends: own }) }, own && keyOf(own.given, task.name));
    this.knowledge.take(taken, this.layout);
  }

  async watch(task: PlanTask): Promise<Watch> {
    const since = await tick(this.layout.folder);
    const before = this.knowledge.treeFor(task);
    const given = await this.knowledge.given(task);
    const beside = new Set(this.working);
    const self: Working = { task, wrote: undefined };
    for (const other of this.working) this.besides.get(other)?.add(self);
    this.besides.set(self, beside);
    this.working.add(self);
    const giveUp = () => {
      self.wrote ??= [];
      this.working.delete(self);
    };
    return {
      giveUp,
      end: async trace => {
        try {
          await this.record(self, trace, { since, before, given });
        } finally {
          giveUp();
        }
      }
    };
  }

  /** steps that ran at the same time as one */
  private readonly besides = new Map<Working, Set<Working>>();

  private async record(
    self: Working,
    trace: Trace | undefined,
    { since, before, given }: { since: bigint; before: Tree; given: Given | undefined }
  ): Promise<void> {
    const { task } = self;
    const { wrote, isSure } = await this.findWritten(self, trace, since, before);
    const execution = randomUUID();
    const depends =
      trace === undefined || given === undefined
        ? undefined
        : await this.depend(self, trace, given, before, { wrote, isSure });
    const outcome: Outcome = {
      ...{ run: this.run.id, number: this.run.number, step: task.name, execution, wrote },
      folder: this.relativeFolder,
      ...(depends === undefined ? {} : { depends })
    };
    this.knowledge.take(outcome, this.layout);
    this.knowledge.outcomes.add(outcome, depends && keyOf(depends.given, task.name));
  }

  /** `isSure`: no other step can have written any of it. */
  private async findWritten(
    self: Working,
    trace: Trace | undefined,
    since: bigint,
    before: Tree
  ): Promise<{ readonly wrote: Written; readonly isSure: boolean }> {
    const told = (trace?.wrote ?? []).map(path => this.toKnown(path)).filter(path => !isAbsolute(path));
    self.wrote = told;
    if (trace !== undefined && trace.others.length === 0)
      return { wrote: await readWritten(this.folder, told, before), isSure: true };
    const beside = [...this.besides.get(self)!];
    const explained = new Set([...told, ...beside.flatMap(({ wrote }) => wrote ?? [])]);
    const changed = await findChanged(this.layout.workspace, this.folder, since);
    const wrote = await readWritten(this.folder, [...told, ...changed.filter(path => !explained.has(path))], before);
    const unexplained = Object.keys(wrote).filter(path => !explained.has(path));
    return { wrote, isSure: beside.length === 0 || unexplained.length === 0 };
  }

  private async depend(
    self: Working,
    trace: Trace,
    given: Given,
    tree: Tree,
    { wrote, isSure }: { readonly wrote: Written; readonly isSure: boolean }
  ): Promise<Depends | undefined> {
    const { task } = self;
    const { plan, notebook } = this.knowledge.options;
    let unsure = isSure ? undefined : `it used ${trace.others.join(', ')}, and other steps that ran then wrote files`;
    const stranger = await this.findStranger(self, trace, wrote, tree);
    if (stranger !== undefined) unsure ??= `‘${stranger}’ is of a step that it does not wait for`;
    const read: Record<string, Content> = {};
    // what a step leaves outside of the workspace must still be as it was left
    const outside = trace.wrote.map(path => this.toKnown(path)).filter(path => isAbsolute(path));
    for (const path of [...trace.read.map(path => this.toKnown(path)), ...outside]) {
      const content = await tree.read(path);
      if (content === undefined) unsure = `‘${path}’ changed while it ran`;
      else read[path] = content;
    }
    const listed: Record<string, Content> = {};
    for (const path of trace.listed.map(path => this.toKnown(path))) listed[path] = await tree.list(path);
    const asked: Record<string, Kind> = {};
    for (const path of trace.asked.map(path => this.toKnown(path)))
      if (!Object.hasOwn(read, path)) asked[path] = await tree.kind(path);
    const variables = Object.fromEntries(
      trace.variables
        .filter(variable => !Object.hasOwn(task.env, variable))
        .map(variable => [variable, this.knowledge.variable(variable)])
    );
    const name = plan.notebook ?? notebook;
    const whole =
      trace.others.length === 0 ? null : await tree.readAll(name === undefined ? undefined : basename(name));
    if (whole === undefined) unsure = 'a file changed while it ran';
    const artifacts = await this.contentsOf(task);
    if (artifacts === undefined) return undefined;
    return {
      ...{ given, read, listed, asked, variables, artifacts, after: this.knowledge.unseen(task, read) },
      ...(trace.others.length === 0 ? {} : { whole: { content: whole ?? null, because: trace.others.join(', ') } }),
      ...(unsure === undefined ? {} : { unsure })
    };
  }

  private async findStranger(self: Working, trace: Trace, wrote: Written, tree: Tree): Promise<string | undefined> {
    if (this.besides.get(self)!.size === 0 && !this.knowledge.hasStrangers(self.task)) return undefined;
    const known = (paths: readonly string[]) => paths.map(path => this.toKnown(path));
    const seen = {
      read: known([...trace.read, ...trace.asked]),
      listed: known(trace.listed),
      isWhole: trace.others.length > 0
    };
    const { workspace } = this.layout;
    return findStranger(seen, wrote, tree, { workspace, folder: this.folder, ready: this.ready });
  }

  /** What the step gave, by artifact; undefined where something is missing. */
  private async contentsOf(task: PlanTask): Promise<Depends['artifacts'] | undefined> {
    const contents: Record<string, BundleContent> = {};
    for (const { name } of task.outputs) {
      const content = await this.knowledge.contentOf(this.layout.artifact(task.name, name));
      if (content === undefined) return undefined;
      contents[name] = content;
    }
    return contents;
  }

  /** A path in the workspace as it is called in the notebook's folder; one outside of it as it is. */
  private toKnown(path: string): string {
    const inWorkspace = relative(this.layout.workspace, path);
    return inWorkspace.startsWith('..') ? path : relative(this.folder, path);
  }

  private get relativeFolder(): string {
    return relative(this.layout.folder, this.folder);
  }
}
