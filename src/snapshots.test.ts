// Snapshots as moments of a run.
import type { SnapshotRecord } from '@sluice/core';
import { divideDiff, listChanges, toMoments } from './snapshots';

/** `start`, `before a`, `after a`, … each with its words as id. */
function snapshots(...words: readonly string[]): readonly SnapshotRecord[] {
  return words.map((id, at) => {
    const [moment, step] = id.split(' ') as [SnapshotRecord['moment'], string | undefined];
    return { id, moment, at, files: 1, bytes: 1, ...(step === undefined ? {} : { step }) };
  });
}

test.each<[string, readonly string[], readonly string[]]>([
  [
    'a whole run',
    ['start', 'before a', 'after a', 'before b', 'after b'],
    ['start', 'after a since before a', 'after b since before b']
  ],
  [
    'two steps at once',
    ['start', 'before a', 'before b', 'after b', 'after a'],
    ['start', 'after b since before b', 'after a since before a']
  ],
  [
    'nothing before the step',
    ['start', 'after a', 'after b'],
    ['start', 'after a since start', 'after b since after a']
  ],
  ['a step that did not end', ['start', 'before a'], ['start', 'before a']],
  ['a step that was tried twice', ['before a', 'before a', 'after a'], ['after a since before a']]
])('%s', (_, given, moments) =>
  expect(
    toMoments(snapshots(...given)).map(({ snapshot, earlier }) => snapshot.id + (earlier ? ` since ${earlier.id}` : ''))
  ).toEqual(moments)
);

test('changes stand in the order of their paths', () =>
  expect(
    listChanges({ added: ['b/x', 'a'], changed: ['c'], removed: ['b/a'] }).map(({ path, kind }) => `${kind} ${path}`)
  ).toEqual(['added a', 'removed b/a', 'added b/x', 'changed c']));

test.each<[string, Readonly<Record<string, string>> | undefined, readonly string[], number]>([
  ['of a run', {}, ['a.csv', 'files/b.csv'], 3],
  [
    'of a run that works on a copy of the notebook’s',
    { workspace: '{}' },
    ['files/b.csv', 'outputs/a.json', 'values/a', 'workspace/a.csv'],
    1
  ],
  ['of somebody else', undefined, ['.sluice-run/a', 'files/b.csv', 'outputs/a.json', 'values/a', 'workspace/a.csv'], 0]
])('what differs on the volume %s', (_, place, files, runFiles) => {
  const diff = {
    added: ['.sluice-run/a', 'outputs/a.json', 'values/a'],
    changed: ['workspace/a.csv'],
    removed: ['files/b.csv']
  };
  const divided = divideDiff(diff, place && { place });
  expect(listChanges(divided.files).map(({ path }) => path)).toEqual(files);
  expect(divided.runFiles).toBe(runFiles);
});
