// Where a run's pods come to be, where a cluster has several nodes: the real scheduler places pods with the affinity of a compiled workflow. The
// nodes are objects alone, with no machine behind them, so that pods are placed and never begin.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compileWorkflow } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { until } from '../../server/test/world.js';
import { makeNamespace, type TestCluster } from './cluster.js';

const ir = readIr(readFileSync(`${__dirname}/../../core/test/pipelines/chain/pipeline.yaml`, 'utf8'));
/** nobody else's pods go there */
const key = `sluice-${randomBytes(4).toString('hex')}`;
const nodes = [`${key}-a`, `${key}-b`];

let test_: TestCluster;
beforeAll(async () => {
  test_ = await makeNamespace('placement');
  for (const name of nodes) {
    const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
    const spec = { taints: [{ key, effect: 'NoSchedule' }] };
    test_.apply({ apiVersion: 'v1', kind: 'Node', metadata, spec });
    const room = { cpu: '8', memory: '8Gi', pods: '20' };
    const status = { capacity: room, allocatable: room, conditions: [{ type: 'Ready', status: 'True' }] };
    test_.kubectl('patch', 'node', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
  }
}, 60_000);
afterAll(() => {
  test_?.kubectl('delete', 'node', ...nodes, '--ignore-not-found');
  test_?.remove();
});

/** On how many of the two nodes, which are empty, six pods of a run come to be. */
async function place(run: string, options: Parameters<typeof compileWorkflow>[1]): Promise<number> {
  const compiled = JSON.stringify(compileWorkflow(ir, options)).replaceAll('{{workflow.name}}', run);
  const { spec } = JSON.parse(compiled) as ReturnType<typeof compileWorkflow>;
  const affinity = spec.templates.find(({ container }) => container !== undefined)!.affinity;
  const pods = Array.from({ length: 6 }, (_, n) => ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name: `${run}-${n}`, labels: { 'workflows.argoproj.io/workflow': run } },
    spec: {
      tolerations: [{ operator: 'Exists' }], // a node that nobody hears of is tainted after a while
      containers: [{ name: 'main', image: 'none/here', resources: { requests: { cpu: '500m' } } }],
      affinity: {
        ...affinity,
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }] }]
          }
        }
      }
    }
  }));
  test_.apply(...pods);
  const placed = () => test_.kubectl('get', 'pods', '-l', `workflows.argoproj.io/workflow=${run}`, '-o', 'jsonpath={.items[*].spec.nodeName}').split(' ');
  await until(() => placed().length === pods.length, 30_000);
  const found = new Set(placed()).size;
  test_.kubectl('delete', 'pods', '--all', '--force', '--grace-period=0'); // no kubelet would end them
  return found;
}

test('pods of a run whose volume one node can mount come to one node, and others to any', async () => {
  expect(await place('together', { claim: 'c' })).toBe(1);
  expect(await place('apart', { claim: 'c', accessMode: 'ReadWriteMany' })).toBe(2);
}, 90_000);
