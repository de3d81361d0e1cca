// What happens to objects in a cluster, as a stream that does not end: a list, then each change. A connection that is cut is resumed where it
// stood; where the server has forgotten that place (410), the list is read again.
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, openStream, statusOf, type Cluster } from './access.js';
import { Patience } from './patience.js';
import type { Request } from './words.js';

export interface Watched {
  readonly metadata?: { readonly name?: string; readonly uid?: string; readonly resourceVersion?: string };
}

export interface WatchOptions {
  /** of the list: `/api/v1/namespaces/x/pods` */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** how a list is asked for, where it is not as whole objects */
  readonly accept?: string;
  /** for the words of a refusal */
  readonly resource: string;
  /** the server ends a watch after so long, which costs nothing; a connection that died in silence is noticed then */
  readonly watchSeconds?: number;
}

export type Change<T> =
  | { readonly type: 'listed'; readonly objects: readonly T[] }
  | { readonly type: 'changed' | 'removed'; readonly object: T };

/** a server that restarts is back sooner than after all of these, which take half a minute */
const attempts = 9;
const longestWaitMs = 5000;
const pageSize = 500;

/** Ends when `signal` is aborted. @throws PipelineError when the server says no, or is away for long */
export async function* watchObjects<T extends Watched>(
  cluster: Cluster,
  options: WatchOptions,
  signal: AbortSignal
): AsyncIterable<Change<T>> {
  let version: string | undefined;
  let failures = 0;
  const patience = new Patience();
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await listAll<T>(cluster, options, signal);
        version = list.version;
        failures = 0;
        patience.answered();
        yield { type: 'listed', objects: list.objects };
      }
      for await (const line of readWatch(cluster, options, version, signal)) {
        const { type, object } = JSON.parse(line) as { type: string; object: T & { code?: number } };
        if (type === 'ERROR') {
          if (object.code !== 410) throw Object.assign(new Error(), { code: object.code ?? 500, body: object });
          version = undefined;
          break;
        }
        failures = 0;
        patience.answered();
        version = object.metadata!.resourceVersion;
        if (type !== 'BOOKMARK') yield { type: type === 'DELETED' ? 'removed' : 'changed', object };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (statusOf(error) === 410) version = undefined;
      else if (!patience.mayPass(error) || ++failures >= attempts) {
        const { namespace, server } = cluster;
        await ask({ verb: 'watch', resource: options.resource, namespace, server }, () => Promise.reject(error));
      } else await sleep(Math.min(200 * 2 ** failures, longestWaitMs), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** All objects, page by page. @throws PipelineError */
export async function listAll<T>(cluster: Cluster, options: WatchOptions, signal: AbortSignal) {
  const objects: T[] = [];
  const { namespace, server } = cluster;
  const request: Request = { verb: 'list', resource: options.resource, namespace, server };
  for (let next: string | undefined; ;) {
    const page = await ask(request, () => readPage<T>(cluster, options, next, signal));
    objects.push(...(page.items ?? []));
    next = page.metadata.continue || undefined;
    if (next === undefined) return { objects, version: page.metadata.resourceVersion };
  }
}

interface Page<T> {
  readonly items?: readonly T[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
}

async function readPage<T>(
  cluster: Cluster,
  options: WatchOptions,
  next: string | undefined,
  signal: AbortSignal
): Promise<Page<T>> {
  const query = toQuery(options, { limit: String(pageSize), ...(next !== undefined && { continue: next }) });
  const body = await openStream(cluster, `${options.path}?${query}`, signal, options.accept);
  return (await new Response(body as never).json()) as Page<T>;
}

async function* readWatch(
  cluster: Cluster,
  options: WatchOptions,
  resourceVersion: string,
  signal: AbortSignal
): AsyncIterable<string> {
  const seconds = options.watchSeconds ?? 60;
  const query = toQuery(options, {
    ...{ watch: 'true', allowWatchBookmarks: 'true', resourceVersion },
    timeoutSeconds: String(seconds)
  });
  const dead = AbortSignal.any([signal, AbortSignal.timeout((seconds + 15) * 1000)]);
  yield* readLines(await openStream(cluster, `${options.path}?${query}`, dead));
}

function toQuery({ labelSelector, fieldSelector }: WatchOptions, more: Record<string, string>): URLSearchParams {
  return new URLSearchParams({
    ...more,
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector })
  });
}

/** Whole lines, without their ends; what follows the last one is a line as well. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let pending: Buffer[] = [];
  for await (const chunk of body) {
    let bytes = Buffer.from(chunk);
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      yield Buffer.concat([...pending, bytes.subarray(0, end)]).toString('utf8');
      pending = [];
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > 0) pending.push(bytes);
  }
  if (pending.length > 0) yield Buffer.concat(pending).toString('utf8');
}
