// Tags and their order make the outline. Cells are written `TAGS | source`, one a line; `#` begins a Markdown cell.
import { outlineNotebook } from '../src/outline.js';
import { toNotebook } from '../src/notebook.js';

function outline(text: string, metadata: object = {}): ReturnType<typeof outlineNotebook> {
  const cells = text
    .trim()
    .split('\n')
    .map(line => {
      const [tags, source] = line.split('|').map(part => part.trim()) as [string, string];
      const isText = tags.startsWith('#');
      const list = tags.replace('#', '').split(' ').filter(Boolean);
      return { cell_type: isText ? 'markdown' : 'code', source, metadata: { tags: list } };
    });
  return outlineNotebook(toNotebook({ nbformat: 4, metadata, cells }, 'folder/file.ipynb').notebook!);
}

const steps = (text: string): object => Object.fromEntries(outline(text).steps.map(step => [step.name, step.cells]));
const codes = (text: string, metadata?: object): string[] =>
  outline(text, metadata).diagnostics.map(d => `${d.severity} ${d.code}`);
const messages = (text: string, metadata?: object): string =>
  outline(text, metadata)
    .diagnostics.map(d => d.message)
    .join('\n');

test.each<[string, string, object]>([
  ['each tag begins a step', 'step:a | 1 \n step:b | 2', { a: [0], b: [1] }],
  ['untagged cells join the step above', 'step:a | 1 \n | 2 \n step:b | 3 \n | 4', { a: [0, 1], b: [2, 3] }],
  ['untagged cells before the first step run before it', ' | 0 \n imports | 1 \n | 2 \n step:a | 3', { a: [0, 2, 3] }],
  ['skipped cells are left out and do not end a step', 'step:a | 1 \n skip | 2 \n | 3', { a: [0, 2] }],
  ['a skipped step is no step', 'step:a | 1 \n skip step:b | 2 \n | 3', { a: [0, 2] }],
  [
    'imports, functions and parameters do not end a step',
    'step:a | 1 \n imports | 2 \n functions | 3 \n parameters | 4 \n | 5',
    { a: [0, 4] }
  ],
  ['text is no part of a step', 'step:a | 1 \n # | hello \n | 3', { a: [0, 2] }],
  ['metrics belong to the step above', 'step:a | 1 \n pipeline-metrics | 2 \n step:b | 3', { a: [0, 1], b: [2] }],
  ['one name on consecutive cells is one step', 'step:a | 1 \n step:a | 2', { a: [0, 1] }],
  ['one name apart is one step', 'step:a | 1 \n step:b | 2 \n step:a | 3', { a: [0, 2], b: [1] }],
  ['no steps', ' | 1 \n imports | 2', {}]
])('%s', (_, text, expected) => expect(steps(text)).toEqual(expected));

test('what is wrong with an order tag is marked on the first line of its cell', () => {
  const { diagnostics } = outline('step:load | 1 \n step:b prev:laod prev:b | x = 2');
  expect(diagnostics.map(({ code, range }) => [code, range])).toEqual([
    ['unknown-step', { cell: 1, from: 0, to: 5 }],
    ['cycle', { cell: 1, from: 0, to: 5 }]
  ]);
});

test('every cell has a role', () => {
  const { roles, importCells, functionCells, parameterCells, steps } = outline(
    '# | t \n imports | i \n functions | f \n pipeline-parameters | p \n step:a | 1 \n | 2 \n skip | s \n pipeline-metrics | m'
  );
  expect(roles).toEqual([
    { kind: 'none' },
    { kind: 'imports' },
    { kind: 'functions' },
    { kind: 'parameters' },
    { kind: 'step', step: 'a', isHead: true },
    { kind: 'step', step: 'a', isHead: false },
    { kind: 'skip' },
    { kind: 'metrics', step: 'a' }
  ]);
  expect({ importCells, functionCells, parameterCells }).toEqual({
    importCells: [1],
    functionCells: [2],
    parameterCells: [3]
  });
  expect(steps[0]).toMatchObject({ cells: [4, 5, 7], metricsCells: [7] });
});

test('a step’s own cell can be its metrics', () => {
  expect(outline('step:a pipeline-metrics | 1').steps[0]).toMatchObject({ cells: [0], metricsCells: [0] });
  expect(codes('step:a pipeline-metrics | 1')).toEqual([]);
});

test('without a step, untagged cells are nothing', () => {
  expect(outline(' | 1 \n pipeline-metrics | 2').roles).toEqual([
    { kind: 'none' },
    { kind: 'metrics', step: undefined }
  ]);
});

