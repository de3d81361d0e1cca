// What a cluster refuses, and how pods wait and end, in plain words: the cause, the object, and what to do. No cluster is needed for these.
import type { V1Pod } from '@kubernetes/client-node';
import {
  blamePod,
  describeNoPod,
  describePodEnd,
  describeRefusedPod,
  findWaiting,
  type Waiting
} from '../../src/kubernetes/pods.js';
import { toWords, type Request } from '../../src/kubernetes/words.js';

const status = (code: number, message: string) =>
  Object.assign(new Error('refused'), { code, body: JSON.stringify({ kind: 'Status', message }) });
const broken = (code: string, message = code) =>
  new Error('fetch failed', { cause: Object.assign(new Error(message), { code }) });

const create: Request = {
  verb: 'create',
  resource: 'volumesnapshots.snapshot.storage.k8s.io',
  name: 'x',
  namespace: 'team'
};
const list: Request = { verb: 'list', resource: 'workflows.argoproj.io', namespace: 'team', server: 'https://k8s' };

test.each<[what: string, cause: Error, request: Request, said: RegExp, code: string]>([
  [
    'a token that has expired',
    status(401, 'Unauthorized'),
    list,
    /does not know who you are.* Log in again\.$/,
    'unauthorized'
  ],
  [
    'a right that lacks',
    status(403, 'forbidden'),
    create,
    /^You may not create volumesnapshots\.snapshot\.storage\.k8s\.io ‘x’ in namespace ‘team’\. Ask for a Role/,
    'unauthorized'
  ],
  [
    'a quota',
    status(403, 'forbidden: exceeded quota: few, requested: 1, used: 1'),
    create,
    /^The quota of namespace ‘team’ does not allow another of .*: few, requested: 1, used: 1\. Remove something/,
    'remote'
  ],
  [
    'a quota of what a pod does not say',
    status(403, 'pods "x" is forbidden: failed quota: few: must specify limits.cpu for: main'),
    { ...create, resource: 'pods' },
    /^The quota ‘few’ of namespace ‘team’ wants each pod to say limits\.cpu for: main, and pods ‘x’ does not\. Ask for/,
    'remote'
  ],
  [
    'a rule of the namespace',
    status(403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'),
    { ...create, resource: 'pods' },
    /^The cluster’s rules do not allow pods ‘x’ in namespace ‘team’: violates .* != true\. Change what/,
    'remote'
  ],
  [
    'a right that lacks, in the API server’s own words',
    status(403, 'pods is forbidden: User "me" cannot create resource "pods" in API group "" in the namespace "team"'),
    { ...create, resource: 'pods' },
    /^You may not create pods ‘x’ in namespace ‘team’\. Ask for a Role/,
    'unauthorized'
  ],
  [
    'a definition that lacks',
    Object.assign(new Error(), { code: 404, body: '404 page not found\n' }),
    list,
    /does not know ‘workflows\.argoproj\.io’: Argo Workflows is not installed there\./,
    'remote'
  ],
  [
    'no VolumeSnapshots',
    status(404, 'the server could not find the requested resource'),
    create,
    /support for VolumeSnapshots is not installed there/,
    'remote'
  ],
  [
    'a namespace that is not there',
    status(404, 'namespaces "team" not found'),
    create,
    /^There is no namespace ‘team’\. `kubectl get namespaces`/,
    'not-found'
  ],
  [
    'an object that is not there',
    status(404, 'x not found'),
    { ...create, verb: 'get' },
    /^There is no volumesnapshots.* ‘x’ in namespace ‘team’\.$/,
    'not-found'
  ],
  [
    'a name that is taken',
    status(409, 'already exists'),
    create,
    /^There already is .* ‘x’ in namespace ‘team’\. Choose another name\.$/,
    'bad-request'
  ],
  [
    'anything else',
    status(422, 'spec.size: Invalid value'),
    create,
    /^The cluster refused to create .*: spec\.size: Invalid value$/,
    'remote'
  ],
  [
    'a proxy’s answer',
    Object.assign(new Error('Bad Gateway'), { code: 502, body: '<html>' }),
    list,
    /refused to list .*: Bad Gateway$/,
    'remote'
  ],
  [
    'nobody at the address',
    broken('ECONNREFUSED'),
    list,
    /^The cluster at ‘https:\/\/k8s’ refuses connections\./,
    'unreachable'
  ],
  [
    'a name that nobody knows',
    broken('ENOTFOUND'),
    list,
    /has a name that nobody knows \(ENOTFOUND\)\. Are you in its network\?$/,
    'unreachable'
  ],
  [
    'a certificate',
    broken('SELF_SIGNED_CERT_IN_CHAIN'),
    list,
    /shows a certificate that is not trusted .* Correct certificate-authority/,
    'unreachable'
  ],
  ['silence', broken('ETIMEDOUT'), list, /does not answer in time/, 'unreachable'],
  [
    'a proxy that is not there',
    broken('ECONNREFUSED'),
    { ...list, proxy: 'http://me:secret@proxy:3128' },
    /^The cluster at ‘https:\/\/k8s’ through the proxy ‘http:\/\/proxy:3128’ refuses connections\./,
    'unreachable'
  ]
])('%s', (_, cause, request, said, code) => {
  const error = toWords(cause, request);
  expect(error.message).toMatch(said);
  expect(error.code).toBe(code);
});

const image = 'registry/i:1';
const spec = { containers: [{ name: 'main', image, resources: { limits: { memory: '1Gi' } } }] };
const unschedulable = (message: string, reason = 'Unschedulable'): V1Pod => ({
  spec,
  status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason, message }] }
});
const container = (state: object) => [{ name: 'main', image, imageID: '', ready: false, restartCount: 0, state }];
const waits = (reason: string, message = ''): V1Pod => ({
  spec,
  status: { phase: 'Pending', containerStatuses: container({ waiting: { reason, message } }) }
});

