// One step of a run: started, listened to, started again as its retries say, and its end written down. What the user's code does wrong is
// an event; what is thrown here is ours or the disk's.
import { mkdir, rm } from 'node:fs/promises';
import {
  metricsArtifact,
  type Failure,
  type JsonValue,
  type PlanTask,
  type RunEventBody,
  type RunState
} from '@sluice/core';
import { joinTraces, type Trace } from '../cache/trace.js';
import { logFile } from '../home.js';
import type { Kernel } from '../kernels.js';
import { StepLog } from '../logs.js';
import type { ProcessEnd, ProcessUsage, StepProcess } from '../process.js';
import type { RunSnapshots } from '../snapshots/run-snapshots.js';
import type { Store } from '../store.js';
import type { Workers } from '../warm/workers.js';
import type { Ahead } from './ahead.js';
import { argvOf, stepEnv } from './command.js';
import { toExecutorInput, readArtifacts, readExecutorOutput, readMetrics, type Metadata } from './executor.js';
import { blameLimits, describeEnd, describeFailure, describeTimeout } from './failure.js';
import type { Layout } from './layout.js';
import { waitForRetry } from './retry.js';
import { readTold } from './told.js';
import { sumUsage } from './usage.js';

export interface StepContext {
  readonly run: string;
  readonly store: Store;
  readonly layout: Layout;
  readonly kernel: Kernel;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly snapshots: RunSnapshots;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** of the steps that have ended; this step's are added */
  readonly metadata: Map<string, Metadata>;
  /** the processes that run now, so that they can be killed when we are */
  readonly processes: Set<StepProcess>;
  readonly workers: Workers;
  readonly ahead: Ahead;
  readonly signal: AbortSignal;
  /** why the step could not come from cache */
  readonly uncached?: string;
  /** called before a success is told, with the files that its process told of */
  onSuccess(trace: Trace | undefined): Promise<void>;
}

/** of a step's outputs, so much goes to watchers; all of them are in the executed notebook */
const liveOutputChars = 10_000_000;
/** of stderr, so much is shown of a process that could not say why it ended */
const lastBytes = 4000;

/** How an attempt ended: well, or with a failure; undefined when it was canceled. */
type Outcome = { readonly metadata: Metadata } | { readonly failure: Failure } | undefined;

/** What the step's process told of so far, in all attempts. */
interface Telling {
  trace?: Trace;
  /** of the attempts that somebody could count */
  readonly usage: ProcessUsage[];
}

export async function executeStep(task: PlanTask, context: StepContext): Promise<RunState> {
  const { run, store, signal, layout, uncached } = context;
  const step = task.name;
  const append = (body: RunEventBody) => store.append(run, body);
  const log = new StepLog(logFile(store.home, run, step), piece => append({ type: 'log', step, ...piece }));
  const startedAt = performance.now();
  const telling: Telling = { usage: [] };
  const durationMs = () => Math.round(performance.now() - startedAt);
  try {
    for (let attempt = 1; ; attempt++) {
      if (attempt > 1) await waitForRetry(task, attempt, append, signal);
      const reason = attempt === 1 ? {} : { reason: `Attempt ${attempt} of ${task.retries + 1}.` };
      if (!signal.aborted) {
        await context.snapshots.before(step);
        append({ type: 'step', step, state: 'running', ...reason, ...(uncached === undefined ? {} : { uncached }) });
      }
      const outcome = await attemptStep(task, context, log, append, telling);
      if (outcome === undefined || (signal.aborted && 'failure' in outcome)) {
        append({ type: 'step', step, state: 'canceled', durationMs: durationMs(), reason: 'The run was canceled.' });
        return 'canceled';
      }
      const metadata = 'metadata' in outcome ? outcome.metadata : ((await readExecutorOutput(layout, step)) ?? {});
      const isLast = 'metadata' in outcome || attempt > task.retries;
      if (isLast) {
        await context.snapshots.after(step);
        context.metadata.set(step, metadata);
        const artifacts = await readArtifacts(task, layout, metadata);
        store.sql.transaction(() => artifacts.forEach(artifact => append({ type: 'artifact', step, artifact })));
        const usage = await sumUsage(telling.usage, task, layout, artifacts);
        const used = { durationMs: durationMs(), ...(usage && { usage }) };
        if ('metadata' in outcome) {
          await context.onSuccess(telling.trace);
          append({ type: 'step', step, state: 'succeeded', ...used });
          return 'succeeded';
        }
        const { failure } = outcome;
        append({ type: 'step', step, state: 'failed', ...used, error: describeFailure(failure), failure });
        return 'failed';
      }
    }
  } finally {
    store.addLog(run, step, log.path, await log.close());
  }
}

