// What metadata say of folders for a run on this machine, and of volumes for all steps.
import { toNotebook } from '../src/notebook.js';
import { outlineNotebook } from '../src/outline.js';

const read = (sluice: object) => {
  const cells = [{ cell_type: 'code', source: '1', metadata: { tags: ['step:a'] } }];
  return outlineNotebook(toNotebook({ nbformat: 4, metadata: { sluice }, cells }, 'a.ipynb').notebook!);
};

test.each<[sluice: object, workspace: object]>([
  [{}, {}],
  [{ volumes: [{ folder: '../data' }, { folder: 'more' }] }, { folders: ['../data', 'more'] }],
  [{ snapshots: { gitignore: true } }, { gitignore: true }],
  [{ snapshots: { gitignore: false } }, {}],
  [{ snapshots: 'off', volumes: [] }, { snapshots: { policy: 'off' } }],
  [{ snapshots: { policy: 'each-step', class: 'fast' } }, { snapshots: { policy: 'each-step', class: 'fast' } }],
  [{ snapshots: { policy: 'start', clone: true } }, { snapshots: { policy: 'start', clone: true } }],
  [
    { volumes: [{ pvc_name: 'me', path: '/home/jovyan', workspace: './project/' }] },
    { volume: { claim: 'me', path: '/home/jovyan', folder: 'project' } }
  ],
  [
    { volumes: [{ pvc_name: 'me', path: '/home/jovyan', workspace: '.', sub_path: 'a' }] },
    { volume: { claim: 'me', path: '/home/jovyan', folder: '', subPath: 'a' } }
  ],
  [
    {
      volumes: [
        { pvc_name: 'a', path: '/a', snapshot: 'start' },
        { pvc_name: 'b', path: '/b', snapshot: 'off' }
      ],
      steps: { a: { volumes: [{ pvc_name: 'a', path: '/a', snapshot: 'each-step' }] } }
    },
    { kept: { a: 'each-step' } }
  ]
])('%j', (sluice, workspace) => {
  const outline = read(sluice);
  expect(outline.diagnostics).toEqual([]);
  expect(outline.workspace).toEqual(workspace);
});

test('a claim among the volumes is there for every step, beside the folders', () => {
  const outline = read({
    volumes: [{ folder: '../data' }, { pvc_name: 'store', path: '/store' }],
    defaults: { volumes: [{ pvc_name: 'own', path: '/own' }] }
  });
  expect(outline.workspace).toEqual({ folders: ['../data'] });
  expect(outline.steps[0]!.settings.volumes.map(volume => volume.pvc_name)).toEqual(['store', 'own']);
});

test.each<[sluice: object, message: RegExp]>([
  [{ volumes: {} }, /^‘sluice.volumes’ is .* instead of a list of volumes/],
  [
    { volumes: [{ folder: '/etc' }] },
    /^The folder "\/etc" in ‘sluice.volumes’ must be a path from the notebook's folder/
  ],
  [{ volumes: [{ folder: 5 }] }, /^The folder 5 in ‘sluice.volumes’/],
  [{ volumes: ['data'] }, /^‘sluice.volumes’ /],
  [
    { volumes: [{ pvc_name: 'me', path: '/home', workspace: '../x' }] },
    /^The settings of the workspace’s volume have ‘\.\.\/x’ as ‘sluice.volumes.workspace’; it must be the notebook’s folder/
  ],
  [
    { volumes: [{ pvc_name: 'me', path: '/home', snapshot: 'never' }] },
    /^‘sluice.volumes’ .*; it must be ‘off’ or ‘start’ or ‘each-step’\.$/
  ],
  [
    { snapshots: 'each step' },
    /^‘sluice.snapshots’ is ‘each step’ instead of ‘off’, ‘start’ or ‘each-step’; .* Did you mean ‘each-step’\?/
  ],
  [{ snapshots: { policy: 3 } }, /^‘sluice.snapshots’ is .* instead of ‘off’/],
  [{ snapshots: { gitignore: 'yes' } }, /^‘gitignore’ in ‘sluice.snapshots’ is .* instead of true or false/]
])('%j is named', (sluice, message) => {
  const outline = read(sluice);
  expect(outline.workspace).toEqual({});
  expect(outline.diagnostics.map(({ message }) => message)).toEqual([expect.stringMatching(message)]);
});
