// Names and labels in a cluster; which snapshot class is taken, which snapshots have expired, and what is waited for. No cluster is needed for these.
import { toLabelValue } from '@sluice/core';
import { chooseExpired, type Retention } from '../src/kubernetes/collect.js';
import { checkObjectName, toBelonging, toMetadata, toSelector } from '../src/kubernetes/labels.js';
import { Patience } from '../src/kubernetes/patience.js';
import { plainError, type VolumeSnapshot } from '../src/kubernetes/snapshots.js';
import { chooseClass, findDefaultStorageClass } from '../src/kubernetes/storage.js';
import { toSharing } from '../src/kubernetes/volumes.js';

test.each([
  ['nightly', undefined],
  ['Nightly', 'has ‘N’'],
  ['-nightly', 'does not begin and end'],
  ['night/ly', 'has ‘/’'],
  ['x'.repeat(254), 'has 254 characters']
])('object name %s', (name, reason) => {
  if (reason === undefined) expect(checkObjectName(name, 'snapshot')).toBe(name);
  else expect(() => checkObjectName(name, 'snapshot')).toThrow(reason);
});

test('what labels cannot hold is read from annotations', () => {
  const belonging = { run: '20260101-101010-abcd', step: 'train the model', moment: 'after', notebook: 'abc' } as const;
  expect(toBelonging(toMetadata(belonging))).toEqual(belonging);
  expect(toSelector()).toBe('app.kubernetes.io/managed-by=sluice');
  expect(toSelector({ step: 'train the model' })).toContain(`sluice.dev/step=${toLabelValue('train the model')}`);
});

const ssd = { name: 'ssd', driver: 'd', isDefault: false };
const main = { name: 'main', driver: 'd', isDefault: true };
const other = { name: 'other', driver: 'e', isDefault: true };
test.each([
  ['the only one', [ssd, other], undefined, 'ssd'],
  ['the default one', [ssd, main, other], undefined, 'main'],
  ['the one that is named', [ssd, main], 'ssd', 'ssd'],
  ['none of this driver', [other], undefined, undefined],
  [
    'several without a default',
    [ssd, { ...ssd, name: 'hdd' }],
    undefined,
    /several VolumeSnapshotClasses, and none is the default: ‘ssd’, ‘hdd’/
  ],
  [
    'several defaults',
    [main, { ...main, name: 'also' }],
    undefined,
    /several VolumeSnapshotClasses that are the default: ‘main’, ‘also’/
  ],
  [
    'of another driver',
    [ssd, other],
    'other',
    /‘other’ is for the driver ‘e’, and the volume is of ‘d’\. There is ‘ssd’\./
  ]
])('snapshot class: %s', (_, classes, wanted, expected) => {
  if (expected instanceof RegExp) expect(() => chooseClass(classes, 'd', wanted)).toThrow(expected);
  else expect(chooseClass(classes, 'd', wanted)?.class).toBe(expected);
});

const storageClass = (name: string, created: string, isDefault = true) => ({
  metadata: {
    ...{ name, creationTimestamp: new Date(created) },
    annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) }
  }
});
test.each<[what: string, classes: readonly object[], expected: string | RegExp]>([
  ['the default', [storageClass('a', '2026-01-01', false), storageClass('b', '2026-01-01')], 'b'],
  ['the newest of several', [storageClass('a', '2026-01-02'), storageClass('b', '2026-01-01')], 'a'],
  [
    'none that is the default',
    [storageClass('a', '2026-01-01', false)],
    /no default StorageClass\. Name one with SLUICE_STORAGE_CLASS: there is ‘a’\.$/
  ],
  ['none at all', [], /has no StorageClass, so that no volume can be made\. Ask whoever runs it\.$/]
])('storage class: %s', async (_, items, expected) => {
  const found = findDefaultStorageClass({ storage: { listStorageClass: async () => ({ items }) } } as never);
  if (typeof expected === 'string') expect(await found).toBe(expected);
  else await expect(found).rejects.toThrow(expected);
});

test.each([
  [['ReadWriteMany', 'ReadWriteOnce'], 'anywhere', undefined],
  [
    ['ReadWriteOnce'],
    'on one node',
    'Steps ‘a’, ‘b’ could run at the same time, but the volume of claim ‘work’ can be mounted on one node only (ReadWriteOnce): the steps’ pods are placed on one node.'
  ],
  [['ReadWriteOncePod'], 'one at a time', expect.stringContaining('allows one pod at a time')]
])('access modes %s', (modes, together, message) => {
  const sharing = toSharing('of claim ‘work’', modes, ['a', 'b']);
  expect([sharing.together, sharing.message]).toEqual([together, message]);
});

test.each([
  [
    'Failed to check and update snapshot content: failed to take snapshot of the volume pvc-1: "rpc error: code = Internal desc = the disk is on fire"',
    'the disk is on fire'
  ],
  ['rpc error: code = Unknown desc = rpc error: code = Internal desc = no space.', 'no space'],
  ['Snapshot controller failed to update work', 'Snapshot controller failed to update work']
])('the driver says %s', (said, plain) => expect(plainError(said)).toBe(plain));

const hour = 3_600_000;
const of = (run: string | undefined, hoursAgo: number, notebook = 'n') =>
  ({ name: `${run}-${hoursAgo}`, at: -hoursAgo * hour, notebook, ...(run && { run }) }) as VolumeSnapshot;
const all = [of('1', 9), of('1', 8), of('2', 7), of('3', 6), of('m', 9, 'm'), of(undefined, 9)];
test.each<[string, Retention, string[]]>([
  ['nothing is said', {}, []],
  ['the last run stays', { keepRuns: 1 }, ['1-9', '1-8', '2-7']],
  ['what is young stays', { olderThanMs: 8.5 * hour }, ['1-9', 'm-9', 'undefined-9']],
  ['both', { keepRuns: 2, olderThanMs: 8.5 * hour }, ['1-9', 'undefined-9']],
  ['a run that goes on stays', { keepRuns: 0, active: new Set(['1', 'm']) }, ['2-7', '3-6']]
])('expired: %s', (_, retention, names) =>
  expect(chooseExpired(all, retention, 0).map(({ name }) => name)).toEqual(names)
);

describe('failures that may pass', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  // each is told with the seconds that have gone by before it
  test.each<[string, readonly (readonly [number, number | 'answer'])[], boolean]>([
    ['the server is away', [[0, 503]], true],
    ['there is no such object', [[0, 404]], false],
    ['a refusal, just now', [[0, 403]], true],
    [
      'a refusal that lasts',
      [
        [0, 403],
        [4, 403]
      ],
      false
    ],
    [
      'a refusal that lasts, of who was allowed before',
      [
        [0, 'answer'],
        [4, 403],
        [4, 403]
      ],
      true
    ],
    [
      'a refusal for good, of who was allowed before',
      [
        [0, 'answer'],
        [4, 403],
        [31, 403]
      ],
      false
    ],
    [
      'a refusal after another that passed',
      [
        [0, 403],
        [1, 'answer'],
        [60, 403]
      ],
      true
    ],
    [
      'a refusal by a server that was away',
      [
        [0, 403],
        [60, 503],
        [1, 403]
      ],
      true
    ]
  ])('%s', (_, told, expected) => {
    const patience = new Patience();
    let mayPass = true;
    for (const [seconds, what] of told) {
      jest.advanceTimersByTime(seconds * 1000);
      if (what === 'answer') patience.answered();
      else mayPass = patience.mayPass({ code: what });
    }
    expect(mayPass).toBe(expected);
  });
});
