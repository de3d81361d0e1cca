// On Kubeflow the run's volume is put into the IR when the run begins.
import { toRunVolume, withRunVolume } from '../../src/ir/run-volume.js';
import { compilePipeline } from '../../src/ir/compile.js';
import { planIr } from '../../src/ir/plan.js';
import { options, pipeline, step } from './pipelines.js';

const home = { claim: 'home', path: '/home/jovyan', subPath: 'me', folder: 'project' };
const data = [{ pvc_name: 'data', path: '/data', snapshot: 'each-step' as const }];
const ir = compilePipeline(
  {
    ...pipeline(
      step('load'),
      step('train', { after: ['load'], spec: { volumes: [...data, { pvc_name: 'home', path: '/home/jovyan' }] } }),
      step('tidy', { spec: { at_end: true } })
    ),
    workspace: { volume: home, snapshots: { policy: 'each-step' }, kept: { data: 'each-step' } }
  },
  options
);
const made = withRunVolume(ir, toRunVolume('run-7', 'each-step', home), options.snapshot);

const tasksOf = ({ pipeline: { root, components } }: typeof ir) => ({
  ...root?.dag?.tasks,
  ...components?.['comp-exit-handler']?.dag?.tasks
});
const executor = (name: string, of = made) =>
  (of.pipeline.deploymentSpec as { executors: Record<string, { container: { command: string[]; env: object[] } }> })
    .executors[`exec-${name}`]!.container;
const mountsOf = (name: string, of = made) => {
  const { deploymentSpec } = of.platform!.platforms!.kubernetes!;
  const { pvcMount } = (deploymentSpec!.executors as Record<string, { pvcMount: object[] }>)[`exec-${name}`]!;
  return pvcMount.map(mount => Object.values(mount).filter(value => typeof value === 'string'));
};

test('each step has it where the notebook has its own, which is not mounted besides', () => {
  expect(mountsOf('load')).toEqual([['run-7', '/home/jovyan', 'me']]);
  expect(mountsOf('train')).toEqual([
    ['data', '/data'],
    ['run-7', '/home/jovyan', 'me']
  ]);
  expect(mountsOf('tidy')).toEqual([['run-7', '/home/jovyan', 'me']]);
});

test('snapshots of it stand around each step that others wait for, beside those of other volumes, and the one at the start is no task', () => {
  expect(Object.keys(tasksOf(ir))).toContain('snapshot-start-home');
  const waits = Object.entries(tasksOf(made)).map(
    ([name, { dependentTasks = [] }]) => `${name}: ${dependentTasks.join(' ')}`
  );
  expect(waits.sort()).toEqual([
    'exit-handler: ',
    'load-after-run-7: load',
    'load-before-run-7: ',
    'load: load-before-run-7',
    'tidy: exit-handler',
    'train-after-data: train',
    'train-after-run-7: train',
    'train-before-data: load',
    'train-before-run-7: load train-before-data load-after-run-7',
    'train: load train-before-data load-after-run-7 train-before-run-7'
  ]);
});

test('a step begins in the notebook’s folder, keeps both volumes where it fails, and is not cached', () => {
  const { command, env } = executor('train');
  const words = command.filter(word => !word.includes('\n'));
  expect(words.filter((word, i) => words[i - 1] === '--claim' || word === 'BOOT')).toEqual(['run-7', 'data', 'BOOT']);
  expect(words).toContain('/home/jovyan/project');
  expect(env).toEqual([{ name: 'SLUICE_ENVIRONMENTS', value: '/home/jovyan/.sluice-run/environments' }]);
  expect(tasksOf(made).train!.cachingOptions).toEqual({});
  expect(tasksOf(ir).train!.cachingOptions).toEqual({ enableCache: true });
  expect(planIr(made).tasks.map(({ name, after }) => [name, after])).toEqual(
    planIr(ir).tasks.map(({ name, after }) => [name, after])
  );
});

test('one that the folder was sent to is where the volume of a run on Argo is', () => {
  const sent = withRunVolume(ir, toRunVolume('run-8', 'start'), options.snapshot);
  expect(mountsOf('load', sent)).toEqual([['run-8', '/sluice']]);
  const { command, env } = executor('load', sent);
  expect(command.filter(word => !word.includes('\n')).slice(0, 3)).toEqual(['python3', '-c', '/sluice/workspace']);
  expect(env).toEqual([{ name: 'SLUICE_ENVIRONMENTS', value: '/sluice/environments' }]);
  expect(Object.keys(tasksOf(sent)).filter(name => name.endsWith('run-8'))).toEqual(['snapshot-start-run-8']);
  expect(tasksOf(sent).load!.dependentTasks).toEqual(['snapshot-start-home', 'snapshot-start-run-8']);
});
