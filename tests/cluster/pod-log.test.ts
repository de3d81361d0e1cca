// A log as the node writes it, in which lines of stdout and stderr stand in the order in which they came and not in that of their times, read
// over connections that are cut: every line comes, and comes once. The server speaks the API's protocol; the log is what it is given.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Cluster } from '../../server/src/kubernetes/access.js';
import { followLog, type LogLine } from '../../server/src/kubernetes/pod-log.js';

/** `1.5 text` is printed one and a half seconds after midnight. */
const toLog = (lines: readonly string[]) =>
  lines.map(line => `2026-01-02T00:00:0${line.replace(/^(\S+)/, time => Number(time).toFixed(9))}`.replace(' ', 'Z '));

let server: Server;
afterEach(() => void server.closeAllConnections?.());
afterEach(() => server.close());

/** Each connection but the last is cut after so many lines. Times are compared as the kubelet does, which knows whole seconds. */
async function serve(lines: readonly string[], cuts: readonly number[]): Promise<Cluster> {
  const left = [...cuts];
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://server');
    if (!pathname.endsWith('/log')) {
      const terminated = { exitCode: 0 };
      const status = { phase: 'Succeeded', containerStatuses: [{ name: 'main', state: { terminated } }] };
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status }));
    }
    const since = `${(searchParams.get('sinceTime') ?? '').slice(0, 19)}`;
    const asked = toLog(lines).filter(line => line.slice(0, 19) >= since);
    const cut = left.shift();
    response.writeHead(200);
    if (cut === undefined) return void response.end(asked.map(line => `${line}\n`).join(''));
    response.write(
      asked
        .slice(0, cut)
        .map(line => `${line}\n`)
        .join(''),
      () => response.destroy()
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: address, skipTLSVerify: true }, { name: 'u' });
  return { config, server: address, namespace: 'n', core: config.makeApiClient(CoreV1Api) } as Cluster;
}

async function read(cluster: Cluster, since?: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of followLog(cluster, 'pod', { since, signal: AbortSignal.timeout(10_000) })) lines.push(line);
  return lines;
}

const late = ['1.2 a', '1.4 b', '1.3 late', '1.35 later', '1.4 same', '3 c', '2.9 beyond', '3.1 d'];

test.each<[what: string, lines: readonly string[], cuts: readonly number[]]>([
  ['lines with the same time', ['1 a', '1 b', '1 c'], []],
  ['lines that are older than the one above', late, []],
  ['a cut before a late line', late, [2]],
  ['a cut after one', late, [3]],
  ['a cut where a late line is of the second before', late, [6]],
  ['a cut before anything came, and one after', late, [0, 4]]
])('%s', async (_, lines, cuts) => {
  const told = await read(await serve(lines, cuts));
  expect(told.map(({ text }) => text)).toEqual(lines.map(line => line.split(' ')[1]));
  const places = told.map(({ place }) => place);
  expect([...places].sort()).toEqual(places);
  expect(new Set(places).size).toBe(places.length);
});

test('who comes later goes on at any line', async () => {
  const cluster = await serve(late, []);
  const all = await read(cluster);
  for (const [n, { place }] of all.entries()) expect(await read(cluster, place)).toEqual(all.slice(n));
});
