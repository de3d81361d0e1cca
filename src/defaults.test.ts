// What a pipeline's steps are given, and what of the server's is taken over.
import type { StepSpec, Surroundings } from '@sluice/core';
import { commandFor, givenBy, offeredBy, secretNameFor, withGiven, withoutGiven } from './defaults';

const server: Surroundings = {
  env: [{ name: 'LEVEL', value: '3' }],
  secrets: [{ env: 'API_KEY' }, { env: 'DB_PASSWORD', name: 'db', key: 'password' }],
  secretFolders: [{ name: 'certificates', path: '/certs' }],
  volumes: [{ pvc_name: 'data', path: '/data', read_only: true }]
};
const all: StepSpec = {
  env: { LEVEL: '3' },
  secrets: [
    { name: 'mine', key: 'API_KEY', env: 'API_KEY' },
    { name: 'db', key: 'password', env: 'DB_PASSWORD' },
    { name: 'certificates', path: '/certs' }
  ],
  volumes: [{ pvc_name: 'data', path: '/data', read_only: true }]
};

test.each<[string, StepSpec, readonly string[]]>([
  ['all of it', {}, ['env LEVEL', 'env API_KEY', 'env DB_PASSWORD', 'path /certs', 'path /data']],
  [
    'not what is there by the same name',
    { env: { LEVEL: '4', API_KEY: 'x' } },
    ['env DB_PASSWORD', 'path /certs', 'path /data']
  ],
  ['nothing twice', all, []]
])('a server offers %s', (_, defaults, keys) =>
  expect(offeredBy(server, defaults).map(({ key }) => key)).toEqual(keys)
);

test('what is taken over joins what is there, and can be taken away again', () => {
  const taken = withGiven({ cpu: '1' }, offeredBy(server, {}), 'mine');
  expect(taken).toEqual({ cpu: '1', ...all });
  expect(givenBy(taken).reduce((left, { key }) => withoutGiven(left, key), taken)).toEqual({ cpu: '1' });
});

test.each([
  ['Titanic, again!', 'titanic-again-secrets'],
  ['été', 't-secrets'],
  ['', 'notebook-secrets']
])('‘%s’ keeps its secrets in %s', (name, secret) => expect(secretNameFor(name)).toBe(secret));

test('the command for a secret has names and no values', () => {
  expect(commandFor('mine', ['A', 'B'])).toBe(
    'kubectl create secret generic mine --from-literal=A="$A" --from-literal=B="$B"'
  );
  expect(commandFor('mine', ['A'], 'team')).toBe('kubectl create secret generic mine -n team --from-literal=A="$A"');
});
