// What of a pipeline stands where in the IR. Whole files are in test/pipelines; these are the cases that notebooks rarely meet.
import { readStepArgument } from '../../src/ir/argument.js';
import { compilePipeline } from '../../src/ir/compile.js';
import type { Ir } from '../../src/ir/ir.js';
import { planIr } from '../../src/ir/plan.js';
import { printIr } from '../../src/ir/print.js';
import { readIr } from '../../src/ir/read.js';
import type { Pipeline, PipelineStep } from '../../src/pipeline.js';
import type { StepSpec } from '../../src/step.js';
import { bundle, options, parameter, pipeline, step } from './pipelines.js';

interface Container {
  args: string[];
  image: string;
  env?: object;
  resources?: object;
}

const compile = (given: Pipeline): Ir => compilePipeline(given, options);
const task = (ir: Ir, name: string): object => ir.pipeline.root!.dag!.tasks![name]!;
const container = (ir: Ir, name: string): Container =>
  (ir.pipeline.deploymentSpec as unknown as { executors: Record<string, { container: Container }> }).executors[
    `exec-${name}`
  ]!.container;

test.each([
  [
    ['Load data', 'load_data', 'load-data'],
    ['load-data', 'load-data-2', 'load-data-3']
  ],
  [
    ['Größe', 'データ', '_'],
    ['gro-e', 'step', 'step-2']
  ],
  [['a'.repeat(60)], ['a'.repeat(40)]]
])('steps %j become tasks %j', (names, expected) => {
  const ir = compile(pipeline(...names.map(name => step(name))));
  expect(Object.keys(ir.pipeline.root!.dag!.tasks!)).toEqual(expected);
  expect(Object.values(ir.pipeline.root!.dag!.tasks!).map(task => task.taskInfo!.name)).toEqual(names);
  expect(Object.keys(ir.pipeline.components!)).toEqual(expected.map(name => `comp-${name}`));
});

test.each([
  ['My pipeline', 'my-pipeline'],
  ['Ünï_1', 'uni-1'],
  ['例', 'pipeline'],
  ['x'.repeat(80), 'x'.repeat(63)]
])('the pipeline ‘%s’ is called %s', (name, expected) => {
  expect(compile({ ...pipeline(step('a')), name }).pipeline.pipelineInfo).toEqual({ name: expected });
});

test('values travel as artifacts, and each step before is named once', () => {
  const load = step('load', { outputs: [bundle('df', 'df', 'rows')] });
  const other = step('other', { outputs: [bundle('df', 'df2')] });
  const train = step('train', {
    after: ['load', 'other', 'load'],
    setup: [
      { kind: 'value', from: 'load', bundle: bundle('df', 'df') },
      { kind: 'value', from: 'other', bundle: bundle('df', 'df2') },
      { kind: 'value', from: 'load', bundle: bundle('df', 'rows') }
    ]
  });
  const ir = compile(pipeline(load, other, train));
  expect(task(ir, 'train')).toEqual({
    taskInfo: { name: 'train' },
    componentRef: { name: 'comp-train' },
    dependentTasks: ['load', 'other'],
    inputs: {
      artifacts: {
        df: { taskOutputArtifact: { producerTask: 'load', outputArtifactKey: 'df' } },
        df_2: { taskOutputArtifact: { producerTask: 'other', outputArtifactKey: 'df' } }
      }
    },
    cachingOptions: { enableCache: true }
  });
  expect(readStepArgument(container(ir, 'train').args)!.setup).toEqual([
    { kind: 'value', input: 'df', names: ['df'], states: [] },
    { kind: 'value', input: 'df_2', names: ['df2'], states: [] },
    { kind: 'value', input: 'df', names: ['rows'], states: [] }
  ]);
  expect(Object.keys(ir.pipeline.components!['comp-load']!.outputDefinitions!.artifacts!)).toEqual([
    'df',
    'sluice_notebook',
    'sluice_report'
  ]);
});

