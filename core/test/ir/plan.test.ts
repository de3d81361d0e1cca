// A plan has everything that a runner needs; what cannot be run here is refused by name.
import { compilePipeline } from '../../src/ir/compile.js';
import type { Ir } from '../../src/ir/ir.js';
import { planIr } from '../../src/ir/plan.js';
import { printIr } from '../../src/ir/print.js';
import { readIr } from '../../src/ir/read.js';
import { waitSeconds } from '../../src/ir/retries.js';
import { bundle, options, parameter, pipeline, step } from './pipelines.js';

const given = {
  ...pipeline(
    step('Load', { cell: 1, outputs: [bundle('df', 'df')], parameters: ['n'] }),
    step('fit', {
      cell: 2,
      after: ['Load'],
      setup: [{ kind: 'value' as const, from: 'Load', bundle: bundle('df', 'df') }],
      spec: {
        retries: 2,
        retry_delay: 5,
        memory_limit: '512Mi',
        timeout: 90,
        env: { A: 'b', C: '$$ $(A) $HOME ${{{x}}} $$$' },
        cache: false
      }
    }),
    step('end', { cell: 3, after: ['Load', 'fit'] })
  ),
  kernel: 'python3',
  parameters: [parameter('n', 'integer', 3), parameter('o', 'string', null)]
};

const ir = (): Ir => readIr(printIr(compilePipeline(given, { ...options, notebook: 'nb.ipynb' })));

test('a plan speaks of steps', () => {
  const outputs = [{ name: 'sluice_notebook', schemaTitle: 'system.Artifact' }];
  const common = {
    image: 'python:3.12',
    command: ['python3', '-c', 'BOOT'],
    args: expect.anything(),
    env: {},
    artifacts: [],
    parameters: []
  };
  expect(planIr(ir())).toEqual({
    name: 'My pipeline',
    kernel: 'python3',
    notebook: 'nb.ipynb',
    workspace: {},
    parameters: [
      { name: 'n', type: 'integer', default: 3 },
      { name: 'o', type: 'string', default: null }
    ],
    tasks: [
      {
        ...common,
        name: 'Load',
        task: 'load',
        executor: 'exec-load',
        after: [],
        parameters: [{ name: 'n', source: { kind: 'parameter', name: 'n' } }],
        outputs: [{ name: 'df', schemaTitle: 'system.Artifact' }, ...outputs],
        retries: 0,
        cache: true
      },
      {
        ...common,
        name: 'fit',
        task: 'fit',
        executor: 'exec-fit',
        after: ['Load'],
        env: { A: 'b', C: '$$ $(A) $HOME ${{{x}}} $$$' },
        artifacts: [{ name: 'df', from: 'Load', artifact: 'df', schemaTitle: 'system.Artifact' }],
        outputs,
        retries: 2,
        backoff: { delaySeconds: 5, factor: 2, longestSeconds: 3600 },
        memoryLimitBytes: 512 << 20,
        timeoutSeconds: 90,
        cache: false
      },
      {
        ...common,
        name: 'end',
        task: 'end',
        executor: 'exec-end',
        after: ['Load', 'fit'],
        outputs,
        retries: 0,
        cache: true
      }
    ]
  });
});

test('tasks come in the notebook’s order, whatever the order in the IR', () => {
  const { pipeline, ...rest } = ir();
  const tasks = Object.fromEntries(Object.entries(pipeline.root!.dag!.tasks!).reverse());
  const turned = { ...rest, pipeline: { ...pipeline, root: { ...pipeline.root, dag: { tasks } } } };
  expect(planIr(turned).tasks.map(task => task.name)).toEqual(['Load', 'fit', 'end']);
});

test.each<[string, (text: string) => string, RegExp]>([
  [
    'a loop',
    text => text.replace('taskInfo:', 'parameterIterator: {itemInput: x, items: {raw: "[1]"}}\n        taskInfo:'),
    /Task ‘Load’ is a loop/
  ],
  [
    'a condition',
    text => text.replace('taskInfo:', 'triggerPolicy: {condition: "true"}\n        taskInfo:'),
    /Task ‘Load’ runs under a condition/
  ],
  [
    'a pipeline within',
    text => text.replace('executorLabel: exec-load', 'dag: {tasks: {}}'),
    /Task ‘Load’ is a pipeline of its own/
  ],
  [
    'an importer',
    text =>
      text.replace(
        /exec-fit:\n {6}container:[^]*?(?=\n {4}exec-end)/,
        'exec-fit: {importer: {artifactUri: {constant: "x"}}}'
      ),
    /Task ‘fit’ cannot be run.*executor ‘exec-fit’ is of the kind ‘importer’/
  ],
  [
    'no executor',
    text => text.replace('executorLabel: exec-fit', 'executorLabel: exec-none'),
    /executor ‘exec-none’ is missing/
  ],
  ['no component', text => text.replace('name: comp-fit', 'name: comp-none'), /Task ‘fit’ refers to a component/],
  ['an unknown task', text => text.replace('- load', '- lod'), /Task ‘fit’ refers to the task ‘lod’/],
  [
    'a circle',
    text => text.replace('name: comp-load\n', 'name: comp-load\n        dependentTasks: [end]\n'),
    /in a circle: ‘Load’ → .*‘end’ → ‘Load’/
  ],
  [
    'an output as parameter',
    text =>
      text.replace("componentInputParameter: 'n'", 'taskOutputParameter: {producerTask: fit, outputParameterKey: x}'),
    /input ‘n’ of task ‘Load’/
  ]
])('%s is refused', (_, change, expected) => {
  const text = printIr(ir());
  const changed = change(text);
  expect(changed).not.toBe(text);
  expect(() => planIr(readIr(changed))).toThrow(expected);
});

test('an IR of others is planned as far as it is containers', () => {
  const { name, tasks } = planIr(
    readIr(`
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
pipelineInfo: {name: hello}
components:
  comp-say: {executorLabel: exec-say, inputDefinitions: {parameters: {text: {parameterType: STRING, defaultValue: hi, isOptional: true}}}}
deploymentSpec: {executors: {exec-say: {container: {image: 'alpine:3', command: [echo, '{{$}}']}}}}
root: {dag: {tasks: {say: {componentRef: {name: comp-say}, taskInfo: {name: say}}}}}
`)
  );
  expect(name).toBe('hello');
  expect(tasks).toMatchObject([
    { name: 'say', command: ['echo', '{{$}}'], parameters: [{ name: 'text', source: { kind: 'value', value: 'hi' } }] }
  ]);
});

test('each wait is longer than the one before, up to the longest', () => {
  const waits = (backoff: Parameters<typeof waitSeconds>[0]) => [1, 2, 3, 4].map(retry => waitSeconds(backoff, retry));
  expect(waits({ delaySeconds: 2, factor: 3, longestSeconds: 20 })).toEqual([2, 6, 18, 20]);
  expect(waits({ delaySeconds: 0, factor: 2, longestSeconds: 20 })).toEqual([0, 0, 0, 0]);
});
