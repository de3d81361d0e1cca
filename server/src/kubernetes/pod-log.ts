// What a container prints, as a stream that is resumed where it was cut. The node reads stdout and stderr each for itself, so that a line can
// stand below one that has a later time: a line's place in the log is told by the latest time above it and how many lines came since.
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, isPassing, maybeAsk, openStream, statusOf, type Cluster } from './access.js';
import { isEnded } from './pods.js';
import { readLines } from './watch.js';

export interface LogLine {
  /** where it stands in the log, as text that sorts */
  readonly place: string;
  /** when it was printed, in UTC */
  readonly time: string;
  readonly text: string;
}

/**
 * What a container prints, line by line, until it has ended and all is read; from the place `since` on, the line there included. A
 * connection that is cut is resumed after the last line. Ends early where the pod is gone.
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
      const from = last ?? since;
      const query = new URLSearchParams({
        ...{ container, timestamps: 'true', follow: String(!hadEnded) },
        ...(from !== undefined && { sinceTime: shortlyBefore(from) })
      });
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log?${query}`;
      const toPlace = countPlaces();
      for await (const line of readLines(await openStream(cluster, path, signal))) {
        failures = 0;
        const parsed = parseLine(line);
        if (parsed === undefined) continue;
        const place = toPlace(parsed.time);
        if (last !== undefined ? place <= last : place < (since ?? '')) continue;
        last = place;
        yield { place, ...parsed };
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

/** `2026-01-02T03:04:05.678901234Z+000002`: the second line below the one of that time that is older than it. */
function countPlaces(): (time: string) => string {
  let latest = '';
  let count = 0;
  return time => {
    if (time > latest) {
      latest = time;
      count = 0;
    } else count++;
    return `${latest}+${String(count).padStart(6, '0')}`;
  };
}

/** What is asked for again begins with the line whose time counts, and with those below it that are older. */
function shortlyBefore(place: string): string {
  return new Date(Date.parse(place.split('+')[0]!) - 1000).toISOString();
}

/** `2026-01-02T03:04:05.678901234Z text`; the zone is the node's. */
function parseLine(line: string): Omit<LogLine, 'place'> | undefined {
  const [, date, fraction, zone, text] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ?([^]*)$/.exec(line) ?? [];
  if (date === undefined) return undefined;
  const seconds = zone === 'Z' ? date : new Date(`${date}${zone}`).toISOString().slice(0, 19);
  return { time: `${seconds}.${(fraction ?? '').padEnd(9, '0')}Z`, text: text! };
}
