// What a Workflow has besides what the golden pairs show: snapshots of several volumes, clones where there are no snapshots, and a workspace
// that is a copy of the notebook's own volume.
import { readFileSync } from 'node:fs';
import { compileWorkflow, type Workflow, type WorkflowOptions } from '../src/argo/index.js';
import { readIr } from '../src/ir/read.js';

/** A golden pair's workflow; `mounting` gives one of its steps the claim ‘data’. */
function compile(name: string, options: WorkflowOptions, mounting?: string): Workflow {
  const ir = readIr(readFileSync(`${__dirname}/pipelines/${name}/pipeline.yaml`, 'utf8'));
  const executors = { [`exec-${mounting}`]: { pvcMount: [{ constant: 'data', mountPath: '/data' }] } };
  const platform = { platforms: { kubernetes: { deploymentSpec: { executors } } } };
  return compileWorkflow(mounting === undefined ? ir : { ...ir, platform }, options);
}

/** Each task, and after ‘<’ what it waits for. */
function order({ spec }: Workflow): string[] {
  const { tasks } = spec.templates.find(({ dag }) => dag !== undefined)!.dag!;
  return tasks.map(({ name, depends }) => (depends === undefined ? name : `${name} < ${depends}`));
}

const ended = (step: string) => ['Succeeded', 'Failed', 'Errored'].map(state => `${step}.${state}`).join(' || ');

test.each<[what: string, options: WorkflowOptions, order: string[]]>([
  ['none', { kept: [{ claim: 'data', policy: 'off' }] }, ['load', 'fit < load', 'evaluate < fit']],
  [
    'once at the start, of two volumes',
    { snapshots: 'start', kept: [{ claim: 'my.data', policy: 'start' }] },
    [
      'snapshot-start',
      'snapshot-start-my-data-1v1pgxb',
      'load < snapshot-start && snapshot-start-my-data-1v1pgxb',
      'fit < load',
      'evaluate < fit'
    ]
  ],
  [
    'of a volume that one step mounts, around that step',
    { kept: [{ claim: 'data', policy: 'each-step' }] },
    [
      'load',
      'fit-before-data < load',
      'fit < fit-before-data',
      `fit-after-data < ${ended('fit')}`,
      'evaluate < fit && fit-after-data'
    ]
  ],
  [
    'of it, and of the run’s own',
    { snapshots: 'each-step', kept: [{ claim: 'data', policy: 'each-step' }], steps: ['fit', 'evaluate'] },
    [
      ...['fit-before', 'fit-before-data', 'fit < fit-before && fit-before-data'],
      ...[`fit-after < ${ended('fit')}`, `fit-after-data < ${ended('fit')}`],
      ...[
        'evaluate-before < fit && fit-after && fit-after-data',
        'evaluate < evaluate-before',
        `evaluate-after < ${ended('evaluate')}`
      ]
    ]
  ]
])('snapshots: %s', (_, options, expected) => expect(order(compile('chain', options, 'fit'))).toEqual(expected));

test('a clone stands for a snapshot', () => {
  const clone = { size: '5Gi', storageClass: 'fast', accessModes: ['ReadWriteOnce'] };
  const { spec } = compile('chain', { claim: 'run', snapshots: 'each-step', clone });
  const { resource } = spec.templates.find(({ name }) => name === 'snapshot')! as { resource: { manifest: string } };
  expect(resource).toMatchObject({ action: 'create', successCondition: 'status.phase == Bound' });
  expect(JSON.parse(resource.manifest)).toMatchObject({
    kind: 'PersistentVolumeClaim',
    metadata: { labels: { 'sluice.dev/moment': '{{inputs.parameters.moment}}' } },
    spec: {
      ...{ storageClassName: 'fast', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } } },
      dataSource: { kind: 'PersistentVolumeClaim', name: 'run' }
    }
  });
});

test('a copy of the notebook’s volume is where the notebook has it, instead of what else is mounted there', () => {
  const workspace = { path: '/data', subPath: 'me', folder: 'project' };
  const { spec } = compile('chain', { claim: 'run', workspace }, 'fit');
  const { container, volumes } = spec.templates.find(({ name }) => name === 'fit')!;
  expect(container).toMatchObject({
    workingDir: '/data/project',
    volumeMounts: [
      { name: 'sluice', mountPath: '/sluice', subPath: '.sluice-run' },
      { name: 'sluice', mountPath: '/data', subPath: 'me' }
    ]
  });
  expect(volumes).toBeUndefined();
});