test.each<[string, Partial<PipelineStep['cells'][number]>, Record<string, string>]>([
  ['any step', {}, { sluice_report: 'HTML' }],
  [
    'a step with a cell of metrics',
    { isMetrics: true },
    { sluice_metrics: 'Metrics', sluice_report: 'HTML', sluice_classification: 'ClassificationMetrics' }
  ],
  [
    'a step that shows Markdown',
    { source: 'display(Markdown(text))' },
    { sluice_report: 'HTML', sluice_markdown: 'Markdown' }
  ],
  ['a cell of Markdown', { source: '%%markdown\n# Done' }, { sluice_report: 'HTML', sluice_markdown: 'Markdown' }]
])('what KFP shows of %s', (_, parts, expected) => {
  const made = step('a');
  const ir = compile(pipeline({ ...made, cells: [{ ...made.cells[0]!, ...parts }] }));
  const outputs = Object.entries(ir.pipeline.components!['comp-a']!.outputDefinitions!.artifacts!);
  const kinds = outputs.map(([key, { artifactType }]) => [key, artifactType!.schemaTitle!.replace('system.', '')]);
  expect(Object.fromEntries(kinds)).toEqual({ sluice_notebook: 'Artifact', ...expected });
});

test('parameters have types and defaults, and one that may be None has none', () => {
  const parameters = [
    parameter('n', 'integer', 3),
    parameter('x', 'float', 1e-7),
    parameter('s', 'string', 'yes'),
    parameter('b', 'boolean', false),
    parameter('l', 'list', [1, 'a', null]),
    parameter('d', 'dict', { a: { b: 1 } }),
    parameter('o', 'string', null)
  ];
  const ir = compile({ ...pipeline(step('a', { parameters: ['n', 'o'] })), parameters });
  expect(ir.pipeline.root!.inputDefinitions!.parameters).toEqual({
    n: { parameterType: 'NUMBER_INTEGER', defaultValue: 3, isOptional: true },
    x: { parameterType: 'NUMBER_DOUBLE', defaultValue: 1e-7, isOptional: true },
    s: { parameterType: 'STRING', defaultValue: 'yes', isOptional: true },
    b: { parameterType: 'BOOLEAN', defaultValue: false, isOptional: true },
    l: { parameterType: 'LIST', defaultValue: [1, 'a', null], isOptional: true },
    d: { parameterType: 'STRUCT', defaultValue: { a: { b: 1 } }, isOptional: true },
    o: { parameterType: 'STRING', isOptional: true }
  });
  expect(ir.pipeline.components!['comp-a']!.inputDefinitions).toEqual({
    parameters: { n: { parameterType: 'NUMBER_INTEGER' }, o: { parameterType: 'STRING', isOptional: true } }
  });
  expect(task(ir, 'a')).toMatchObject({
    inputs: { parameters: { n: { componentInputParameter: 'n' }, o: { componentInputParameter: 'o' } } }
  });
  expect(readStepArgument(container(ir, 'a').args)!.parameters).toEqual([
    { name: 'n', type: 'integer' },
    { name: 'o', type: 'string', nullable: true }
  ]);
  expect(readIr(printIr(ir))).toEqual(ir);
});

