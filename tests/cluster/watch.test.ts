// A watch that is cut, resumed, and begun anew, against a server that speaks the API's protocol and follows a script.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import type { Cluster } from '../../server/src/kubernetes/access.js';
import { watchObjects } from '../../server/src/kubernetes/watch.js';

interface Answer {
  readonly status?: number;
  readonly lines: readonly object[];
}

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const list = (version: string, names: readonly string[], next?: string): Answer => ({
  lines: [{ items: names.map(name => object(name, '1')), metadata: { resourceVersion: version, continue: next } }]
});
const change = (type: string, name: string, version: string) => ({ type, object: object(name, version) });
const gone = { type: 'ERROR', object: { code: 410, message: 'too old' } };

let server: Server;
afterEach(() => void server.closeAllConnections?.());
afterEach(() => server.close());

/** Serves the answers in their order, and says when there are no more; remembers what it was asked. */
async function serve(answers: readonly Answer[], done: () => void = () => undefined) {
  const asked: string[] = [];
  const left = [...answers];
  server = createServer((request, response) => {
    const query = new URLSearchParams(request.url!.split('?')[1]);
    asked.push(
      query.has('watch')
        ? `watch from ${query.get('resourceVersion')}`
        : `list${query.has('continue') ? ` from ${query.get('continue')}` : ''}`
    );
    const answer = left.shift();
    if (answer === undefined) return done(); // it waits for what will not come
    response.writeHead(answer.status ?? 200).end(answer.lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: address, skipTLSVerify: true }, { name: 'u' });
  return { cluster: { config, server: address, namespace: 'n' } as Cluster, asked };
}

test.each<[what: string, answers: readonly Answer[], told: readonly string[], asked: readonly string[]]>([
  [
    'a list in pages',
    [list('', ['a'], 'more'), list('5', ['b'])],
    ['listed a b'],
    ['list', 'list from more', 'watch from 5']
  ],
  [
    'what changes, and goes',
    [
      list('5', ['a']),
      { lines: [change('MODIFIED', 'a', '6'), change('ADDED', 'b', '7'), change('DELETED', 'a', '8')] }
    ],
    ['listed a', 'changed a', 'changed b', 'removed a'],
    ['list', 'watch from 5', 'watch from 8']
  ],
  [
    'a bookmark is where it goes on',
    [list('5', []), { lines: [change('BOOKMARK', '', '90')] }, { lines: [change('ADDED', 'c', '91')] }],
    ['listed ', 'changed c'],
    ['list', 'watch from 5', 'watch from 90', 'watch from 91']
  ],
  [
    'a server that has forgotten is asked for all again',
    [list('5', ['a']), { lines: [change('ADDED', 'b', '6'), gone] }, list('9', ['a', 'b', 'c'])],
    ['listed a', 'changed b', 'listed a b c'],
    ['list', 'watch from 5', 'list', 'watch from 9']
  ],
  [
    'so is one that says it at once',
    [list('5', ['a']), { status: 410, lines: [{ code: 410 }] }, list('9', ['a'])],
    ['listed a', 'listed a'],
    ['list', 'watch from 5', 'list', 'watch from 9']
  ],
  [
    'one that is busy is asked again',
    [list('5', ['a']), { status: 503, lines: [] }, { lines: [change('ADDED', 'b', '6')] }],
    ['listed a', 'changed b'],
    ['list', 'watch from 5', 'watch from 5', 'watch from 6']
  ]
])('%s', async (_, answers, told, asked) => {
  const stop = new AbortController();
  const served = await serve(answers, () => stop.abort());
  const found: string[] = [];
  for await (const event of watchObjects<{ metadata: { name: string } }>(
    served.cluster,
    { path: '/api/v1/pods', resource: 'pods' },
    stop.signal
  )) {
    const objects = event.type === 'listed' ? event.objects : [event.object];
    found.push(`${event.type} ${objects.map(({ metadata }) => metadata.name).join(' ')}`);
  }
  expect(found).toEqual(told);
  expect(served.asked).toEqual(asked);
});

test('a refusal that lasts ends it, in words', async () => {
  const { cluster } = await serve([{ status: 401, lines: [{ kind: 'Status', message: 'Unauthorized' }] }]);
  const watch = watchObjects(cluster, { path: '/api/v1/pods', resource: 'pods' }, new AbortController().signal);
  await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow('The cluster does not know who you are');
});
