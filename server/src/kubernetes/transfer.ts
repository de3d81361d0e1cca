// A volume is worked with, and files come back from it, through a pod that lives no longer than that: the step's own image has Python, and Python's
// standard library is all that it takes.
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { PipelineError } from '../errors.js';
import { ask, remove, type Cluster } from './access.js';
import { execute } from './exec.js';
import { toMetadata, type Belonging } from './labels.js';
import { describePodEnd, findWaiting, isEnded, readPodEvents } from './pods.js';
import { patiently } from './patience.js';

export interface VolumePodSpec {
  readonly name: string;
  readonly claim: string;
  /** where the volume is mounted */
  readonly mountPath: string;
  /** with Python as `python3` */
  readonly image: string;
  readonly belonging: Belonging;
  readonly serviceAccount?: string;
  /** of the steps' pods, so that this one can be where they can */
  readonly pod?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
}

/** a pod that nobody uses any more ends by itself */
const longestSeconds = 3600;
/** what may pass by itself, such as a busy node, gets so much time */
const patienceMs = 120_000;
/** a registry that does not answer may be back so soon */
export const pullMs = 15_000;

/**
 * Make a pod with the volume, work with it, and remove it again, whatever happens.
 * @throws PipelineError when the pod does not start, with the reason; and what `work` throws
 */
export async function withVolumePod<T>(
  cluster: Cluster,
  spec: VolumePodSpec,
  { notice, signal }: { readonly notice: (text: string) => void; readonly signal?: AbortSignal },
  work: (pod: VolumePod) => Promise<T>
): Promise<T> {
  const { core, namespace, server } = cluster;
  const { name } = spec;
  await ask({ verb: 'create', resource: 'pods', name, namespace, server }, () =>
    core.createNamespacedPod({ namespace, body: toPod(spec) })
  );
  try {
    await waitForStart(cluster, name, notice, signal);
    return await work(new VolumePod(cluster, name, signal));
  } finally {
    await remove({ verb: 'delete', resource: 'pods', name, namespace, server }, () =>
      patiently(() => core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }), Date.now() + 5000)
    ).catch(() => undefined); // it ends by itself, and its label says whose it was
  }
}

// a profile of Kubeflow has a mesh, whose proxy would be another container
export const alone = { 'sidecar.istio.io/inject': 'false' };

function toPod({ name, claim, mountPath, image, belonging, serviceAccount, pod, container }: VolumePodSpec): V1Pod {
  const { labels, annotations } = toMetadata(belonging);
  return {
    metadata: { name, labels: { ...labels, ...alone }, annotations: { ...annotations, ...alone } },
    spec: {
      ...pod,
      restartPolicy: 'Never',
      activeDeadlineSeconds: longestSeconds,
      automountServiceAccountToken: false,
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
      containers: [
        {
          ...container,
          name: 'main',
          image,
          command: ['python3', '-c', `import time; time.sleep(${longestSeconds})`],
          volumeMounts: [{ name: 'sluice', mountPath }]
        }
      ],
      volumes: [{ name: 'sluice', persistentVolumeClaim: { claimName: claim } }]
    }
  };
}

async function waitForStart(
  cluster: Cluster,
  name: string,
  notice: (text: string) => void,
  signal?: AbortSignal
): Promise<void> {
  const { core, namespace, server } = cluster;
  const begin = Date.now();
  for (;;) {
    const pod = await patiently(
      () =>
        ask({ verb: 'get', resource: 'pods', name, namespace, server }, () =>
          core.readNamespacedPod({ name, namespace })
        ),
      begin + patienceMs
    );
    const main = pod.status?.containerStatuses?.find(container => container.name === 'main');
    if (main?.state?.running !== undefined) return;
    if (isEnded(pod)) throw new PipelineError(describePodEnd(pod)?.message ?? 'The pod ended at once.', 'remote');
    const elapsed = Date.now() - begin;
    const waiting = findWaiting(pod);
    if (waiting !== undefined) notice(waiting.why);
    if (waiting?.ends === 'never') throw notStarted(waiting.why);
    if (elapsed > (waiting?.ends === 'soon' ? pullMs : patienceMs))
      throw notStarted(waiting?.why ?? (await readPodEvents(cluster, name)).at(-1) ?? 'The cluster gives no reason.');
    await sleep(Math.min(1000, 100 + elapsed / 10), undefined, { signal });
  }
}