test.each<[what: string, pod: V1Pod, said: RegExp | undefined, ends: Waiting['ends'] | undefined]>([
  [
    'too little of something',
    unschedulable('0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: none.'),
    /^None of 3 nodes takes the pod: 3 Insufficient nvidia.com\/gpu\. Ask for less/,
    'in its time'
  ],
  [
    'one node',
    unschedulable('0/1 nodes are available: 1 Insufficient memory.'),
    /^The one node does not take the pod: 1 Insufficient memory\. Ask/,
    'in its time'
  ],
  [
    'a selector',
    unschedulable("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."),
    /Correct ‘node_selector’ or ‘affinity’\.$/,
    'in its time'
  ],
  [
    'a taint',
    unschedulable('0/2 nodes are available: 2 node(s) had untolerated taint {gpu: }.'),
    /Add ‘tolerations’ for it, or wait/,
    'in its time'
  ],
  [
    'a gate',
    unschedulable('Scheduling is blocked', 'SchedulingGated'),
    /^Something in the cluster holds the pod back: Scheduling is blocked$/,
    'in its time'
  ],
  [
    'an image that can’t be pulled',
    waits(
      'ImagePullBackOff',
      'Back-off pulling image "r/i:1": ErrImagePull: rpc error: code = Unknown desc = failed to pull and unpack image "r/i:1": failed to resolve reference "r/i:1": failed to do request: Head "https://r/v2": dial tcp: connection refused'
    ),
    /^The image ‘registry\/i:1’ can’t be pulled: Head "https:\/\/r\/v2": dial tcp: connection refused\. Correct its name/,
    'soon'
  ],
  [
    'an image that a registry does not have',
    waits('ErrImagePull', 'failed to resolve reference "r/i:1": r/i:1: not found'),
    /can’t be pulled: r\/i:1: not found\. Correct/,
    'never'
  ],
  [
    'one that may not be',
    waits('ErrImageNeverPull'),
    /is not on the node, and may not be pulled\. Choose another ‘image_pull_policy’\.$/,
    'never'
  ],
  [
    'a name that is none',
    waits('InvalidImageName'),
    /^‘registry\/i:1’ is no image’s name\. Correct ‘image’\.$/,
    'never'
  ],
  [
    'a secret that is not there',
    waits('CreateContainerConfigError', 'secret "s" not found'),
    /refers to something that is not there: secret "s" not found\. Correct its secrets/,
    'in its time'
  ],
  [
    'a container that can’t be made',
    waits('RunContainerError', 'no such file'),
    /^The container can’t be started: no such file\.$/,
    'in its time'
  ],
  ['one that is being made', waits('ContainerCreating'), undefined, undefined],
  ['one that runs', { spec, status: { phase: 'Running' } }, undefined, undefined]
])('waits: %s', (_, pod, said, ends) => {
  const waiting = findWaiting(pod);
  expect(waiting?.ends).toBe(ends);
  if (said === undefined) expect(waiting).toBeUndefined();
  else expect(waiting?.why).toMatch(said);
});

