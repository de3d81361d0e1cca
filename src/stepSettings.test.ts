// A step's settings as they are typed and shown.
import { nullTranslator } from '@jupyterlab/translation';
import { outlineNotebook, toNotebook } from '@sluice/core';
import * as settings from './stepSettings';
import { loadYaml } from './yaml';

beforeAll(loadYaml);

const trans = nullTranslator.load('jupyterlab_sluice');
const fields = new Map(settings.settingGroups(trans).flatMap(group => group.fields.map(field => [field.key, field])));

test.each<[settings.SettingKey, string, unknown]>([
  ['memory', ' 4Gi ', '4Gi'],
  ['image', '', undefined],
  ['retries', '3', 3],
  ['cache', 'false', false],
  ['env', 'A=1\n\nB = a=b', { A: '1', B: ' a=b' }],
  ['node_selector', 'example.com/disk=ssd', { 'example.com/disk': 'ssd' }],
  ['secrets', 'TOKEN=db/api.key', [{ name: 'db', key: 'api.key', env: 'TOKEN' }]],
  ['secrets', '/etc/db=db optional', [{ name: 'db', path: '/etc/db', optional: true }]],
  ['volumes', 'data:/data', [{ pvc_name: 'data', path: '/data' }]],
  [
    'volumes',
    'data/raw/old:/data:ro each-step',
    [{ pvc_name: 'data', path: '/data', sub_path: 'raw/old', read_only: true, snapshot: 'each-step' }]
  ],
  ['tolerations', 'gpu=a100:NoSchedule', [{ key: 'gpu', operator: 'Equal', value: 'a100', effect: 'NoSchedule' }]],
  [
    'tolerations',
    'node.kubernetes.io/not-ready:NoExecute 60s\n*',
    [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 },
      { operator: 'Exists' }
    ]
  ],
  ['image_pull_secrets', 'a, b\nc', ['a', 'b', 'c']],
  ['security_context', 'runAsUser: 1000\nrunAsNonRoot: true', { runAsUser: 1000, runAsNonRoot: true }],
  ['security_context', '{"securityContext": {"runAsUser": 0}}', { runAsUser: 0 }],
  [
    'affinity',
    'affinity:\n  podAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution: []',
    {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] }
    }
  ],
  ['tolerations', '{"key": "a", "operator": "Exists", "value": ""}', [{ key: 'a', operator: 'Exists', value: '' }]]
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
  ['node_selector', 'disk=a b', /‘a b’/],
  ['secrets', 'TOKEN=db', /‘TOKEN=db’ cannot be read. Write it like TOKEN=my-secret\/token/],
  ['secrets', '1A=db/key', /name of a variable/],
  ['volumes', 'data:data', /‘data:data’ cannot be read/],
  ['volumes', '{"pvc_name"', /cannot be read/],
  ['tolerations', 'gpu:Never', /‘gpu:Never’ cannot be read/],
  [
    'affinity',
    'podAffinity:\n\trequired: 1',
    /^This cannot be read as YAML\. Line 2: tab characters must not be used in indentation\.$/
  ],
  ['affinity', 'podAffinty: {}', /‘podAffinity’/],
  ['affinity', 'disk', /affinity/],
  ['security_context', 'runAsUser: root', /runAsUser/],
  ['annotations', 'a b=c', /annotations/]
])('%s cannot be %p', (key, text, problem) => {
  expect(settings.readSetting(fields.get(key)!, text, trans)).toEqual({ problem: expect.stringMatching(problem) });
});

test.each<[settings.SettingKey, object, string]>([
  ['secrets', { name: 'db', key: 'k', env: 'A', optional: true }, 'A=db/k optional'],
  [
    'secrets',
    { name: 'db', key: 'k', env: 'A', optional: false },
    '{"name":"db","key":"k","env":"A","optional":false}'
  ],
  ['volumes', { pvc_name: 'data', path: '/data', snapshot: 'start' }, 'data:/data start'],
  ['volumes', { pvc_name: 'data', path: '/a b' }, '{"pvc_name":"data","path":"/a b"}'],
  ['tolerations', { key: 'gpu', value: 'a', effect: 'NoSchedule' }, 'gpu=a:NoSchedule'],
  ['tolerations', { key: 'gpu', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 9 }, 'gpu:NoExecute 9s'],
  ['tolerations', { key: 'gpu', operator: 'Exists', value: '' }, '{"key":"gpu","operator":"Exists","value":""}']
])('%s %j shows as %s, and is read from it again', (key, entry, text) => {
  const field = fields.get(key)!;
  expect(settings.formatSetting(field, [entry])).toBe(text);
  expect(settings.formatSetting(field, (settings.readSetting(field, text, trans) as { value: unknown }).value)).toBe(
    text
  );
});

const notebook = toNotebook({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {
    kubeflow_notebook: { docker_image: 'kale:1' },
    sluice: {
      defaults: { memory: '1Gi', env: { A: '1' } },
      steps: { a: { memory: 4, env: { B: '2' }, secrets: [], affinity: {}, retry_factor: 3 } }
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
  expect(settings.summarizeSettings(written)).toBe('memory 4, env, secrets, affinity, retry_factor 3');
  expect(settings.formatSetting(fields.get('env')!, written['env'])).toBe('B=2');
  expect(settings.findFault(fields.get('memory')!, written['memory'], trans)).toMatch(/it must be a quantity/);
  expect(settings.otherSettings(written, settings.settingGroups(trans))).toEqual(['retry_factor']);
  expect(settings.inheritedSettings(notebook, outline, 'a')).toEqual({
    ...{ image: 'kale:1', memory: '1Gi', env: { A: '1' } },
    cpu_limit: '2'
  });
  expect(settings.writtenSettings(notebook, 'b')).toEqual({});
  expect(settings.inheritedSettings(notebook, outline, undefined)).toEqual({ image: 'kale:1' });
});