function notStarted(why: string): PipelineError {
  return new PipelineError(`The pod that takes the workspace does not start. ${why}`, 'remote');
}

/** A pod that has the volume, and runs. */
export class VolumePod {
  constructor(
    private readonly cluster: Cluster,
    private readonly name: string,
    private readonly signal: AbortSignal | undefined
  ) {}

  /** Make the run's own folder on a volume that is a copy of the notebook's; see that the notebook's folder is there. */
  async prepare(own: string, notebook: string, isNew: boolean): Promise<void> {
    await this.run([preparer, own, notebook, isNew ? 'new' : '']);
  }

  /** Make a link on the volume. */
  async link(target: string, path: string): Promise<void> {
    await this.run([linker, target, path]);
  }

  /** Bring files back, each to its place on this machine; those that are not there are left out. */
  async fetch(files: ReadonlyMap<string, string>): Promise<void> {
    const unpacker = new Unpacker(files);
    await this.run([sender, JSON.stringify([...files.keys()])], undefined, chunk => unpacker.take(chunk));
    await unpacker.end();
  }

  /** A program of Python's standard library, with its arguments. */
  run([program, ...args]: string[], input?: AsyncIterable<Buffer>, onOutput?: (chunk: Buffer) => void) {
    return execute(this.cluster, {
      ...{ pod: this.name, container: 'main', command: ['python3', '-c', program!, ...args] },
      ...(input && { input }),
      ...(onOutput && { onOutput }),
      ...(this.signal && { signal: this.signal })
    });
  }
}

const preparer = `
import os, shutil, sys
own, notebook, new = sys.argv[1:]
if not os.path.isdir(notebook):
    sys.exit("The volume has no folder ‘%s’. Correct ‘workspace’ in sluice.volumes." % os.path.relpath(notebook, os.path.dirname(own)))
os.umask(0)
if new:
    shutil.rmtree(own, ignore_errors=True)  # of a run whose volume became a notebook's
os.makedirs(own, exist_ok=True)
`;

const linker = `
import os, sys
os.makedirs(os.path.dirname(sys.argv[2]), exist_ok=True)
os.path.lexists(sys.argv[2]) or os.symlink(sys.argv[1], sys.argv[2])
`;

const sender = `
import json, os, shutil, sys
for path in json.loads(sys.argv[1]):
    if os.path.isfile(path):
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            sys.stdout.buffer.write(json.dumps({"path": path, "size": size}).encode() + b"\\n")
            shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
sys.stdout.flush()
`;

/** Writes what `sender` sends to files, one after the other. */
class Unpacker {
  private pending = Buffer.alloc(0);
  private work: Promise<void> = Promise.resolve();
  private file: FileHandle | undefined;
  private left = 0;

  constructor(private readonly files: ReadonlyMap<string, string>) {}

  take(chunk: Buffer): void {
    this.work = this.work.then(() => this.add(chunk));
    this.work.catch(() => undefined); // told by `end`
  }

  async end(): Promise<void> {
    await this.work;
    await this.file?.close();
    if (this.left > 0) throw new PipelineError('A file did not come whole from the run’s volume.', 'unreachable');
  }

  private async add(chunk: Buffer): Promise<void> {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      if (this.left > 0) {
        const part = this.pending.subarray(0, this.left);
        if (part.length === 0) return;
        await this.file!.write(part);
        this.left -= part.length;
        this.pending = this.pending.subarray(part.length);
        continue;
      }
      const end = this.pending.indexOf(10);
      if (end < 0) return;
      const { path, size } = JSON.parse(this.pending.subarray(0, end).toString('utf8')) as {
        path: string;
        size: number;
      };
      this.pending = this.pending.subarray(end + 1);
      await this.file?.close();
      const to = this.files.get(path);
      if (to === undefined) throw new PipelineError(`The volume sent ‘${path}’, which nobody asked for.`, 'remote');
      await mkdir(dirname(to), { recursive: true });
      this.file = await open(to, 'w');
      this.left = size;
    }
  }
}
