// A run on Argo, followed: the Workflow says how the steps stand, the pods why they wait and how they ended, their logs what happens in them.
// Each change of any of them is told; whatever was told before and is told again, `RemoteRunner` drops.
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Failure, PlanTask, RunEventBody } from '@sluice/core';
import type { Cluster } from '../kubernetes/access.js';
import {
  blamePod,
  describeNoPod,
  describePodEnd,
  describeRefusedPod,
  describeWaiting,
  isStarted,
  readPodEvents
} from '../kubernetes/pods.js';
import { watchObjects } from '../kubernetes/watch.js';
import type { EngineEvent, RemoteRun } from '../runners/engine.js';
import { describeFailure } from '../runners/failure.js';
import { Channel } from './channel.js';
import { readNotebookFailure, readReport } from '../runners/pod-reader.js';
import { readFailure } from '../runners/traceback.js';
import { tellPodLog } from './pod-log.js';
import { findOtherFailure, readStandings, type ArgoNode, type ArgoWorkflow, type Standing } from './status.js';

export interface FollowOptions {
  readonly cluster: Cluster;
  /** the workflow's name */
  readonly name: string;
  readonly run: RemoteRun;
  placeOf(step: string, artifact: string): string;
  /** called when a step's pod is ended with its run; resolves with sentences for the step's log */
  keepLeft(step: string, pod: string, endedAt: number | undefined): Promise<readonly string[]>;
  /** called when all pods have ended, before the run's end is told */
  onEnd(end: WorkflowEnd): Promise<void>;
}

export interface WorkflowEnd {
  readonly state: 'succeeded' | 'failed' | 'canceled';
  readonly workflow: ArgoWorkflow;
  /** those that have had a pod */
  readonly steps: readonly string[];
  tell(event: EngineEvent): Promise<void>;
}

/** a log that can't be read to its end holds up the step's end for so long */
const logPatienceMs = 30_000;
/** logs of steps that run have come by then */
const logSettleMs = 1000;
/** a pod that waits without saying why is asked after by then */
const askAfterMs = 5000;
/** Argo's controller takes up a workflow sooner */
const controllerMs = 15_000;

type StepEvent = Extract<RunEventBody, { type: 'step' }>;

export async function* followWorkflow(options: FollowOptions, signal: AbortSignal): AsyncIterable<EngineEvent> {
  const stop = new AbortController();
  const follower = new Follower(options, AbortSignal.any([signal, stop.signal]));
  try {
    yield* follower.events();
  } finally {
    stop.abort();
  }
}

class Follower {
  private readonly channel = new Channel<EngineEvent>();
  private workflow: ArgoWorkflow | undefined;
  private pods: Map<string, V1Pod> | undefined;
  /** by pod */
  private readonly logs = new Map<string, Promise<string>>();
  /** steps whose end is told, or about to be */
  private readonly ends = new Map<string, Promise<void>>();
  private readonly reasons = new Map<string, string>();
  private reasonCount = 0;
  private isCaughtUp = false;
  private isEnding = false;

  constructor(
    private readonly options: FollowOptions,
    private readonly signal: AbortSignal
  ) {}

  async *events(): AsyncIterable<EngineEvent> {
    const work = [this.watchWorkflow(), this.watchPods(), this.watchController(), this.askAfterPods()];
    for (const part of work) part.catch((error: unknown) => this.channel.fail(error));
    this.signal.addEventListener('abort', () => this.channel.end(), { once: true });
    yield* this.channel;
  }

