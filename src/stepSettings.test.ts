// A step's settings as they are typed and shown.
import { nullTranslator } from '@jupyterlab/translation';
import { outlineNotebook, toNotebook } from '@sluice/core';
import * as settings from './stepSettings';

const trans = nullTranslator.load('jupyterlab_sluice');
const fields = new Map(settings.settingGroups(trans).flatMap(group => group.fields.map(field => [field.key, field])));

test.each<[settings.SettingKey, string, unknown]>([
  ['memory', ' 4Gi ', '4Gi'],
  ['image', '', undefined],
  ['retries', '3', 3],
  ['cache', 'false', false],
  ['env', 'A=1\n\nB = a=b', { A: '1', B: ' a=b' }],
  ['node_selector', 'example.com/disk=ssd', { 'example.com/disk': 'ssd' }]
])('%s typed %p', (key, text, value) => {
  expect(settings.readSetting(fields.get(key)!, text, trans)).toEqual({ value });
});

test.each<[settings.SettingKey, string, RegExp]>([
  ['memory', '4 GB', /‘4 GB’ as ‘memory’; it must be a quantity such as/],
  ['image', 'python 3', /it must be an image such as ‘python:3.12’/],
  ['retries', '-1', /‘Retries’ must be a whole number/],
  ['gpu', '1.5', /‘GPUs’ must be a whole number/],
  ['env', 'A=1\nB', /‘B’ has no ‘=’ after a name/],
  ['env', '1A=1', /it must be the name of a variable/],
  ['node_selector', 'disk=a b', /‘a b’/]
])('%s cannot be %p', (key, text, problem) => {
  expect(settings.readSetting(fields.get(key)!, text, trans)).toEqual({ problem: expect.stringMatching(problem) });
});

const notebook = toNotebook({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {
    kubeflow_notebook: { docker_image: 'kale:1' },
    sluice: {
      defaults: { memory: '1Gi', env: { A: '1' } },
      steps: { a: { memory: 4, env: { B: '2' }, secrets: [] } }
    }
  },
  cells: [
    { cell_type: 'code', source: 'x = 1', metadata: { tags: ['step:a', 'limit:cpu:2'] }, outputs: [] },
    { cell_type: 'code', source: 'x', metadata: { tags: ['step:b'] }, outputs: [] }
  ]
}).notebook!;
const outline = outlineNotebook(notebook);

test('what is written for a step stands apart from what it has without that', () => {
  const written = settings.writtenSettings(notebook, 'a');
  expect(settings.summarizeSettings(written)).toBe('memory 4, env, secrets');
  expect(settings.formatSetting(written['env'])).toBe('B=2');
  expect(settings.findFault(fields.get('memory')!, written['memory'], trans)).toMatch(/it must be a quantity/);
  expect(settings.otherSettings(written, settings.settingGroups(trans))).toEqual(['secrets']);
  expect(settings.inheritedSettings(notebook, outline, 'a')).toEqual({
    ...{ image: 'kale:1', memory: '1Gi', env: { A: '1' } },
    cpu_limit: '2'
  });
  expect(settings.writtenSettings(notebook, 'b')).toEqual({});
  expect(settings.inheritedSettings(notebook, outline, undefined)).toEqual({ image: 'kale:1' });
});