async function attemptStep(
  task: PlanTask,
  context: StepContext,
  log: StepLog,
  append: (body: RunEventBody) => void,
  telling: Telling
): Promise<Outcome> {
  const { layout, signal } = context;
  const step = task.name;
  await rm(layout.stepFolder(step), { recursive: true, force: true });
  await mkdir(layout.stepFolder(step), { recursive: true });
  if (signal.aborted) return undefined;
  let failure: Failure | undefined;
  let cell: number | undefined;
  let isInCell = false;
  let error: unknown;
  let outputRoom = liveOutputChars;
  let lastWords = '';
  const metrics = new Set<string>();
  const limits = context.ahead.begin(task);
  const child = context.workers.start({
    step,
    argv: makeArgv(task, context),
    env: { ...stepEnv(context), ...task.env },
    cwd: context.cwd,
    limits: limits.ofEach,
    onStart: limits.enter,
    onWaiting: limits.enterWaiting,
    onOutput: (stream, chunk) => {
      if (stream === 'stderr') lastWords = (lastWords + chunk.toString('latin1')).slice(-lastBytes);
      return log.write(stream, chunk) ? undefined : log.drained();
    },
    onEvent: value => {
      const told = readTold(step, value);
      if (told === undefined || error !== undefined) return;
      if (told.type === 'failure') failure = told.failure;
      else if (told.type === 'files') telling.trace = joinTraces(telling.trace, told.trace);
      else {
        if (told.type === 'cell') {
          cell = told.cell;
          isInCell = told.state === 'running';
        }
        if (told.type === 'metric') metrics.add(told.name);
        if (told.type === 'output' && (outputRoom -= JSON.stringify(told.output).length) < 0) return;
        try {
          append(told);
        } catch (thrown) {
          error = thrown; // e.g. the disk is full: nothing more can be recorded, so the step ends
          child.stop();
        }
      }
    }
  });
  setImmediate(() => context.ahead.holdNext()); // this step first
  const { end, isTimeout } = await waitFor(child, task.timeoutSeconds, context);
  if (end.usage !== undefined) telling.usage.push(end.usage);
  const limitReport = limits.read();
  await limits.close();
  if (error !== undefined) throw error;
  if (signal.aborted && end.status !== 0) return undefined;
  if (isTimeout) return { failure: describeTimeout(task.timeoutSeconds!, cell) };
  if (failure !== undefined) return { failure: blameLimits(failure, limits, limitReport) };
  // the runtime saves its results now and then: they are whole only when it has left its last cell by itself
  const metadata = end.status === 0 && !isInCell ? await readExecutorOutput(layout, step) : undefined;
  if (metadata === undefined) {
    const described = describeEnd(end, cell, Buffer.from(lastWords, 'latin1').toString('utf8'));
    return { failure: blameLimits(described, limits, limitReport) };
  }
  for (const [name, value] of await readMetrics(layout.artifact(step, metricsArtifact)))
    if (!metrics.has(name)) append({ type: 'metric', step, name, value });
  return { metadata };
}

async function waitFor(
  child: StepProcess,
  timeoutSeconds: number | undefined,
  { signal, processes }: StepContext
): Promise<{ end: ProcessEnd; isTimeout: boolean }> {
  let isTimeout = false;
  const timer =
    timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => {
          isTimeout = true;
          child.stop();
        }, timeoutSeconds * 1000);
  processes.add(child);
  signal.addEventListener('abort', child.stop);
  try {
    return { end: await child.ended, isTimeout };
  } finally {
    clearTimeout(timer);
    processes.delete(child);
    signal.removeEventListener('abort', child.stop);
  }
}

/** With this execution's input. */
function makeArgv(task: PlanTask, context: StepContext): string[] {
  const input = toExecutorInput(task, context);
  return argvOf(task, context.kernel).map(part => part.replaceAll('{{$}}', () => input));
}
