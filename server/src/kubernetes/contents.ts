// What snapshots of volumes hold: only a pod can look into one. So each is restored to a volume for a while, a pod of the standard library's
// Python reads them and prints what it found, and all three are removed again.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { SnapshotDiff, SnapshotFile } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { ask, remove, type Cluster } from './access.js';
import { toMetadata } from './labels.js';
import { patiently } from './patience.js';
import { restoreSnapshot } from './snapshots.js';
import { removeClaim, type Waiting } from './volumes.js';

export interface Reading extends Waiting {
  /** has Python as `python3` */
  readonly image: string;
  /** told what it is at */
  readonly notice?: (text: string) => void;
}

/** Every file and folder of a snapshot, sorted by path. */
export async function readFiles(cluster: Cluster, snapshot: string, reading: Reading): Promise<SnapshotFile[]> {
  return (await read(cluster, [snapshot], listing, reading)) as SnapshotFile[];
}

/** Which files differ, by their content; times and owners do not count. */
export async function compareSnapshots(
  cluster: Cluster,
  before: string,
  after: string,
  reading: Reading
): Promise<SnapshotDiff> {
  return (await read(cluster, [before, after], comparing, reading)) as SnapshotDiff;
}

const walking = `
import hashlib, json, os, stat
def walk(root):
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            kind = os.lstat(path)
            found[os.path.relpath(path, root)] = path, kind
    found.pop("lost+found", None)
    return found
def content(path, kind):
    if stat.S_ISLNK(kind.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(kind.st_mode):
        return stat.S_IFMT(kind.st_mode)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
`;

const listing = `${walking}
def described(path, kind):
    if stat.S_ISDIR(kind.st_mode):
        return {"path": path, "kind": "folder", "bytes": 0}
    return {"path": path, "kind": "link" if stat.S_ISLNK(kind.st_mode) else "file", "bytes": kind.st_size}
files = walk("/snapshots/0")
print(json.dumps([described(path, files[path][1]) for path in sorted(files)]))
`;

const comparing = `${walking}
before, after = ({path: at for path, at in walk("/snapshots/%d" % n).items() if not stat.S_ISDIR(at[1].st_mode)} for n in (0, 1))
def differs(path):
    one, other = before[path], after[path]
    return (one[1].st_size, one[1].st_mode) != (other[1].st_size, other[1].st_mode) or content(*one) != content(*other)
print(json.dumps({
    "added": sorted(set(after) - set(before)),
    "changed": sorted(path for path in set(before) & set(after) if differs(path)),
    "removed": sorted(set(before) - set(after)),
}))
`;

async function read(
  cluster: Cluster,
  snapshots: readonly string[],
  program: string,
  reading: Reading
): Promise<unknown> {
  const name = `sluice-look-${randomBytes(4).toString('hex')}`;
  const claims = snapshots.map((_, n) => `${name}-${n}`);
  const { notice = () => undefined } = reading;
  try {
    notice(snapshots.length === 1 ? 'Making a volume of the snapshot.' : 'Making volumes of the snapshots.');
    await Promise.all(
      snapshots.map((snapshot, n) => restoreSnapshot(cluster, snapshot, { name: claims[n]! }, reading))
    );
    notice(`Starting a pod of image ‘${reading.image}’ that looks into ${snapshots.length === 1 ? 'it' : 'them'}.`);
    await startPod(cluster, name, claims, program, reading.image);
    await waitForEnd(cluster, name, reading);
    const { core, namespace } = cluster;
    const log = await ask({ verb: 'get', resource: 'pods/log', name, namespace }, () =>
      core.readNamespacedPodLog({ name, namespace })
    );
    return JSON.parse(log);
  } finally {
    await removePod(cluster, name);
    await Promise.all(claims.map(claim => removeClaim(cluster, claim)));
  }
}

function startPod(
  { core, namespace }: Cluster,
  name: string,
  claims: readonly string[],
  program: string,
  image: string
): Promise<V1Pod> {
  const volumes = claims.map((claimName, n) => ({ name: `v${n}`, persistentVolumeClaim: { claimName } }));
  const volumeMounts = claims.map((_, n) => ({ name: `v${n}`, mountPath: `/snapshots/${n}`, readOnly: true }));
  const container = { name: 'main', image, command: ['python3', '-c', program], volumeMounts };
  const body: V1Pod = {
    metadata: { name, ...toMetadata({}) },
    // a mesh's sidecar would keep the pod from ending
    spec: { restartPolicy: 'Never', automountServiceAccountToken: false, volumes, containers: [container] }
  };
  body.metadata!.labels = { ...body.metadata!.labels, 'sidecar.istio.io/inject': 'false' };
  return ask({ verb: 'create', resource: 'pods', name, namespace }, () =>
    core.createNamespacedPod({ namespace, body })
  );
}

async function waitForEnd(cluster: Cluster, name: string, { timeoutMs = 600_000, signal }: Waiting): Promise<void> {
  const { core, namespace } = cluster;
  const end = Date.now() + timeoutMs;
  for (;;) {
    const { status } = await patiently(
      () => ask({ verb: 'get', resource: 'pods', name, namespace }, () => core.readNamespacedPod({ name, namespace })),
      end
    );
    if (status?.phase === 'Succeeded') return;
    const { waiting, terminated } = status?.containerStatuses?.[0]?.state ?? {};
    const trouble = /Err|BackOff|Invalid/.test(waiting?.reason ?? '')
      ? `${waiting!.reason}: ${waiting!.message}`
      : terminated?.exitCode && (terminated.message ?? `${terminated.reason}, exit status ${terminated.exitCode}`);
    if (status?.phase === 'Failed' || trouble || Date.now() > end)
      throw new PipelineError(
        `The pod that looks into the snapshot did not succeed: ${trouble || (status?.message ?? `it is ${status?.phase} after ${timeoutMs / 1000} seconds`)}.`,
        'remote'
      );
    await sleep(500, undefined, { signal });
  }
}

async function removePod({ core, namespace }: Cluster, name: string): Promise<void> {
  await remove({ verb: 'delete', resource: 'pods', name, namespace }, () =>
    core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 })
  );
}
