// The port-forward to Kubeflow's service, against a real pod behind a real service; what answers there is Python's own web server.
import { request } from 'node:http';
import { existsSync } from 'node:fs';
import { openForward } from '../../server/src/kfp/forward.js';
import { rightsFor, userRights } from '../../server/src/kubernetes/rights.js';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('forward');
}, 120_000);
afterAll(() => test_?.remove());

const bytes = 3_000_000;
const program = `open("/tmp/large", "w").write("x" * ${bytes})
import http.server, functools
http.server.ThreadingHTTPServer(("", 3000), functools.partial(http.server.SimpleHTTPRequestHandler, directory="/tmp")).serve_forever()`;

testWithPods('many requests at once come to the pod behind Kubeflow’s service and back, by a socket of our own', async () => {
  const labels = { app: 'ui' };
  const container = { name: 'main', image: 'localhost/python:sluice', command: ['python3', '-c', program], ports: [{ name: 'web', containerPort: 3000 }] };
  const service = { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'web' }] };
  const rules = rightsFor(userRights, ['kubeflow']).map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs }));
  const cluster = await test_.user('caller', rules);
  await expect(openForward(cluster, [test_.namespace])).rejects.toThrow(/has no service ‘ml-pipeline-ui’ or ‘ml-pipeline’ in ‘forward-/);
  test_.apply(
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'ml-pipeline-ui' }, spec: service },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ui', labels }, spec: { restartPolicy: 'Never', containers: [container] } }
  );
  test_.kubectl('wait', 'pod/ui', '--for=condition=Ready', '--timeout=60s');
  const forward = await openForward(cluster, [test_.namespace]);
  try {
    const get = (path: string) =>
      new Promise<number>((resolve, reject) => {
        const asked = request({ socketPath: forward.socketPath, path, agent: false }, async response => {
          let length = 0;
          for await (const chunk of response) length += (chunk as Buffer).length;
          resolve(response.statusCode === 200 ? length : -response.statusCode!);
        });
        asked.on('error', reject).end();
      });
    expect(await Promise.all([get('/large'), get('/large'), get('/nothing')])).toEqual([bytes, bytes, -404]);
  } finally {
    await forward.close();
  }
  expect(existsSync(forward.socketPath)).toBe(false);
}, 120_000);