test('what was wrong with the file is among the outline’s diagnostics', () => {
  const { notebook, diagnostics } = toNotebook({ nbformat: 4, cells: [7] });
  expect(outlineNotebook(notebook!).diagnostics.map(d => d.code)).toEqual(['notebook-cell', 'no-steps']);
  expect(diagnostics.map(d => d.code)).toEqual(['notebook-cell']);
});

test('known previous steps are kept in notebook order', () => {
  expect(outline('step:a | 1 \n step:b | 2 \n step:c prev:b prev:a prev:x | 3').steps[2]!.previous).toEqual(['a', 'b']);
});

test.each<[string, string, string[], RegExp]>([
  ['no steps', ' | 1', ['error no-steps'], /Tag the first cell of each step/],
  ['a bad name', 'step:a/b | 1', ['error step-name'], /for example ‘a_b’/],
  [
    'a name apart',
    'step:a | 1 \n step:b | 2 \n step:a | 3',
    ['error duplicate-step'],
    /‘a’ begins in cell 1 and again in cell 3/
  ],
  [
    'prev to nothing',
    'step:load | 1 \n step:b prev:laod | 2',
    ['error unknown-step'],
    /after ‘laod’.*Did you mean ‘load’\?/
  ],
  ['prev to itself', 'step:a prev:a | 1', ['error cycle'], /after itself/],
  ['two steps on a cell', 'step:a step:b | 1', ['error several-steps'], /‘a’ and ‘b’. Split cell 1/],
  [
    'two roles on a cell',
    'step:a | 1 \n imports functions | 2',
    ['warning several-roles'],
    /‘imports’ and ‘functions’; Sluice takes it as ‘imports’/
  ],
  [
    'step and imports',
    'step:a imports | 1',
    ['warning several-roles'],
    /as ‘step’ and ‘imports’; Sluice takes it as ‘step’/
  ],
  ['step and skip', 'step:b | \n step:a skip | 1', ['warning several-roles'], /takes it as ‘skip’/],
  [
    'metrics before the steps',
    'pipeline-metrics | 1 \n step:a | 2',
    ['warning metrics-before-steps'],
    /cell 1 stand before the first step.*step ‘a’/
  ],
  ['a tag on text', '# step:b | 1 \n step:a | 2', ['warning tag-not-on-code'], /‘step:b’ is on a markdown cell/],
  [
    'a setting that says nothing',
    'step:a cache:on | 1',
    ['warning setting'],
    /‘cache:on’ cannot be read.*‘cache:enabled’/
  ]
])('%s is reported', (_, text, expected, message) => {
  expect(codes(text)).toEqual(expected);
  expect(messages(text)).toMatch(message);
});

test.each<[string, object, string[], RegExp]>([
  ['another language', { language_info: { name: 'R' } }, ['error language'], /language is ‘r’/],
  ['metadata of a wrong kind', { sluice: 3 }, ['warning setting'], /‘sluice’ are a number/],
  [
    'a setting of a wrong type',
    { sluice: { defaults: { retries: '3' } } },
    ['warning setting'],
    /have a text as ‘retries’; it must be a whole number/
  ],
  [
    'a quantity that is none',
    { sluice: { steps: { a: { memory: 'much' } } } },
    ['warning setting'],
    /step ‘a’ have ‘much’ as ‘memory’; it must be a quantity/
  ],
  [
    'a misspelt setting',
    { sluice: { steps: { a: { retrys: 3 } } } },
    ['warning setting'],
    /‘retrys’, which is none. Did you mean ‘retries’\?/
  ],
  [
    'settings for no step',
    { sluice: { steps: { b: {} } } },
    ['warning setting'],
    /settings for step ‘b’, but there is no such step/
  ]
])('%s is reported', (_, metadata, expected, message) => {
  expect(codes('step:a | 1', metadata)).toEqual(expected);
  expect(messages('step:a | 1', metadata)).toMatch(message);
});

test.each([
  ['Sluice’s', { sluice: { name: 's', description: 'd' }, kubeflow_notebook: { pipeline_name: 'k' } }, ['s', 'd']],
  ['Kale’s', { kubeflow_notebook: { pipeline_name: 'k', pipeline_description: 'kd' } }, ['k', 'kd']],
  ['the file’s', { kubeflow_notebook: { pipeline_name: '' } }, ['file', '']]
])('the pipeline’s name is %s', (_, metadata, expected) => {
  const { name, description } = outline('step:a | 1', metadata);
  expect([name, description]).toEqual(expected);
});

