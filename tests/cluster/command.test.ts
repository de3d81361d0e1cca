// `sluice cluster snapshots` as a user writes it, with a volume whose files are written and read on the disk.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeNamespace, testWithPods, type TestCluster } from './cluster.js';

let test_: TestCluster;
let bundle: string;
beforeAll(async () => {
  bundle = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
  execFileSync('node', ['server/build.mjs', '--outdir', bundle], { cwd: join(__dirname, '../..') });
  test_ = await makeNamespace('command');
  test_.claim('work');
  test_.write('work', { 'a/one': '1', two: '2', gone: '3' });
}, 120_000);
afterAll(() => test_?.remove());

function sluice(...args: string[]) {
  const env = { ...process.env, KUBECONFIG: test_.kubeconfig, SLUICE_IMAGE: 'localhost/python:sluice' };
  const { status, stdout, stderr } = spawnSync('node', [join(bundle, 'cli.mjs'), 'cluster', 'snapshots', ...args], {
    encoding: 'utf8',
    env
  });
  return { status, out: stdout, error: stderr };
}

test('take, list, show, restore, remove', () => {
  expect(sluice('take', 'work', '--name', 'before')).toEqual({ status: 0, out: 'before is a snapshot of ‘work’.\n', error: '' });
  test_.write('work', { two: 'two', 'b/new': 'n' });
  execFileSync('rm', [join(test_.volume('work'), 'gone')]);
  expect(sluice('take', 'work', '--name', 'after').status).toBe(0);
  expect(sluice('list').out).toMatch(/^snapshot +of +run +moment +taken +size\nafter +work +20.*\nbefore +work +20.*\n$/);
  expect(sluice('show', 'before').out).toMatch(/volume +work, standard ReadWriteOnce\n[^]*state +ready\n/);
  expect(sluice('restore', 'before', '--to', 'again').out).toBe('‘again’ holds what ‘before’ holds.\n');
  expect([test_.read('again', 'a/one'), test_.read('again', 'two'), test_.read('again', 'gone')]).toEqual(['1', '2', '3']);
});

testWithPods('what is in a snapshot, and what changed from one to the other; nothing stays behind', () => {
  expect(JSON.parse(sluice('files', 'before', '--json').out).files).toEqual([
    { path: 'a', kind: 'folder', bytes: 0 },
    { path: 'a/one', kind: 'file', bytes: 1 },
    { path: 'gone', kind: 'file', bytes: 1 },
    { path: 'two', kind: 'file', bytes: 1 }
  ]);
  expect(sluice('diff', 'before', 'after').out).toBe('added    b/new\nchanged  two\nremoved  gone\n');
  expect(sluice('files', 'before', '--image', 'localhost/none:here').error).toMatch(
    /^sluice: The pod that looks into the snapshot did not succeed: ErrImagePull|ImagePullBackOff: /
  );
  expect(test_.names('pods,pvc')).toEqual(['again', 'work']);
}, 180_000);

test('what expired is collected, and said before', () => {
  expect(sluice('gc').error).toContain('Write --keep N, or --older-than AGE such as 30d, or both.');
  expect(sluice('gc', '--older-than', '0h', '--dry-run').out).toBe('would remove  before\nwould remove  after\n2 would be removed, 0 would stay\n');
  expect(sluice('gc', '--older-than', '1h').out).toBe('0 removed, 2 kept\n');
  expect(sluice('remove', 'before', 'nobody’s')).toMatchObject({ status: 2, out: '' });
  expect(sluice('remove', 'before').out).toBe('removed  before\n');
  expect(sluice('gc', '--older-than', '0h').out).toBe('removed  after\n1 removed, 0 kept\n');
  expect(sluice().out).toBe(`Sluice has no snapshot in namespace ‘${test_.namespace}’.\n`);
});

test.each([
  [['take', 'gone'], 'There is no volume claim ‘gone’ in namespace'],
  [['take', 'work', '--class', 'fast'], 'There is no VolumeSnapshotClass ‘fast’. There is ‘broken’, ‘slow’, ‘standard’.'],
  [['take', 'work', '--class', 'broken', '--name', 'broken'], 'could not take the snapshot ‘broken’ of claim ‘work’: the disk is on fire.'],
  [['restore', 'gone', '--to', 'new'], 'There is no volume snapshot ‘gone’'],
  [['restore', 'gone'], 'Write --to CLAIM'],
  [['take', 'work', '--name', 'My Snapshot'], 'The name ‘My Snapshot’ for a snapshot has ‘M’'],
  [['list', '--context', 'elsewhere'], 'The kubeconfig has no context ‘elsewhere’.'],
  [['lst'], 'Did you mean ‘list’?']
])('refused: %j', (args, message) => {
  const { status, error } = sluice(...args);
  expect(error).toContain(message);
  expect(status).not.toBe(0);
});
