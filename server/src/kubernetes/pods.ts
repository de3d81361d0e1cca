// A pod as the people see it whose step runs in it: why it does not start, how it ended, and what it prints.
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@sluice/core';
import { ask, isPassing, maybeAsk, openStream, statusOf, type Cluster } from './access.js';
import { readLines } from './watch.js';

/** Why the pod waits, in words; undefined where it does not, or only for a moment. */
export function describeWaiting({ status, spec }: V1Pod): string | undefined {
  if (status?.phase !== 'Pending') return undefined;
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return describeUnschedulable(scheduled.message ?? '', scheduled.reason);
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const { reason = '', message = '' } = container.state?.waiting ?? {};
    const image = spec?.containers.find(({ name }) => name === container.name)?.image ?? container.image;
    const words = describeContainerWait(reason, message, image);
    if (words !== undefined) return words;
  }
  return undefined;
}

function describeUnschedulable(message: string, reason: string | undefined): string {
  if (reason === 'SchedulingGated') return `Something in the cluster holds the pod back: ${message}`;
  const why = message
    .replace(/ ?preemption: .*$/, '')
    .replace(
      /^0\/(\d+) nodes are available: /,
      (_, nodes) => `none of ${nodes === '1' ? 'the one node' : `${nodes} nodes`}: `
    );
  const cure = /Insufficient (cpu|memory|[\w.-]+\/\w+)/.test(message)
    ? ' Ask for less, or wait until others are done.'
    : /didn't match Pod's node affinity\/selector/.test(message)
      ? ' Correct ‘node_selector’ or ‘affinity’.'
      : /untolerated taint/.test(message)
        ? ' Add ‘tolerations’ for it.'
        : '';
  return `No node takes the pod, ${why.replace(/\.?\s*$/, '')}.${cure}`;
}

// https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go and kuberuntime_container.go
function describeContainerWait(reason: string, message: string, image: string): string | undefined {
  const said = message === '' ? '' : `: ${message.replace(/\.?\s*$/, '').slice(0, 300)}`;
  switch (reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'RegistryUnavailable':
      return `The image ‘${image}’ can’t be pulled${said}. Correct its name, or give the cluster access to its registry.`;
    case 'ErrImageNeverPull':
      return `The image ‘${image}’ is not on the node, and may not be pulled. Choose another ‘image_pull_policy’.`;
    case 'InvalidImageName':
      return `‘${image}’ is no image’s name. Correct ‘image’.`;
    case 'CreateContainerConfigError':
      return `The pod refers to something that is not there${said}. Correct its secrets or volumes.`;
    case 'CreateContainerError':
    case 'RunContainerError':
      return `The container can’t be started${said}.`;
    default:
      return undefined;
  }
}

/** What ended a step whose runtime could not say it; undefined where its pod tells nothing. */
export function describePodEnd(pod: V1Pod | undefined, container = 'main'): Failure | undefined {
  if (pod === undefined)
    return {
      name: 'interrupted',
      message: 'The step’s pod is gone: somebody removed it, or its node failed. Run the pipeline again.'
    };
  const { status } = pod;
  if (status?.reason === 'Evicted')
    return {
      name: 'evicted',
      message: `The node needed its resources for others and removed the step’s pod: ${trim(status.message)}. Ask for as much memory and storage as the step needs.`
    };
  if (status?.reason === 'DeadlineExceeded')
    return {
      name: 'timeout',
      message: 'The step ran longer than its timeout. Raise the timeout, or give the step less to do.'
    };
  const ended = status?.containerStatuses?.find(({ name }) => name === container);
  if (status?.reason !== undefined && ended?.state?.terminated === undefined)
    return { name: 'interrupted', message: `The step’s pod was ended (${status.reason}): ${trim(status.message)}.` };
  return ended && describeContainerEnd(ended, pod);
}

function describeContainerEnd({ state, name }: V1ContainerStatus, pod: V1Pod): Failure | undefined {
  const { terminated } = state ?? {};
  if (terminated === undefined || terminated.exitCode === 0) return undefined;
  const { exitCode, reason, message } = terminated;
  if (reason === 'OOMKilled') {
    const limit = pod.spec?.containers.find(container => container.name === name)?.resources?.limits?.memory;
    return {
      name: 'out-of-memory',
      message: `The step needed more than its memory limit${limit === undefined ? '' : ` of ${limit}`}. Raise ‘memory_limit’, or give the step less to do.`
    };
  }
  const image = `the image ‘${pod.spec?.containers.find(container => container.name === name)?.image}’`;
  if (reason === 'StartError' || reason === 'ContainerCannotRun')
    return {
      name: 'start',
      message: `The step could not be started in ${image}: ${trim(plainStart(message))}. It must have Python 3.9 or later as ‘python3’.`
    };
  if (exitCode === 127 || exitCode === 126)
    return {
      name: 'start',
      message: `The step could not be started: ${image} has no ‘python3’. Choose one with Python 3.9 or later.`
    };
  if (exitCode > 128) return { name: 'signal', message: `The step’s process was ended by signal ${exitCode - 128}.` };
  return { name: 'exit-status', message: `The step’s process ended with status ${exitCode}.` };
}

