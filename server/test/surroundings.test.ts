// What is told of the server that a notebook is edited on: never a secret's value.
import type { V1Pod } from '@kubernetes/client-node';
import { describeSurroundings, looksSecret } from '../src/surroundings';

test.each([
  ['AWS_SECRET_ACCESS_KEY', 'x'],
  ['GITHUB_TOKEN', 'x'],
  ['DB_PASSWORD', 'x'],
  ['PGPASS', 'x'],
  ['OPENAI_API_KEY', 'x'],
  ['api_key', 'x'],
  ['SENTRY_DSN', 'x'],
  ['AZURE_STORAGE_CONNECTION_STRING', 'x'],
  ['DATABASE_URL', 'postgres://ada:lovelace@db/notes'],
  ['CERTIFICATE', '-----BEGIN PRIVATE KEY-----'],
  ['SESSION', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln'],
  ['HF', 'hf_abcdefghijk']
])('%s looks secret', (name, value) => expect(looksSecret(name, value)).toBe(true));

test.each([
  ['LEVEL', '3'],
  ['DATABASE_URL', 'postgres://db/notes'],
  ['MONKEYS', 'three'],
  ['PASSENGERS', 'titanic.csv'],
  ['AUTHOR', 'Ada'],
  ['MLFLOW_TRACKING_URI', 'http://mlflow:5000']
])('%s does not', (name, value) => expect(looksSecret(name, value)).toBe(false));

test('a laptop offers what the shell has, without what each computer has by itself', () => {
  const env = {
    PATH: '/bin',
    HOME: '/root',
    JUPYTERHUB_USER: 'ada',
    LC_ALL: 'C',
    DB_PORT_5432_TCP: 'tcp://1',
    LEVEL: '3',
    API_TOKEN: 'x'
  };
  expect(describeSurroundings(env)).toEqual({
    env: [{ name: 'LEVEL', value: '3' }],
    secrets: [{ env: 'API_TOKEN' }],
    secretFolders: [],
    volumes: []
  });
});

const container = {
  name: 'notebook',
  env: [
    { name: 'LEVEL', value: '3' },
    { name: 'NB_PREFIX', value: '/notebook/a' },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'BUCKET', valueFrom: { secretKeyRef: { name: 's3', key: 'bucket' } } }
  ],
  volumeMounts: [
    { name: 'home', mountPath: '/home/jovyan' },
    { name: 'shared', mountPath: '/data', subPath: 'team', readOnly: true },
    { name: 'certificates', mountPath: '/certs' },
    { name: 'scratch', mountPath: '/tmp/scratch' }
  ]
};
const volumes = [
  { name: 'home', persistentVolumeClaim: { claimName: 'home-ada' } },
  { name: 'shared', persistentVolumeClaim: { claimName: 'datasets' } },
  { name: 'certificates', secret: { secretName: 'tls' } },
  { name: 'scratch', emptyDir: {} }
];
const env = { LEVEL: '3', NB_PREFIX: '/notebook/a', NODE: 'n1', BUCKET: 'gold', OF_THE_IMAGE: '1', S3_USER: 'ada' };

test('a pod offers what it was given, with the secrets that its values come from', () => {
  const pod: V1Pod = {
    metadata: { name: 'notebook-0' },
    spec: { containers: [{ name: 'istio-proxy', env: [{ name: 'PROXY', value: '1' }] }, container], volumes }
  };
  expect(describeSurroundings(env, pod)).toEqual({
    pod: 'notebook-0',
    env: [{ name: 'LEVEL', value: '3' }],
    secrets: [{ env: 'BUCKET', name: 's3', key: 'bucket' }],
    secretFolders: [{ name: 'tls', path: '/certs' }],
    volumes: [
      { pvc_name: 'home-ada', path: '/home/jovyan' },
      { pvc_name: 'datasets', path: '/data', sub_path: 'team', read_only: true }
    ]
  });
});

test('of a pod that nobody may look at, any variable may be secret', () =>
  expect(describeSurroundings({ LEVEL: '3', BUCKET: 'gold' }, 'unknown')).toEqual({
    env: [],
    secrets: [{ env: 'BUCKET' }, { env: 'LEVEL' }],
    secretFolders: [],
    volumes: []
  }));

test('what may come from a secret that a pod takes as a whole is taken to come from it', () => {
  const whole = { ...container, envFrom: [{ secretRef: { name: 'keys' }, prefix: 'S3_' }] };
  const pod: V1Pod = { spec: { containers: [whole], volumes: [] } };
  const { env: told, secrets } = describeSurroundings({ ...env, GIT_TOKEN: 'x' }, pod);
  expect(told).toEqual([{ name: 'LEVEL', value: '3' }]);
  expect(secrets).toEqual([
    { env: 'BUCKET', name: 's3', key: 'bucket' },
    { env: 'GIT_TOKEN' },
    { env: 'OF_THE_IMAGE' },
    { env: 'S3_USER', name: 'keys', key: 'USER' }
  ]);
});
