// Who decides how a run uses a cluster, and what the Roles say that are printed for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { printRbac } from '../../src/kubernetes/rbac.js';
import type { Purpose } from '../../src/kubernetes/rights.js';
import { readClusterSettings } from '../../src/kubernetes/settings.js';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'sluice-settings-'))));
afterEach(() => rmSync(home, { recursive: true }));

const read = (given: Record<string, string>, env: Record<string, string>, file?: unknown) => {
  if (file !== undefined)
    writeFileSync(join(home, 'cluster.json'), typeof file === 'string' ? file : JSON.stringify(file));
  return readClusterSettings(given, { env, home });
};

test.each<[what: string, settings: Parameters<typeof read>, found: object]>([
  ['nothing', [{}, {}], {}],
  ['the folder’s file', [{}, {}, { namespace: 'file', size: '2Gi' }], { namespace: 'file', size: '2Gi' }],
  ['the environment wins over it', [{}, { SLUICE_NAMESPACE: 'env' }, { namespace: 'file' }], { namespace: 'env' }],
  [
    'what is said for the run wins over both',
    [{ namespace: 'run' }, { SLUICE_NAMESPACE: 'env' }, { namespace: 'file' }],
    { namespace: 'run' }
  ],
  ['an empty variable says nothing', [{}, { SLUICE_NAMESPACE: '' }, { namespace: 'file' }], { namespace: 'file' }],
  [
    'all variables',
    [
      {},
      {
        KUBECONFIG: 'k',
        SLUICE_CONTEXT: 'c',
        SLUICE_SERVICE_ACCOUNT: 's',
        SLUICE_STORAGE_CLASS: 'x',
        SLUICE_VOLUME_SIZE: '1.5Ti',
        SLUICE_ACCESS_MODE: 'ReadWriteMany',
        SLUICE_KEEP_VOLUME: 'last'
      }
    ],
    {
      kubeconfig: 'k',
      context: 'c',
      serviceAccount: 's',
      storageClass: 'x',
      size: '1.5Ti',
      accessMode: 'ReadWriteMany',
      keep: 'last'
    }
  ]
])('settings: %s', (_, settings, found) => expect(read(...settings)).toEqual(found));

test.each<[settings: Parameters<typeof read>, said: RegExp]>([
  [
    [{}, { SLUICE_VOLUME_SIZE: '10 GB' }],
    /‘10 GB’ can’t be ‘size’ \(SLUICE_VOLUME_SIZE\): it must be a Kubernetes quantity such as ‘20Gi’\.$/
  ],
  [[{}, { SLUICE_ACCESS_MODE: 'RWX' }], /‘RWX’ can’t be ‘accessMode’ .*‘ReadWriteMany’\.$/],
  [
    [{}, {}, { keep: 'no' }],
    /‘no’ can’t be ‘keep’ \(.*cluster\.json\): it must be ‘always’, ‘last’, ‘failed’ or ‘never’\.$/
  ],
  [[{}, {}, { namspace: 'x' }], /has ‘namspace’, which is no setting\. Did you mean ‘namespace’\?$/],
  [[{}, {}, { size: 10 }], /‘size’ in ‘.*cluster\.json’ must be a text\.$/],
  [[{}, {}, '{'], /cluster\.json’ is no JSON/]
])('refused: %j', (settings, said) => expect(() => read(...settings)).toThrow(said));

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly rules?: readonly { resources: string[]; verbs: string[] }[];
  readonly subjects?: readonly object[];
}
const print = (purposes: readonly Purpose[], serviceAccount = 'steps') =>
  parseAllDocuments(
    printRbac({ namespace: 'team', purposes, serviceAccount, subject: { kind: 'User', name: 'me' } })
  ).map(document => document.toJS() as Document);
const rights = (documents: readonly Document[], role: string) =>
  documents
    .find(({ kind, metadata }) => kind === 'Role' && metadata.name === role)
    ?.rules?.map(({ resources, verbs }) => `${resources[0]}: ${verbs.join(' ')}`);

test.each<[purposes: readonly Purpose[], user: readonly string[], steps: readonly string[] | undefined]>([
  [
    ['argo'],
    [
      'workflows: create get list watch patch delete',
      'persistentvolumeclaims: create get list delete',
      'pods: create get list watch delete',
      'pods/exec: get create',
      'pods/log: get',
      'events: list'
    ],
    ['workflowtaskresults: create patch']
  ],
  [
    ['kubeflow', 'workspace'],
    [
      'persistentvolumeclaims: create get list delete',
      'pods: create get list watch delete',
      'pods/exec: get create',
      'events: list',
      'pods/portforward: get create',
      'services: get'
    ],
    undefined
  ],
  [
    ['snapshots'],
    ['persistentvolumeclaims: create get list delete', 'events: list', 'volumesnapshots: create get list delete'],
    ['volumesnapshots: create get', 'persistentvolumeclaims: create get']
  ]
])('Roles for %j', (purposes, user, steps) => {
  const documents = print(purposes);
  expect(rights(documents, 'sluice-user')).toEqual(user);
  expect(rights(documents, 'sluice-steps')).toEqual(steps);
  expect(documents.every(({ metadata }) => metadata.namespace === 'team')).toBe(true);
  expect(documents.find(({ kind }) => kind === 'RoleBinding')!.subjects).toEqual([
    { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'me' }
  ]);
});

test('the service account that is there already is not made', () =>
  expect(print(['argo'], 'default').map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding', 'Role', 'RoleBinding']));