/** What the container's runtime says at last, without what each layer above it adds. */
const plainStart = (message = ''): string =>
  /(exec: .*|starting container process caused: .*)$/s.exec(message)?.[1]?.replace(/: unknown$/, '') ?? message;

/** A step that found a disk full, with those that it has: which one it is, Python rarely says. */
export function blameVolumes(failure: Failure, pod: V1Pod | undefined): Failure {
  if (pod === undefined || !/\[Errno (28|122)\]/.test(failure.message)) return failure;
  const { volumes = [], containers = [] } = pod.spec ?? {};
  const mounts = containers.find(({ name }) => name === 'main')?.volumeMounts ?? [];
  const found = mounts.flatMap(({ name, mountPath }) => {
    const { persistentVolumeClaim, emptyDir } = volumes.find(volume => volume.name === name) ?? {};
    if (persistentVolumeClaim !== undefined) return [`claim ‘${persistentVolumeClaim.claimName}’ at ${mountPath}`];
    return emptyDir?.medium === 'Memory' ? [`${emptyDir.sizeLimit ?? 'memory'} at ${mountPath}`] : [];
  });
  const message = `${failure.message.replace(/\.$/, '')}. One of its volumes is full: ${found.join(', ')}. Free some space there, or ask for more: SLUICE_VOLUME_SIZE for the run’s own, ‘shared_memory’ for /dev/shm.`;
  return { ...failure, message };
}

const trim = (text = '') => text.trim().replace(/\.$/, '') || 'no reason given';

export function isEnded(pod: V1Pod, container = 'main'): boolean {
  const { phase, containerStatuses = [] } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return true;
  return containerStatuses.find(({ name }) => name === container)?.state?.terminated !== undefined;
}

export function isStarted(pod: V1Pod, container = 'main'): boolean {
  const state = pod.status?.containerStatuses?.find(({ name }) => name === container)?.state;
  return state?.running !== undefined || state?.terminated !== undefined;
}

export interface LogLine {
  /** when it was printed, in UTC, as text that sorts */
  readonly time: string;
  readonly text: string;
}

/**
 * What a container prints, line by line, until it has ended and all is read; from `since` on, the line of that time included. A connection
 * that is cut is resumed after the last line. Ends early where the pod is gone.
 * @throws PipelineError when the server says no, or is away for long
 */
export async function* followLog(
  cluster: Cluster,
  pod: string,
  { container = 'main', since, signal }: { container?: string; since?: string | undefined; signal: AbortSignal }
): AsyncIterable<LogLine> {
  const { core, namespace, server } = cluster;
  const read = () => core.readNamespacedPod({ name: pod, namespace });
  let last: string | undefined;
  for (let failures = 0; !signal.aborted;) {
    try {
      const found = await maybeAsk({ verb: 'get', resource: 'pods', name: pod, namespace, server }, read);
      if (found === undefined) return;
      const hadEnded = isEnded(found, container);
      const query = new URLSearchParams({
        ...{ container, timestamps: 'true', follow: String(!hadEnded) },
        ...((last ?? since) && { sinceTime: last ?? since })
      });
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log?${query}`;
      for await (const line of readLines(await openStream(cluster, path, signal))) {
        failures = 0;
        const parsed = parseLine(line);
        if (parsed === undefined || (last !== undefined ? parsed.time <= last : parsed.time < (since ?? ''))) continue;
        last = parsed.time;
        yield parsed;
      }
      if (hadEnded) return; // all of it was there when we began to read
    } catch (error) {
      if (signal.aborted || statusOf(error) === 404) return;
      // 400: the container has not begun, or was never there
      const mayPass = isPassing(error) || statusOf(error) === 400;
      if (!mayPass || ++failures >= 6)
        await ask({ verb: 'get', resource: 'pods/log', name: pod, namespace, server }, () => Promise.reject(error));
      await sleep(200 * 2 ** failures, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** `2026-01-02T03:04:05.678901234Z text`; the zone is the node's. */
function parseLine(line: string): LogLine | undefined {
  const [, date, fraction, zone, text] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ?([^]*)$/.exec(line) ?? [];
  if (date === undefined) return undefined;
  const seconds = zone === 'Z' ? date : new Date(`${date}${zone}`).toISOString().slice(0, 19);
  return { time: `${seconds}.${(fraction ?? '').padEnd(9, '0')}Z`, text: text! };
}

/** What the cluster says about a pod that does not get on, newest last; nothing where we may not see it. */
export async function readPodEvents({ core, namespace }: Cluster, pod: string): Promise<string[]> {
  try {
    const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${pod},type=Warning`;
    const { items } = await core.listNamespacedEvent({ namespace, fieldSelector });
    const tells = (reason: string, message: string) =>
      /^Failed(?!Scheduling)|Evict/.test(reason) && !/failed to sync|no relationship found/.test(message); // the node is only just beginning
    return items.flatMap(({ reason = '', message = '' }) => (tells(reason, message) ? [`${reason}: ${message}`] : []));
  } catch {
    return [];
  }
}
