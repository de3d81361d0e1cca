// Elyra's pipelines and Kale's notebooks as notebooks with steps: forms of all their versions, and a sentence for what is not kept.
import { importElyra, importKale, readElyra, type ElyraPipeline, type ImportedNotebook } from '../src/import/index.js';
import { outlineNotebook } from '../src/outline.js';
import { toNotebook } from '../src/notebook.js';

/** `id: file < before` is a node. */
function drawing(nodes: readonly string[], settings: Record<string, object> = {}, properties: object = {}): string {
  const drawn = nodes.map(text => {
    const [, id, file, before = ''] = /^(\w+): (\S+)(?: < (.+))?$/.exec(text)!;
    const op = file!.endsWith('.ipynb')
      ? 'execute-notebook-node'
      : file!.endsWith('.py')
        ? 'execute-python-node'
        : file!;
    const links = before
      .split(' ')
      .filter(Boolean)
      .map(other => ({ node_id_ref: other, port_id_ref: 'outPort' }));
    const app_data = { component_parameters: { filename: file, ...settings[id!] }, ui_data: { label: file } };
    return { id, type: 'execution_node', op, app_data, inputs: [{ id: 'inPort', links }] };
  });
  const app_data = { version: 8, ui_data: { comments: [] }, properties: { name: 'drawn', ...properties } };
  return JSON.stringify({ primary_pipeline: 'p', pipelines: [{ id: 'p', nodes: drawn, app_data }] });
}

const read = (text: string): ElyraPipeline => readElyra(text) as ElyraPipeline;
const settingsOf = (settings: object): object => read(drawing(['a: a.py'], { a: settings })).nodes[0]!.spec;

test.each<[string, object, object]>([
  ['an image', { runtime_image: 'x:1' }, { image: 'x:1' }],
  [
    'resources',
    { cpu: 1, cpu_limit: 2, memory: 4, memory_limit: 8, gpu: 1, gpu_vendor: 'amd.com/gpu' },
    { cpu: '1', cpu_limit: '2', memory: '4G', memory_limit: '8G', gpu: 1, gpu_vendor: 'amd.com/gpu' }
  ],
  [
    'nothing where a field is empty',
    { cpu: '', memory: null, gpu: 0, env_vars: [''], mounted_volumes: [{ path: '', pvc_name: '' }] },
    {}
  ],
  ['variables', { env_vars: [{ env_var: 'A', value: 'b=c' }] }, { env: { A: 'b=c' } }],
  ['variables before version 6', { env_vars: ['A=b=c', 'B='] }, { env: { A: 'b=c', B: '' } }],
  [
    'volumes',
    { mounted_volumes: [{ path: 'd/', pvc_name: 'c', sub_path: 's', read_only: true }] },
    { volumes: [{ pvc_name: 'c', path: '/d', sub_path: 's', read_only: true }] }
  ],
  ['volumes before version 6', { mounted_volumes: ['/d=c'] }, { volumes: [{ pvc_name: 'c', path: '/d' }] }],
  [
    'secrets',
    { kubernetes_secrets: [{ env_var: 'U', name: 'db', key: 'user' }] },
    { secrets: [{ name: 'db', key: 'user', env: 'U' }] }
  ],
  [
    'secrets before version 6',
    { kubernetes_secrets: ['U=db:user'] },
    { secrets: [{ name: 'db', key: 'user', env: 'U' }] }
  ],
  [
    'tolerations',
    { kubernetes_tolerations: [{ key: 'k', operator: 'Exists', value: '', effect: '' }] },
    { tolerations: [{ key: 'k', operator: 'Exists' }] }
  ],
  [
    'labels and annotations without a value',
    { kubernetes_pod_labels: [{ key: 'a' }], kubernetes_pod_annotations: [{ key: 'b', value: 'c' }] },
    { labels: { a: '' }, annotations: { b: 'c' } }
  ],
  ['shared memory', { kubernetes_shared_mem_size: { size: 0.5, units: 'G' } }, { shared_memory: '0.5G' }],
  ['no caching', { disable_node_caching: 'True' }, { cache: false }]
])('Elyra’s %s', (_, settings, expected) => expect(settingsOf(settings)).toEqual(expected));

