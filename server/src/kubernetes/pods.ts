// A pod as the people see it whose step runs in it: why it does not start, and how it ended.
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import type { Failure } from '@sluice/core';
import type { Cluster } from './access.js';
import { describeRule } from './words.js';

export interface Waiting {
  /** in words */
  readonly why: string;
  /** what a registry has answered, or the node knows by itself, stays so; a registry's silence ends soon or not; a node has room in its time */
  readonly ends: 'in its time' | 'soon' | 'never';
}

/** Why the pod waits; undefined where it does not, or only for a moment. */
export function findWaiting({ status, spec }: V1Pod): Waiting | undefined {
  if (status?.phase !== 'Pending') return undefined;
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return { why: describeUnschedulable(scheduled.message ?? '', scheduled.reason), ends: 'in its time' };
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const { reason = '', message = '' } = container.state?.waiting ?? {};
    const image = spec?.containers.find(({ name }) => name === container.name)?.image ?? container.image;
    const waiting = findContainerWait(reason, message, image);
    if (waiting !== undefined) return waiting;
  }
  return undefined;
}

export const describeWaiting = (pod: V1Pod): string | undefined => findWaiting(pod)?.why;

function describeUnschedulable(message: string, reason: string | undefined): string {
  if (reason === 'SchedulingGated') return `Something in the cluster holds the pod back: ${message}`;
  const [, nodes, why = message] =
    /^0\/(\d+) nodes are available: ([^]*?)\.?\s*(no new claims to deallocate,|preemption:|$)/.exec(message) ?? [];
  const who =
    nodes === undefined
      ? 'No node takes'
      : nodes === '1'
        ? 'The one node does not take'
        : `None of ${nodes} nodes takes`;
  const cure = /Insufficient (cpu|memory|[\w.-]+\/\w+)/.test(message)
    ? ' Ask for less, or wait until others are done.'
    : /didn't match Pod's node affinity\/selector/.test(message)
      ? ' Correct ‘node_selector’ or ‘affinity’.'
      : /untolerated taint/.test(message)
        ? ' Add ‘tolerations’ for it, or wait if the node is only away for a while.'
        : '';
  return `${who} the pod: ${why}.${cure}`;
}

// https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go and kuberuntime_container.go
function findContainerWait(reason: string, message: string, image: string): Waiting | undefined {
  const plain = plainPull(message)
    .replace(/\.?\s*$/, '')
    .slice(0, 300);
  const said = plain === '' ? '' : `: ${plain}`;
  switch (reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'RegistryUnavailable':
      return {
        why: `The image ‘${image}’ can’t be pulled${said}. Correct its name, or give the cluster access to its registry.`,
        ends: /not found|manifest unknown|denied|unauthorized|forbidden/i.test(plain) ? 'never' : 'soon'
      };
    case 'ErrImageNeverPull':
      return {
        why: `The image ‘${image}’ is not on the node, and may not be pulled. Choose another ‘image_pull_policy’.`,
        ends: 'never'
      };
    case 'InvalidImageName':
      return { why: `‘${image}’ is no image’s name. Correct ‘image’.`, ends: 'never' };
    case 'CreateContainerConfigError':
      return {
        why: `The pod refers to something that is not there${said}. Correct its secrets or volumes.`,
        ends: 'in its time'
      };
    case 'CreateContainerError':
    case 'RunContainerError':
      return { why: `The container can’t be started${said}.`, ends: 'in its time' };
    default:
      return undefined;
  }
}

/** What the registry or the network said, without what each layer above it adds. */
const plainPull = (message: string): string =>
  message.replace(
    /^Back-off pulling image "[^"]*"(: )?|\bErrImagePull: |\brpc error: code = \w+ desc = |\bfailed to [a-z ]+( "[^"]*")?: /g,
    ''
  );

/** Why a pod is not made yet, where the engine says it. */
export function describeNoPod(message: string | undefined): string | undefined {
  const [, quota] = /exceeded quota: (.*)$/s.exec(message ?? '') ?? [];
  return quota === undefined
    ? message
    : `The namespace’s quota has no room for the step’s pod: ${quota}. It begins when something else has ended; or ask for more.`;
}

/** A pod that was never made, since the cluster's rules forbid it; undefined where the message says something else. */
export function describeRefusedPod(message = ''): Failure | undefined {
  const [, rule] = /\bpods? "[^"]*" is (?:forbidden|invalid): (.*)$/is.exec(message) ?? [];
  return rule === undefined ? undefined : { name: 'start', message: describeRule('the step’s pod', '', rule) };
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

/** What a step could not know of its own failure: which image it was in, and which of its volumes may be full. */
export function blamePod(failure: Failure, pod: V1Pod | undefined): Failure {
  if (pod === undefined) return failure;
  const image = pod.spec?.containers.find(({ name }) => name === 'main')?.image;
  // boot.py and prepare.py say so
  const message = failure.message.replace(/^The Python here is/, `The Python of the image ‘${image}’ is`);
  return blameVolumes(message === failure.message ? failure : { name: 'start', message }, pod);
}

/** A step that found a disk full, with those that it has: which one it is, Python rarely says. */
function blameVolumes(failure: Failure, pod: V1Pod): Failure {
  if (!/\[Errno (28|122)\]/.test(failure.message)) return failure;
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

/** What the cluster says about a pod, or a Job, that does not get on, newest last; nothing where we may not see it. */
export async function readPodEvents({ core, namespace }: Cluster, name: string, kind = 'Pod'): Promise<string[]> {
  try {
    const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name},type=Warning`;
    const { items } = await core.listNamespacedEvent({ namespace, fieldSelector });
    const tells = (reason: string, message: string) =>
      /^Failed(?!Scheduling)|Evict/.test(reason) && !/failed to sync|no relationship found/.test(message); // the node is only just beginning
    return items.flatMap(({ reason = '', message = '' }) => (tells(reason, message) ? [`${reason}: ${message}`] : []));
  } catch {
    return [];
  }
}
