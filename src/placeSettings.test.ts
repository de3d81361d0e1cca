// What a notebook says of the cluster that it runs on: read, changed and taken back in the form in which it was written.
import { nullTranslator } from '@jupyterlab/translation';
import type { RunnerInfo } from '@sluice/core';
import * as places from './placeSettings';

const trans = nullTranslator.load('jupyterlab_sluice');

test.each<[string, unknown, string, string | undefined, unknown]>([
  ['the first thing makes a name an object', 'argo', 'context', 'prod', { name: 'argo', context: 'prod' }],
  ['one more', { name: 'argo', context: 'a' }, 'size', '5Gi', { name: 'argo', context: 'a', size: '5Gi' }],
  ['another', { name: 'argo', context: 'a' }, 'context', 'b', { name: 'argo', context: 'b' }],
  ['the last one taken away leaves the name', { name: 'argo', context: 'a' }, 'context', undefined, 'argo'],
  ['without a runner', undefined, 'context', undefined, undefined]
])('place: %s', (_, before, key, value, after) => expect(places.withPlace(before, key, value)).toEqual(after));

test.each<[string, unknown, string | undefined, unknown]>([
  ['a name alone', 'argo', 'kubeflow', 'kubeflow'],
  ['none', 'argo', undefined, undefined],
  [
    'what is said of the cluster stays',
    { name: 'argo', namespace: 'a' },
    'kubeflow',
    { name: 'kubeflow', namespace: 'a' }
  ],
  ['here, too', { name: 'argo', namespace: 'a' }, undefined, { name: 'local', namespace: 'a' }]
])('runner: %s', (_, before, name, after) => expect(places.withRunner(before, name)).toEqual(after));

test.each<[string, unknown, string | undefined, unknown]>([
  ['said', undefined, 'start', 'start'],
  ['another', 'start', 'each-step', 'each-step'],
  ['taken away', 'start', undefined, undefined],
  ['beside other things', { gitignore: true }, 'start', { policy: 'start', gitignore: true }],
  ['taken from among them', { gitignore: true, policy: 'start' }, undefined, { gitignore: true }]
])('snapshots: %s', (_, before, policy, after) => {
  expect(places.withPolicy(before, policy)).toEqual(after);
  expect(places.readPolicy(after)).toBe(policy);
});

test('what is said of a place is its texts beside the runner’s name', () => {
  expect(places.readPlace({ sluice: { runner: { name: 'argo', context: 'a', size: 3 } } })).toEqual({ context: 'a' });
  expect(places.readPlace({ sluice: { runner: 'argo' } })).toEqual({});
});

const contexts = [
  { name: 'main', namespace: 'team-a' },
  { name: 'away', namespace: 'default' }
];
const argo: RunnerInfo = { name: 'argo', label: 'Argo', isReady: true, contexts };

test('fields say in grey what holds without them, and follow the context that is chosen', () => {
  const withouts = (info: RunnerInfo, place: places.Place): object =>
    Object.fromEntries(places.placeFields(info, place, trans).map(({ key, without }) => [key, without]));
  expect(withouts(argo, {})).toMatchObject({ context: 'main', namespace: 'team-a', size: '10Gi' });
  expect(withouts(argo, { context: 'away' })).toMatchObject({ context: 'main', namespace: 'default' });
  const setUp = { keep: 'failed', serviceAccount: 'steps' };
  expect(withouts({ ...argo, setUp }, {})).toMatchObject({ keep: 'of failed runs', serviceAccount: 'steps' });
  expect(Object.keys(withouts({ ...argo, name: 'kubeflow' }, { url: 'kfp' }))).not.toContain('context');
});

test.each<[string, string, boolean]>([
  ['namespace', 'team-a', true],
  ['namespace', 'Team A', false],
  ['size', '20Gi', true],
  ['size', '20 GB', false],
  ['url', 'https://kfp', true]
])('%s %p can be: %p', (key, value, isFine) => {
  expect(places.checkPlace(key, value, trans) === undefined).toBe(isFine);
});