const ended = (terminated: object): V1Pod => ({
  spec,
  status: { phase: 'Failed', containerStatuses: container({ terminated }) }
});

test.each<[what: string, pod: V1Pod | undefined, name: string | undefined, said: RegExp]>([
  ['its pod is gone', undefined, 'interrupted', /somebody removed it, or its node failed\. Run the pipeline again\.$/],
  [
    'evicted',
    { status: { reason: 'Evicted', message: 'low on resource: memory.' } },
    'evicted',
    /removed the step’s pod: low on resource: memory\. Ask for as much/
  ],
  ['too long', { status: { reason: 'DeadlineExceeded' } }, 'timeout', /Raise the timeout/],
  [
    'its node went',
    { status: { reason: 'NodeLost', message: 'gone' } },
    'interrupted',
    /was ended \(NodeLost\): gone\.$/
  ],
  [
    'out of memory',
    ended({ exitCode: 137, reason: 'OOMKilled' }),
    'out-of-memory',
    /more than its memory limit of 1Gi\. Raise ‘memory_limit’/
  ],
  ['no Python', ended({ exitCode: 127 }), 'start', /could not be started: the image ‘\S*’ has no ‘python3’/],
  [
    'no such program',
    ended({ exitCode: 128, reason: 'StartError', message: 'python3: not found.' }),
    'start',
    /could not be started in the image ‘registry\/i:1’: python3: not found\. It must have Python 3\.9/
  ],
  ['a signal', ended({ exitCode: 143 }), 'signal', /ended by signal 15\.$/],
  ['a status', ended({ exitCode: 3 }), 'exit-status', /ended with status 3\.$/],
  ['well', ended({ exitCode: 0 }), undefined, /^$/]
])('ends: %s', (_, pod, name, said) => {
  const failure = describePodEnd(pod);
  expect([failure?.name, failure?.message ?? '']).toEqual([name, expect.stringMatching(said)]);
});

const volumes = [
  { name: 'w', persistentVolumeClaim: { claimName: 'work' } },
  { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } }
];
const volumeMounts = [
  { name: 'w', mountPath: '/sluice' },
  { name: 'm', mountPath: '/dev/shm' }
];
const roomy: V1Pod = { spec: { containers: [{ name: 'main', image: 'python:3.7', volumeMounts }], volumes } };

test.each<[what: string, said: string, failure: object]>([
  [
    'an old Python',
    'The Python here is 3.7.16, and …',
    { name: 'start', message: 'The Python of the image ‘python:3.7’ is 3.7.16, and …' }
  ],
  [
    'a disk that is full',
    '[Errno 28] No space left.',
    {
      name: 'x',
      message: expect.stringContaining(
        'left. One of its volumes is full: claim ‘work’ at /sluice, 8Mi at /dev/shm. Free'
      )
    }
  ],
  ['anything else', 'no', { name: 'x', message: 'no' }]
])('what a step could not know of its pod: %s', (_, message, failure) => {
  expect(blamePod({ name: 'x', message }, roomy)).toEqual(failure);
});

test.each([
  [
    'task \'x.a\' errored: pods "x-a-1" is forbidden: maximum memory usage per Container is 64Mi, but limit is 200Mi',
    /^The cluster’s rules do not allow the step’s pod: maximum memory .* 200Mi\. Change what/
  ],
  ['Pod "x-a-1" is invalid: spec.containers[0].image: Required value', /step’s pod: spec\.containers.* value\. Change/],
  ['OOMKilled (exit code 137)', /^$/]
])('a pod that was never made: %s', (message, said) => {
  expect(describeRefusedPod(message)?.message ?? '').toMatch(said);
});

test('a pod that a quota has no room for says that it waits', () => {
  expect(
    describeNoPod('pods "x-a-1" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1')
  ).toMatch(
    /^The namespace’s quota has no room for the step’s pod: few, requested: .* limited: pods=1\. It begins when/
  );
  expect(describeNoPod('Pending')).toBe('Pending');
});