test.each<[string, string, RegExp]>([
  ['no JSON', '{', /not valid JSON/],
  ['no pipeline', '{}', /no pipeline of Elyra's/],
  ['a list', '[]', /holds a list without ‘pipelines’/]
])('%s is refused', (_, text, message) => expect(readElyra(text)).toMatch(message));

test('nodes come in an order in which they can run, and what is left out is bridged and told', () => {
  const { nodes, notes } = read(
    drawing(['c: c.ipynb < x', 'x: catalog:1 < a', 'a: sub/a.py', 'r: execute-r-node < a'])
  );
  expect(nodes.map(({ name, kind, after }) => [name, kind, after])).toEqual([
    ['a', 'script', []],
    ['c', 'notebook', ['a']]
  ]);
  expect(notes).toEqual([expect.stringMatching(/component of a catalog/), expect.stringMatching(/R script/)]);
});

test('a node that stands for a drawing is taken apart', () => {
  const link = (id: string, port: string): object[] => [{ links: [{ node_id_ref: id, port_id_ref: port }] }];
  const node = (id: string, inputs: object[] = []): object => ({
    id,
    type: 'execution_node',
    op: 'execute-python-node',
    app_data: { filename: `${id}.py` },
    inputs
  });
  const outer = [
    node('first'),
    {
      id: 'group',
      type: 'super_node',
      subflow_ref: { pipeline_id_ref: 'q' },
      inputs: [{ ...link('first', 'outPort')[0], subflow_node_ref: 'in' }]
    },
    node('last', link('group', 'two_outPort'))
  ];
  const inner = [{ id: 'in', type: 'binding' }, node('one', link('in', 'x')), node('two', link('one', 'outPort'))];
  const text = JSON.stringify({
    primary_pipeline: 'p',
    pipelines: [
      { id: 'p', nodes: outer },
      { id: 'q', nodes: inner }
    ]
  });
  expect(read(text).nodes.map(({ name, after }) => [name, after])).toEqual([
    ['first', []],
    ['one', ['first']],
    ['two', ['one']],
    ['last', ['two']]
  ]);
});

const outlineOf = ({ notebook }: ImportedNotebook) => outlineNotebook(toNotebook(notebook).notebook!);

test('a pipeline becomes one notebook with a step for each node, or a notebook for each', () => {
  const parameters = [{ name: 'n', default_value: { type: 'Integer', value: 3 } }, { name: 'bad name' }];
  const text = drawing(
    ['a: sub/a.ipynb', 'b: b.py < a', 'c: gone.py'],
    { a: { cpu: 1, pipeline_parameters: ['n'] } },
    { pipeline_parameters: parameters, pipeline_defaults: { runtime_image: 'x:1' } }
  );
  const source = {
    nbformat: 4,
    metadata: {},
    cells: [
      { cell_type: 'markdown', source: '# Hi' },
      { cell_type: 'code', source: 'x = 1', metadata: { tags: ['step:old', 'mine'] } }
    ]
  };
  const files = new Map([
    ['sub/a.ipynb', JSON.stringify(source)],
    ['b.py', 'print(1)\n']
  ]);
  const { notebooks, notes } = importElyra(read(text), files, 'file');
  const outline = outlineOf(notebooks[0]!);
  expect(outline.diagnostics).toEqual([]);
  expect([
    outline.name,
    outline.steps.map(step => [step.name, step.previous, step.settings.cpu, step.settings.image])
  ]).toEqual([
    'drawn',
    [
      ['a', [], '1', 'x:1'],
      ['b', ['a'], undefined, 'x:1'],
      ['gone', [], undefined, 'x:1']
    ]
  ]);
  expect(
    (notebooks[0]!.notebook as { cells: { source: string; metadata: object }[] }).cells.map(({ source, metadata }) => [
      source,
      metadata
    ])
  ).toEqual([
    ['# drawn', {}],
    ['n = 3', { tags: ['pipeline-parameters'] }],
    ["import os\nos.environ['n'] = str(n)", { tags: ['step:a'] }],
    ['# Hi', {}],
    ['x = 1', { tags: ['mine'] }],
    ['print(1)', { tags: ['prev:a', 'step:b'].reverse() }],
    ['raise NotImplementedError("The cells of gone.py are missing.")', { tags: ['step:gone'] }]
  ]);
  expect(notes.map(note => note.slice(0, 40))).toEqual([
    "The pipeline's parameter ‘bad name’ has ",
    'Step ‘gone’ has no cells of ‘gone.py’: t',
    'What is in ‘sub/’ ran in that folder; he'
  ]);
  const separate = importElyra(read(text), files, 'file', true);
  expect(separate.notebooks.map(own => [own.name, outlineOf(own).steps.map(step => step.name)])).toEqual([
    ['a', ['a']],
    ['b', ['b']],
    ['gone', ['gone']]
  ]);
  expect(separate.notes.at(-1)).toMatch(/the order in which they ran is not kept/);
});

test('Kale’s metadata become Sluice’s, and each thing that is not kept is told', () => {
  const volume = { name: 'data', mount_point: '/data/', snapshot: false };
  const kubeflow_notebook = {
    ...{
      pipeline_name: 'k',
      experiment_name: 'e',
      docker_image: 'kale:1',
      snapshot_volumes: true,
      marshal_volume: true
    },
    ...{ katib_run: true, katib_metadata: { maxTrialCount: 12 } },
    volumes: [
      { ...volume, type: 'pvc', snapshot: true },
      { ...volume, type: 'pv' },
      { ...volume, type: 'new_pvc', size: 5, size_type: 'Gi' },
      { ...volume, type: 'clone' },
      { ...volume, type: 'x' }
    ]
  };
  const cells = [{ cell_type: 'code', source: '1', metadata: { tags: ['block:a', 'prev:b'] } }];
  const { notebooks, notes } = importKale({ nbformat: 4, metadata: { kubeflow_notebook, other: 1 }, cells }, 'file');
  expect(notebooks[0]!.notebook).toMatchObject({
    cells: [{ metadata: { tags: ['step:a', 'prev:b'] } }],
    metadata: {
      other: 1,
      sluice: {
        ...{
          version: 1,
          name: 'k',
          experiment: 'e',
          snapshots: { policy: 'start' },
          katib: { run: true, maxTrialCount: 12 }
        },
        defaults: { image: 'kale:1', volumes: [{ pvc_name: 'data', path: '/data', snapshot: 'each-step' }] }
      }
    }
  });
  expect((notebooks[0]!.notebook as { metadata: object }).metadata).not.toHaveProperty('kubeflow_notebook');
  for (const words of [
    'has the type ‘x’',
    'PersistentVolume ‘data’',
    '‘data’ of 5Gi anew',
    'made a snapshot of the volume',
    'cloned',
    'with Katib',
    '‘marshal_volume’ is not needed'
  ])
    expect(notes.filter(note => note.includes(words))).toHaveLength(1);
});

const kaleNotes = (kubeflow_notebook: object): readonly string[] =>
  importKale({ nbformat: 4, metadata: { kubeflow_notebook }, cells: [] }, 'file').notes;
const rok = { name: 'd', mount_point: '/d', type: 'pvc', size: 5, size_type: 'Gi', snapshot: false };

test.each<[string, readonly string[], readonly RegExp[]]>([
  [
    'Kale’s: a word of nobody’s',
    kaleNotes({ rok_url: 'x', flavour: '' }),
    [/^Kale's ‘rok_url’ is no word that Sluice knows/]
  ],
  [
    'Kale’s: values of another type',
    kaleNotes({
      docker_image: 3,
      timeout: 'long',
      katib_metadata: [1],
      autosnapshot: false,
      experiment: { id: 'new', name: 'e' }
    }),
    [
      /‘docker_image’ is a number instead of a text/,
      /‘timeout’ is a text instead of a number/,
      /‘katib_metadata’ is a list instead of an object/
    ]
  ],
  [
    'Kale’s: what a volume has besides',
    kaleNotes({ volumes: [{ ...rok, annotations: [{ key: 'rok/origin', value: 'u' }], snapshot_name: '' }, 'x'] }),
    [
      /volume ‘d’ has ‘annotations’ \(\[{"key":"rok\/origin","value":"u"}\]\), which is not kept/,
      /One of the notebook's ‘volumes’ is a text instead of an object/
    ]
  ],
  [
    'Kale’s: defaults for steps',
    kaleNotes({
      steps_defaults: { retry_count: 'x', limits: { 'nvidia.com/gpu': 'many', cpu: '2' }, retry_policy: 'Always' }
    }),
    [/^Kale’s defaults for steps .*retries/, /limit ‘nvidia.com\/gpu: many’/, /‘retry_policy’ of Kale's defaults/]
  ],
  [
    'Elyra’s: what a node, the defaults and the pipeline have besides',
    read(
      drawing(
        ['a: a.py'],
        { a: { outputs: ['x.csv'], crio_runtime: 'kata', kubernetes_extra: [] } },
        {
          flavour: 'x',
          pipeline_defaults: { parallelism: 2 },
          pipeline_parameters: [{ name: 'p', default_value: { type: 'Integer', value: 1 }, description: 'how many' }]
        }
      )
    ).notes,
    [
      /property ‘flavour’/,
      /^The settings of the node ‘a’ had ‘crio_runtime’ \("kata"\)/,
      /^The pipeline’s defaults had ‘parallelism’ \(2\)/,
      /parameter ‘p’ is not kept: ‘how many’/
    ]
  ]
])('is told: %s', (_, notes, expected) => {
  for (const pattern of expected) expect(notes.filter(note => pattern.test(note))).toHaveLength(1);
  expect(notes).toHaveLength(expected.length);
});