test('settings come from Kale’s defaults, ours, the tags and the step’s own, the later the stronger', () => {
  const metadata = {
    kubeflow_notebook: {
      docker_image: 'kale:1',
      steps_defaults: ['label:a:1', 'label:b:1', 'limit:cpu:1', 'cache:disabled']
    },
    sluice: {
      defaults: { retries: 1, labels: { b: '2' }, env: { E: '1' } },
      steps: { s: { timeout: 60, labels: { c: '4' } } }
    }
  };
  expect(outline('step:s image:own:2 label:c:3 | 1 \n step:t | 2', metadata).steps.map(step => step.settings)).toEqual([
    {
      image: 'own:2',
      cpuLimit: '1',
      gpu: 0,
      gpuVendor: 'nvidia.com/gpu',
      env: { E: '1' },
      secretVariables: [],
      secretFolders: [],
      volumes: [],
      tolerations: [],
      pullSecrets: [],
      labels: { a: '1', b: '2', c: '4' },
      annotations: {},
      nodeSelector: {},
      retries: 1,
      backoff: { delaySeconds: 0, factor: 2, longestSeconds: 3600 },
      timeoutSeconds: 60,
      cache: false,
      atEnd: false
    },
    expect.objectContaining({ image: 'kale:1', labels: { a: '1', b: '2' } })
  ]);
});

test.each<[string, object, string]>([
  ['volumes', [{ pvc_name: 'data' }], 'lack ‘path’ in ‘volumes[0]’.'],
  [
    'volumes',
    [{ pvc_name: 'Data', path: '/d' }],
    'have ‘Data’ as ‘volumes[0].pvc_name’; it must be the name of a claim'
  ],
  [
    'volumes',
    [{ pvc_name: 'd', path: 'data' }],
    'have ‘data’ as ‘volumes[0].path’; it must be a folder such as ‘/data’.'
  ],
  ['volumes', [{ pvc_name: 'd', path: '/d', sub_path: '../x' }], 'have ‘../x’ as ‘volumes[0].sub_path’'],
  [
    'volumes',
    [{ pvc_name: 'd', path: '/d', subpath: 'x' }],
    '‘volumes[0].subpath’, which is none. Did you mean ‘sub_path’?'
  ],
  ['secrets', [{ name: 'db', key: 'user' }], 'lack ‘env’ in ‘secrets[0]’.'],
  [
    'secrets',
    [{ name: 'db', key: 'user', env: 'DB-USER' }],
    'have ‘DB-USER’ as ‘secrets[0].env’; it must be the name of a variable'
  ],
  ['secrets', [{ name: 'db', path: 'x' }], 'have ‘x’ as ‘secrets[0].path’; it must be a folder'],
  [
    'tolerations',
    [{ key: 'gpu', operator: 'Is' }],
    'have ‘Is’ as ‘tolerations[0].operator’; it must be ‘Equal’ or ‘Exists’.'
  ],
  ['affinity', { nodeAffinity: { required: [] } }, '‘affinity.nodeAffinity.required’, which is none.'],
  ['affinity', { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] } }, 'lack ‘topologyKey’'],
  ['labels', { 'a b': 'c' }, 'have ‘a b’ as ‘labels’; it must be a key'],
  ['labels', { a: 'b c' }, 'have ‘b c’ as ‘labels.a’; it must be at most 63'],
  ['env', { A: 1 as unknown as string }, 'have a number as ‘env.A’; it must be a text.'],
  ['image_pull_policy', 'always' as unknown as object, 'have ‘always’ as ‘image_pull_policy’; it must be ‘Always’ or'],
  [
    'gpu_vendor',
    'gpu' as unknown as object,
    'have ‘gpu’ as ‘gpu_vendor’; it must be a resource such as ‘nvidia.com/gpu’.'
  ],
  ['security_context', { privileged: true }, '‘security_context.privileged’, which is none.']
])('%s: %j', (key, value, message) => {
  expect(messages('step:a | 1', { sluice: { steps: { a: { [key]: value } } } })).toContain(
    `The settings of step ‘a’ ${message}`.replace('‘a’ ‘', '‘a’ have ‘')
  );
});

test('a setting that Kubernetes would refuse is not read from a tag either', () => {
  for (const tag of ['limit:memory:much', 'label:a:b/c', 'secret:DB:user:USER', 'at-end:x'])
    expect(codes(`step:a ${tag} | 1`)).toEqual(tag === 'at-end:x' ? [] : ['warning setting']);
});

test('Kale’s waits between attempts are read', () => {
  const metadata = {
    kubeflow_notebook: {
      steps_defaults: { retry_count: 3, retry_interval: '2m', retry_factor: 3, retry_max_interval: '1h' }
    }
  };
  const [step] = outline('step:s | 1', metadata).steps;
  expect(step!.settings).toMatchObject({ retries: 3, backoff: { delaySeconds: 120, factor: 3, longestSeconds: 3600 } });
});