  private async watchWorkflow(): Promise<void> {
    const { cluster, name } = this.options;
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${cluster.namespace}/workflows`;
    const watch = { path, fieldSelector: `metadata.name=${name}`, resource: 'workflows.argoproj.io' };
    for await (const change of watchObjects<ArgoWorkflow>(cluster, watch, this.signal)) {
      const found =
        change.type === 'listed' ? change.objects[0] : change.type === 'changed' ? change.object : undefined;
      if (found === undefined) return this.tellGone();
      this.workflow = found;
      this.reconcile();
    }
  }

  private async watchPods(): Promise<void> {
    const { cluster, name } = this.options;
    const path = `/api/v1/namespaces/${cluster.namespace}/pods`;
    const watch = { path, labelSelector: `workflows.argoproj.io/workflow=${name}`, resource: 'pods' };
    for await (const change of watchObjects<V1Pod>(cluster, watch, this.signal)) {
      if (change.type === 'listed') this.pods = new Map(change.objects.map(pod => [nodeOf(pod), pod]));
      else if (change.type === 'changed') this.pods!.set(nodeOf(change.object), change.object);
      // one that is removed has told how it ended
      this.reconcile();
    }
  }

  private async watchController(): Promise<void> {
    await sleep(controllerMs, undefined, { signal: this.signal }).catch(() => undefined);
    if (this.signal.aborted || this.workflow === undefined || this.workflow.status?.phase) return;
    this.options.run.notice(
      'Argo’s controller has not taken up the workflow. Is it running, and does it look after this namespace?'
    );
  }

  private tellGone(): void {
    void this.channel.push({
      ...{ type: 'run-ended', run: this.options.run.id, state: 'failed', metrics: {} },
      reason: `The workflow ‘${this.options.name}’ is not in the cluster any more: somebody deleted it, or its time to live was over.`
    });
  }

  /** Look at all that is known, and tell what follows from it. Can be called at any time. */
  private reconcile(): void {
    const { workflow, pods } = this;
    if (workflow === undefined || pods === undefined) return;
    const standings = readStandings(workflow);
    for (const standing of standings) this.reconcileStep(standing, standings, pods);
    const phase = workflow.status?.phase;
    const hasEnded = phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
    if (hasEnded && !this.isEnding) {
      this.isEnding = true;
      this.endRun(workflow, standings).catch((error: unknown) => this.channel.fail(error));
    }
    if (!hasEnded && !this.isCaughtUp) {
      this.isCaughtUp = true;
      const running = sleep(logSettleMs, undefined, { ref: false }); // what they have printed so far comes at once
      void Promise.all([running, ...this.ends.values()]).then(() => this.channel.push({ type: 'caught-up' }));
    }
  }

  private reconcileStep(standing: Standing, all: readonly Standing[], pods: ReadonlyMap<string, V1Pod>): void {
    const { step, attempts } = standing;
    const task = this.options.run.plan.tasks.find(({ name }) => name === step);
    if (task === undefined || this.ends.has(step)) return;
    attempts.forEach((node, i) => {
      const pod = pods.get(node.id);
      if (pod !== undefined && isStarted(pod)) this.begin(task, pod, i + 1, standing.most);
      else if (i + 1 === attempts.length && (standing.state === 'pending' || standing.state === 'running'))
        this.tellWaiting(standing, i + 1, node, pod);
    });
    if (['succeeded', 'failed', 'canceled', 'skipped'].includes(standing.state)) {
      const end = this.endStep(task, standing, all);
      end.catch((error: unknown) => this.channel.fail(error));
      this.ends.set(step, end);
    }
  }

  private begin(task: PlanTask, pod: V1Pod, attempt: number, most: number): void {
    const { name, uid } = pod.metadata as { name: string; uid: string };
    if (this.logs.has(uid)) return;
    const { cluster, run, placeOf } = this.options;
    const state = pod.status?.containerStatuses?.find(container => container.name === 'main')?.state;
    const startedAt = state?.running?.startedAt ?? state?.terminated?.startedAt;
    this.tellStep(task.name, `${order(attempt)}.1`, {
      state: 'running',
      ...(attempt > 1 ? { reason: `Attempt ${attempt} of ${most}.` } : {}),
      ...(startedAt ? { at: new Date(startedAt).getTime() } : {})
    });
    const log = tellPodLog({
      ...{ cluster, run, task, pod: { name, uid }, signal: this.signal },
      token: this.workflow!.metadata?.uid ?? '',
      placeOf: artifact => placeOf(task.name, artifact),
      tell: event => this.channel.push(event)
    });
    log.catch((error: unknown) => this.channel.fail(error));
    this.logs.set(uid, log);
  }

  private tellWaiting({ step, most }: Standing, attempt: number, node: ArgoNode, pod: V1Pod | undefined): void {
    const why = pod === undefined ? describeNoPod(node.message) : describeWaiting(pod);
    const again = attempt > 1 ? `Attempt ${attempt} of ${most}` : undefined;
    const reason = again === undefined ? why : why === undefined ? `${again}.` : `${again}: ${why}`;
    this.tellReason(step, attempt, reason);
  }

  private tellReason(step: string, attempt: number, reason: string | undefined): void {
    if (reason === undefined || this.reasons.get(step) === reason) return;
    this.reasons.set(step, reason);
    if (this.options.run.state(step)?.reason === reason) return;
    this.tellStep(step, `${order(attempt)}.0.${order(this.reasonCount++)}`, { state: 'pending', reason });
  }

  /** Some reasons are only in the cluster's events: a volume that can't be mounted, a secret that is missing. */
  private async askAfterPods(): Promise<void> {
    while (!this.signal.aborted) {
      await sleep(askAfterMs, undefined, { signal: this.signal }).catch(() => undefined);
      const { workflow, pods } = this;
      if (workflow === undefined || pods === undefined) continue;
      for (const { step, attempts } of readStandings(workflow)) {
        const pod = pods.get(attempts.at(-1)?.id ?? '');
        const age = Date.now() - new Date(pod?.metadata?.creationTimestamp ?? Date.now()).getTime();
        if (pod?.status?.phase !== 'Pending' || age < askAfterMs || describeWaiting(pod) !== undefined) continue;
        const event = (await readPodEvents(this.options.cluster, pod.metadata!.name!)).at(-1);
        if (event !== undefined) this.tellReason(step, attempts.length, `The pod does not start: ${event}`);
      }
    }
  }

  private async endStep(task: PlanTask, standing: Standing, all: readonly Standing[]): Promise<void> {
    const { run } = this.options;
    await Promise.all(task.after.map(name => this.ends.get(name))); // a step's end comes after those that it waited for
    const { step, state, attempts, endedAt } = standing;
    const pod = this.pods!.get(attempts.at(-1)?.id ?? '');
    const log = pod && this.logs.get(pod.metadata!.uid!);
    const kept = state === 'canceled' && pod && isStarted(pod) ? this.tellLeft(step, pod, endedAt) : undefined;
    const printed = log && (await Promise.race([log, sleep(logPatienceMs, undefined, { ref: false })]));
    await kept;
    const report = readReport(run, task.name);
    const isOwn = report !== undefined && (pod === undefined || report.pod === pod.metadata!.uid);
    const { usage, firstAt, lastAt } = isOwn ? report : {};
    const told = {
      ...(usage === undefined ? {} : { usage }),
      ...(firstAt === undefined || lastAt === undefined ? {} : { durationMs: lastAt - firstAt }),
      ...(endedAt === undefined ? {} : { at: endedAt })
    };
    if (state === 'failed') {
      const own = isOwn ? (report.failure ?? readNotebookFailure(run, task.name)) : undefined;
      const end = describePodEnd(pod);
      // the step knows only that somebody asked it to end
      const ended = end?.name === 'timeout' || end?.name === 'evicted' ? end : undefined;
      // who starts a workflow elsewhere may not have it tell its events
      const said = end?.name === 'exit-status' && printed ? readFailure(printed) : undefined;
      const refused = pod === undefined ? describeRefusedPod(attempts.at(-1)?.message) : undefined;
      const failure = blamePod(ended ?? own ?? refused ?? said ?? end ?? argosFailure(standing), pod);
      this.tellStep(step, last, { state, ...told, failure, error: describeFailure(failure) });
    } else if (state === 'skipped') this.tellStep(step, last, { state, reason: whySkipped(task, all), ...told });
    else if (state === 'canceled') this.tellStep(step, last, { state, reason: 'The run was canceled.', ...told });
    else this.tellStep(step, last, { state, ...told });
  }

  /** Argo makes no snapshot any more where it has been told to end the run. */
  private async tellLeft(step: string, { metadata }: V1Pod, endedAt: number | undefined): Promise<void> {
    const said = await this.options.keepLeft(step, metadata!.name!, endedAt);
    for (const [i, sentence] of said.entries()) {
      const origin = { source: `left:${metadata!.uid}`, position: String(i) };
      await this.channel.push({ type: 'log', step, stream: 'stderr', text: `${sentence}\n`, origin });
    }
  }

  private async endRun(workflow: ArgoWorkflow, standings: readonly Standing[]): Promise<void> {
    const { run, onEnd } = this.options;
    await Promise.all(this.ends.values());
    const { phase, message, finishedAt } = workflow.status!;
    const isCanceled = workflow.spec?.shutdown !== undefined && phase !== 'Succeeded';
    // a workflow can say that what comes after a failure makes up for it; a notebook can't
    const hasFailed = standings.some(standing => standing.state === 'failed');
    const state = isCanceled ? 'canceled' : phase === 'Succeeded' && !hasFailed ? 'succeeded' : 'failed';
    const hadPod = ({ message }: ArgoNode) => describeRefusedPod(message) === undefined;
    const steps = standings.flatMap(({ step, attempts }) => (attempts.some(hadPod) ? [step] : []));
    await onEnd({ state, workflow, steps, tell: event => this.channel.push(event) });
    const reason = isCanceled
      ? 'Canceled in the cluster.'
      : state === 'failed' && !hasFailed
        ? (findOtherFailure(workflow) ?? message ?? 'Argo gives no reason.')
        : undefined;
    await this.channel.push({
      ...{ type: 'run-ended', run: run.id, state, metrics: {} },
      ...(reason === undefined ? {} : { reason }),
      ...(finishedAt ? { at: Date.parse(finishedAt) } : {})
    });
  }

  private tellStep(
    step: string,
    position: string,
    { at, ...event }: Omit<StepEvent, 'type' | 'step'> & { readonly at?: number }
  ): void {
    const origin = { source: `step ${step}`, position };
    void this.channel.push({ type: 'step', step, ...event, origin, ...(at === undefined ? {} : { at }) });
  }
}

const order = (n: number) => String(n).padStart(4, '0');
/** after all attempts */
const last = '9';

const nodeOf = ({ metadata }: V1Pod) =>
  metadata?.annotations?.['workflows.argoproj.io/node-id'] ?? metadata?.name ?? '';

/** Where not even the pod says anything, Argo may. */
function argosFailure({ message }: Standing): Failure {
  return { name: 'exit-status', message: `The step failed: ${message?.replace(/\.$/, '') ?? 'Argo gives no reason'}.` };
}

function whySkipped({ after }: PlanTask, all: readonly Standing[]): string {
  const lacking = all.filter(({ step, state }) => after.includes(step) && (state === 'failed' || state === 'skipped'));
  const names = lacking.map(({ step }) => `‘${step}’`).join(', ');
  return lacking.length === 0 ? 'A step that it needs did not succeed.' : `Needs ${names}, which did not succeed.`;
}