test('settings stand where KFP 2.14 and Kubernetes look for them', () => {
  const spec = {
    image: 'own:1',
    cpu: '500m',
    cpu_limit: '2',
    memory: '1G',
    memory_limit: '4Gi',
    gpu: 1,
    env: { A: '1' },
    retries: 2,
    timeout: 60,
    cache: false,
    labels: { x: 'y' },
    annotations: { x: 'z' },
    node_selector: { disk: 'ssd' },
    secrets: [
      { name: 'db', key: 'password', env: 'PW' },
      { name: 'db', key: 'user', env: 'DB_USER' }
    ]
  };
  const ir = compile(pipeline(step('a', { spec }), step('b')));
  expect(container(ir, 'a')).toMatchObject({
    image: 'own:1',
    env: [{ name: 'A', value: '1' }],
    resources: {
      cpuLimit: 2,
      resourceCpuLimit: '2',
      memoryLimit: 4.294967296,
      resourceMemoryLimit: '4Gi',
      cpuRequest: 0.5,
      resourceCpuRequest: '500m',
      memoryRequest: 1,
      resourceMemoryRequest: '1G',
      accelerator: { type: 'nvidia.com/gpu', count: '1', resourceType: 'nvidia.com/gpu', resourceCount: '1' }
    }
  });
  expect(container(ir, 'b')).toEqual({
    image: 'python:3.12',
    command: ['python3', '-c', 'BOOT'],
    args: expect.anything()
  });
  expect(task(ir, 'a')).toMatchObject({
    cachingOptions: {},
    retryPolicy: { maxRetryCount: 2, backoffDuration: '0s', backoffFactor: 2, backoffMaxDuration: '3600s' }
  });
  expect(ir.platform!.platforms!.kubernetes!.deploymentSpec!.executors).toEqual({
    'exec-a': {
      secretAsEnv: [
        {
          secretName: 'db',
          secretNameParameter: { runtimeValue: { constant: 'db' } },
          keyToEnv: [
            { secretKey: 'password', envVar: 'PW' },
            { secretKey: 'user', envVar: 'DB_USER' }
          ],
          optional: false
        }
      ],
      nodeSelector: { labels: { disk: 'ssd' } },
      podMetadata: { labels: { x: 'y' }, annotations: { x: 'z' } },
      activeDeadlineSeconds: '60'
    }
  });
  expect(readIr(printIr(ir))).toEqual(ir);
});

test('what only Kubernetes understands stands in the second document, with the names that KFP gave it before', () => {
  const spec: StepSpec = {
    secrets: [
      { name: 'db', key: 'user', env: 'DB_USER', optional: true },
      { name: 'tls', path: '/etc/tls' }
    ],
    volumes: [{ pvc_name: 'data', path: '/data', sub_path: 'raw', read_only: true }],
    tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] }]
        },
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 5, preference: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] } }
        ]
      },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'kubernetes.io/hostname' }
        ]
      }
    },
    shared_memory: '1Gi',
    image_pull_policy: 'Always',
    image_pull_secrets: ['registry'],
    security_context: { runAsUser: 1000, runAsNonRoot: true }
  };
  const ir = compile(pipeline(step('a', { spec })));
  const named = (name: string): object => ({ runtimeValue: { constant: name } });
  expect(ir.platform!.platforms!.kubernetes!.deploymentSpec!.executors).toEqual({
    'exec-a': {
      secretAsVolume: [
        { secretName: 'tls', mountPath: '/etc/tls', optional: false, secretNameParameter: named('tls') }
      ],
      secretAsEnv: [
        {
          secretName: 'db',
          secretNameParameter: named('db'),
          keyToEnv: [{ secretKey: 'user', envVar: 'DB_USER' }],
          optional: true
        }
      ],
      pvcMount: [{ constant: 'data', mountPath: '/data', pvcNameParameter: named('data'), subPath: 'raw' }],
      podMetadata: { annotations: { 'sluice.dev/read-only': '/data' } },
      imagePullSecret: [{ secretName: 'registry', secretNameParameter: named('registry') }],
      imagePullPolicy: 'Always',
      tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: '60' }],
      nodeAffinity: [
        { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
        { matchExpressions: [{ key: 'zone', operator: 'Exists' }], weight: 5 }
      ],
      podAffinity: [{ matchPodLabels: { app: 'db' }, topologyKey: 'kubernetes.io/hostname', anti: true }],
      emptyDirMounts: [{ volumeName: 'shm', mountPath: '/dev/shm', medium: 'Memory', sizeLimit: '1Gi' }],
      securityContext: { runAsUser: '1000', runAsNonRoot: true }
    }
  });
  expect(readIr(printIr(ir))).toEqual(ir);
});

