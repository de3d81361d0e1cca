// Tags are read with all of Kale's words, and changed without touching the tags of others.
import { checkStepName, readTags, renamedStep, withoutRole, withPrevious, withRole, withStep } from '../src/tags.js';

const nothing = { steps: [], roles: [], previous: [], spec: {}, unreadable: [] };

test.each<[string, string[], object]>([
  ['no tags', [], {}],
  ['a step', ['step:train'], { steps: ['train'] }],
  ['Kale’s old word for a step', ['block:train'], { steps: ['train'] }],
  ['a step named twice the same', ['step:a', 'block:a'], { steps: ['a'] }],
  ['two steps', ['step:a', 'step:b'], { steps: ['a', 'b'] }],
  ['an empty step', ['block:', 'prev:'], {}],
  ['what runs before', ['step:c', 'prev:a', 'prev:b'], { steps: ['c'], previous: ['a', 'b'] }],
  ['imports', ['imports'], { roles: ['imports'] }],
  ['functions', ['functions'], { roles: ['functions'] }],
  ['Kale’s parameters', ['pipeline-parameters'], { roles: ['parameters'] }],
  ['papermill’s parameters', ['parameters'], { roles: ['parameters'] }],
  ['metrics', ['pipeline-metrics'], { roles: ['metrics'] }],
  ['skip', ['skip'], { roles: ['skip'] }],
  ['tags of others', ['slideshow', 'raises-exception', 'author:me', 'Step:a'], {}],
  ['an image with a port and a tag', ['image:host:5000/py:3.12'], { spec: { image: 'host:5000/py:3.12' } }],
  ['cache on and off', ['cache:enabled', 'cache:disabled'], { spec: { cache: false } }],
  ['limits', ['limit:cpu:2', 'limit:memory:4Gi'], { spec: { cpu_limit: '2', memory_limit: '4Gi' } }],
  ['a GPU', ['limit:nvidia.com/gpu:1'], { spec: { gpu: 1, gpu_vendor: 'nvidia.com/gpu' } }],
  ['labels', ['label:a:1', 'label:b/c:x.y'], { spec: { labels: { a: '1', 'b/c': 'x.y' } } }],
  ['annotations', ['annotation:a:1', 'annotation:b/c:x:y'], { spec: { annotations: { a: '1', 'b/c': 'x:y' } } }],
  ['a secret', ['secret:db:password:PW'], { spec: { secrets: [{ name: 'db', key: 'password', env: 'PW' }] } }],
  ['a step at the end', ['at-end'], { spec: { at_end: true } }],
  ['a report', ['report:enabled'], {}],
  [
    'a setting that says nothing',
    ['cache:maybe', 'limit:gpu', 'label:a', 'limit:memory:much', 'label:a:x:y'],
    { unreadable: ['cache:maybe', 'limit:gpu', 'label:a', 'limit:memory:much', 'label:a:x:y'] }
  ]
])('%s is read', (_, tags, expected) => {
  expect(readTags(tags)).toEqual({ ...nothing, ...expected });
});

test.each<[string, readonly string[], string[]]>([
  ['a plain cell becomes a step', withStep(['mine'], 'a'), ['mine', 'step:a']],
  ['imports become a step in their place', withStep(['imports', 'mine'], 'a'), ['step:a', 'mine']],
  [
    'another name keeps what runs before',
    withStep(['block:a', 'prev:b', 'image:x'], 'c'),
    ['step:c', 'prev:b', 'image:x']
  ],
  ['a step becomes skipped', withRole(['x', 'step:a', 'prev:b', 'image:y'], 'skip'), ['x', 'skip', 'image:y']],
  ['parameters are written in Kale’s word', withRole([], 'parameters'), ['pipeline-parameters']],
  ['metrics', withRole(['imports', 'functions'], 'metrics'), ['pipeline-metrics']],
  ['a step joins the one above', withoutRole(['step:a', 'prev:b', 'mine', 'image:y']), ['mine', 'image:y']],
  ['papermill’s parameters go, too', withoutRole(['parameters']), []],
  ['a step is renamed', renamedStep(['x', 'step:a', 'prev:b'], 'a', 'c'), ['x', 'step:c', 'prev:b']],
  ['Kale’s old word stays', renamedStep(['block:a'], 'a', 'c'), ['block:c']],
  ['others follow a renamed step', renamedStep(['step:b', 'prev:a', 'prev:c'], 'a', 'c'), ['step:b', 'prev:c']],
  ['a label of the same value stays', renamedStep(['label:a'], 'a', 'c'), ['label:a']],
  [
    'what runs before is set',
    withPrevious(['step:c', 'prev:a', 'x', 'prev:b'], ['b', 'd']),
    ['step:c', 'x', 'prev:b', 'prev:d']
  ],
  ['nothing runs before', withPrevious(['prev:a'], []), []]
])('%s', (_, tags, expected) => expect(tags).toEqual(expected));

test.each([
  ['train', undefined],
  ['Train_2.b-c', undefined],
  ['_private', undefined],
  ['größe', undefined],
  ['データ', undefined],
  ['x'.repeat(63), undefined],
  ['', /needs a name/],
  ['x'.repeat(64), /longer than 63/],
  ['load data', /‘load data’ cannot be.*for example ‘load_data’/],
  ['-a', /for example ‘a’/],
  [' a', /for example ‘a’/],
  ['a/b', /for example ‘a_b’/],
  ['…', /digit or ‘_’. Rename the step, for example ‘_’/]
])('the name ‘%s’ is checked', (name, problem) => {
  const found = checkStepName(name);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});
