// What Kubeflow's UI hands out besides its API: the bytes of artifacts from the object store, and what pods printed, also when they are gone.
import type { Response, Transport } from './transport.js';

/** artifacts larger than this stay where they are */
const largestBytes = 64 << 20;
const fileMs = 60_000;

const sources: Readonly<Record<string, string>> = { minio: 'minio', s3: 's3', gs: 'gcs' };

/** Undefined where there is no such file, where it is too large to be shown, or where the UI may not read it. */
export async function readArtifact(
  ui: Transport,
  uri: string,
  namespace: string | undefined,
  signal: AbortSignal
): Promise<Buffer | undefined> {
  const [, scheme = '', bucket = '', key = ''] = /^(\w+):\/\/([^/]+)\/([^?]+)/.exec(uri) ?? [];
  const source = sources[scheme];
  if (source === undefined) return undefined;
  const path = [source, bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  const query = namespace === undefined ? '' : `?namespace=${encodeURIComponent(namespace)}`;
  const response = await ui.send(`/artifacts/${path}${query}`, { timeoutMs: fileMs, signal });
  if (!isFile(response) || Number(response.headers.get('content-length') ?? 0) > largestBytes) {
    await response.body?.cancel();
    return undefined;
  }
  const bytes = Buffer.from(await response.arrayBuffer());
  return bytes.length > largestBytes ? undefined : bytes;
}

/** All that the step's container has printed so far; undefined where nobody knows. */
export async function readPodLog(
  ui: Transport,
  { run, pod, namespace }: { readonly run: string; readonly pod: string; readonly namespace?: string | undefined },
  signal: AbortSignal
): Promise<string | undefined> {
  const query = new URLSearchParams({
    podname: pod,
    runid: run,
    ...(namespace === undefined ? {} : { podnamespace: namespace })
  });
  const response = await ui.send(`/k8s/pod/logs?${query}`, { timeoutMs: fileMs, signal });
  const text = await response.text();
  return isFile(response) ? withoutLauncher(text) : undefined;
}

/** The UI answers what it does not know with its own page. */
function isFile(response: Response): boolean {
  return response.ok && !(response.headers.get('content-type') ?? '').includes('html');
}

/** KFP's launcher and Argo's write to the same log; what the user's code printed stays. */
function withoutLauncher(text: string): string {
  return text
    .split(/(?<=\n)/)
    .filter(
      line =>
        !/^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6}\s+\d+ [\w.]+\.go:\d+\] /.test(line) &&
        !/^time="?\d{4}-\d\d-\d\dT[^ ]+ level=\w+ msg=/.test(line)
    )
    .join('');
}