test('a step at the end waits for all others, which are in a DAG of their own', () => {
  const steps = [
    step('load', { parameters: ['n'] }),
    step('exit-handler', { after: ['load'] }),
    step('report', { parameters: ['n'], spec: { at_end: true } })
  ];
  const ir = compile({ ...pipeline(...steps), parameters: [parameter('n', 'integer', 3)] });
  expect(Object.keys(ir.pipeline.root!.dag!.tasks!)).toEqual(['exit-handler-2', 'report']);
  expect(task(ir, 'exit-handler-2')).toMatchObject({ inputs: { parameters: { n: { componentInputParameter: 'n' } } } });
  expect(task(ir, 'report')).toMatchObject({
    dependentTasks: ['exit-handler-2'],
    cachingOptions: {},
    triggerPolicy: { strategy: 'ALL_UPSTREAM_TASKS_COMPLETED' }
  });
  expect(Object.keys(ir.pipeline.components!['comp-exit-handler-2']!.dag!.tasks!)).toEqual(['load', 'exit-handler']);
  expect(readIr(printIr(ir))).toEqual(ir);
  const { tasks } = planIr(ir);
  expect(tasks.map(({ name, after, atEnd }) => [name, after, atEnd])).toEqual([
    ['load', [], undefined],
    ['exit-handler', ['load'], undefined],
    ['report', [], true]
  ]);
  expect(tasks[0]!.parameters).toEqual([{ name: 'n', source: { kind: 'parameter', name: 'n' } }]);
});

test('no second document where nobody asks for anything of Kubernetes', () => {
  expect(printIr(compile(pipeline(step('a'))))).not.toContain('---');
});

describe('the source of a step', () => {
  const hostile = [
    '{{$}} {{{{ }} {{{',
    '$(HOME) $$ $$(X) \\$(Y)',
    'tab\tbell\u0007del\u007fc1\u0085\u009f sep\u2028\u2029 bom\ufeff emoji 😀 lone \ud800',
    'quote \' " \\ \\n \\u007b',
    '# comment: - [a, b] & *x ! | > %\n---\n...\n',
    '  indented\n\n\ttabbed  \n   '
  ].join('\n');

  test('comes through YAML as it was, and holds nothing that KFP, Argo or Kubernetes would replace', () => {
    const ir = compile(pipeline(step('a', { source: hostile })));
    const args = container(readIr(printIr(ir)), 'a').args;
    expect(readStepArgument(args)!.cells).toEqual([{ index: 0, source: hostile, metrics: false }]);
    const [text] = args.filter((_, i) => args[i - 1] === '--step');
    expect(text).not.toMatch(/\{\{|\$\(|\$\$/);
    // eslint-disable-next-line no-control-regex
    expect(printIr(ir)).not.toMatch(/[\u007f-\u009f\ufeff\u2028]|[\u0000-\u0008]/);
  });

  test('is split where Linux would not take it in one argument, and never inside a character', () => {
    const source = '😀x{{'.repeat(60_000);
    const args = container(compile(pipeline(step('a', { source }))), 'a').args;
    const parts = args.filter((_, i) => args[i - 1] === '--step');
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts) {
      expect(Buffer.byteLength(part)).toBeLessThan(100_000);
      expect(part.isWellFormed()).toBe(true);
    }
    expect(readStepArgument(args)!.cells![0]!.source).toBe(source);
  });

  test('that travels keeps its cell and line', () => {
    const cells = [{ source: 'import os\n\ndef f():\n  pass' }];
    const travelling = step('a', {
      cell: 1,
      setup: [{ kind: 'source', range: { cell: 0, from: 11, to: 27 }, source: 'def f():\n  pass' }]
    });
    const ir = compilePipeline(pipeline(travelling), { ...options, notebook: 'work/nb.ipynb', cells });
    const argument = readStepArgument(container(ir, 'a').args)!;
    expect(argument.setup).toEqual([{ kind: 'source', cell: 0, line: 3, source: 'def f():\n  pass' }]);
    expect(argument).toMatchObject({ version: 1, pipeline: 'My pipeline', notebook: 'work/nb.ipynb', step: 'a' });
  });
});

test('texts that YAML 1.1 would take for something else are quoted', () => {
  const texts = ['yes', 'on', 'null', '1e3', '0o7', '012', '12:30', '2024-01-01', '~', '', '.5', '0x1', ' a', 'a: b'];
  const parameters = texts.map((text, i) => parameter(`p${i}`, 'string', text));
  const ir = compile({ ...pipeline(step('a')), parameters });
  expect(readIr(printIr(ir))).toEqual(ir);
});
