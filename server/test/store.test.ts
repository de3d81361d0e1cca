// Records that several processes share: what an event changes, what a run is called, and what becomes of runs whose owner is gone.
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { isEarlier, type RunEvent } from '@sluice/core';
import { Outcomes } from '../src/cache/outcomes';
import { openHome } from '../src/home';
import { Silence } from '../src/owner';
import { recordFound } from '../src/runners/found';
import { Store } from '../src/store';
import { World } from './world';

let world: World;
let store: Store;
beforeEach(() => {
  world = new World();
  store = new Store(openHome(join(world.folder, '.sluice')));
});
afterEach(() => {
  store.close();
  world.remove();
});

const create = (more: object = {}) => store.create({ pipeline: 'p', runner: 'local', parameters: { n: 1 }, ...more });

function begin(notebook?: string): string {
  const { id } = create(notebook === undefined ? {} : { notebook });
  store.append(id, { type: 'run-started', run: id, steps: ['a', 'b'] });
  store.append(id, { type: 'step', step: 'a', state: 'running' });
  return id;
}

test('only its owner can read it, also the parts that SQLite puts beside it', () => {
  begin();
  for (const name of ['sluice.db', 'sluice.db-wal', 'sluice.db-shm'])
    expect(statSync(join(store.home, name)).mode & 0o777).toBe(0o600);
});

function sql(text: string): void {
  const db = new DatabaseSync(join(store.home, 'sluice.db'));
  db.exec(text);
  db.close();
}

test('events are numbered without gaps and add up to the summary', () => {
  const id = begin('x.ipynb');
  store.append(id, { type: 'log', step: 'a', stream: 'stdout', text: 'hi\n' });
  store.append(id, { type: 'metric', step: 'a', name: 'm', value: { rows: [1] } });
  store.append(id, {
    type: 'artifact',
    step: 'a',
    artifact: { name: 'x', kind: 'values', path: '/x', sizeBytes: 3, variables: [] }
  });
  store.append(id, {
    type: 'step',
    step: 'a',
    state: 'failed',
    durationMs: 5,
    error: 'E: x',
    failure: { name: 'E', message: 'x', cell: 2 }
  });
  store.append(id, { type: 'run-ended', run: id, state: 'failed', reason: 'why', metrics: { m: 1 } });
  expect(store.events(id).map(event => event.seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(store.events(id, 5, 1)).toMatchObject([{ seq: 6, type: 'step', step: 'a', state: 'failed' }]);
  expect(store.read(id)).toMatchObject({
    ...{
      id,
      number: 1,
      pipeline: 'p',
      notebook: 'x.ipynb',
      state: 'failed',
      reason: 'why',
      parameters: { n: 1 },
      metrics: { m: 1 }
    },
    steps: [
      { name: 'a', state: 'failed', durationMs: 5, error: 'E: x', failure: { name: 'E', message: 'x', cell: 2 } },
      { name: 'b', state: 'skipped' }
    ]
  });
  expect(store.artifacts(id)).toEqual([
    { step: 'a', name: 'x', kind: 'values', path: '/x', sizeBytes: 3, variables: [] }
  ]);
  expect(store.stepMetrics(id)).toEqual([{ step: 'a', name: 'm', value: { rows: [1] } }]);
});

test('a failed write leaves nothing of the event', () => {
  const id = begin();
  expect(() => store.append(id, { type: 'metric', step: 'a', name: 'm', value: undefined as never })).toThrow();
  expect(store.events(id)).toHaveLength(2);
  expect(store.append(id, { type: 'step', step: 'a', state: 'succeeded' }).seq).toBe(3);
});

test('ids say when, numbers count up', () => {
  expect([create(), create()].map(run => run.number)).toEqual([1, 2]);
  expect(create().id).toMatch(/^\d{8}-\d{6}-[a-z0-9]{4}$/);
});

test('runs are found by id, unique beginning, number and ‘last’', () => {
  const [first, second] = [create(), create()];
  for (const name of [first.id, '1', '#1']) expect(store.find(name).id).toBe(first.id);
  for (const name of [second.id, '2', 'last']) expect(store.find(name).id).toBe(second.id);
  expect(store.find(first.id.slice(0, 19)).id).toBe(first.id);
  expect(() => store.find(first.id.slice(0, 9))).toThrow(/may be run/);
  for (const name of ['3', 'nothing', '%']) expect(() => store.find(name)).toThrow(`There is no run ‘${name}’`);
});

test('runs are listed newest first, and by notebook', () => {
  const [a, b, c] = ['x', 'y', 'x'].map(notebook => create({ notebook }).id);
  expect(store.list().map(run => run.id)).toEqual([c, b, a]);
  expect(store.list({ notebook: 'x' }).map(run => run.id)).toEqual([c, a]);
  expect(store.list({ limit: 1 }).map(run => run.id)).toEqual([c]);
});

test('a run that was started elsewhere stands where it began, not where it was found', () => {
  const own = begin('x.ipynb');
  store.append(own, { type: 'step', step: 'a', state: 'succeeded' });
  const found = { runner: 'argo', pipeline: 'p', notebook: 'x.ipynb', parameters: {}, place: {}, steps: ['a'] };
  recordFound(store, { ...found, id: 'theirs', at: Date.now() - 60_000 }, () => false);
  const [first, second] = store.list();
  expect([first!.number, second!.number]).toEqual([1, 2]);
  expect(isEarlier(second!, first!)).toBe(true);
  expect(store.find('last').id).toBe(own);
  store.append(second!.id, { type: 'step', step: 'a', state: 'failed' });
  expect(new Outcomes(store.sql).failedLast('a', 'x.ipynb', 'p')).toBeUndefined();
});

test('a watcher in another process sees every event, and the end', async () => {
  const id = begin();
  const other = new Store(store.home);
  const seen: RunEvent[] = [];
  const watching = (async () => {
    for await (const event of other.watch(id, undefined, 1)) seen.push(event);
  })();
  await new Promise(resolve => setTimeout(resolve, 50));
  store.append(id, { type: 'step', step: 'a', state: 'succeeded' });
  store.append(id, { type: 'run-ended', run: id, state: 'succeeded', metrics: {} });
  await watching;
  other.close();
  expect(seen.map(event => event.seq)).toEqual([2, 3, 4]);
});

test('a watcher stops when it is told to', async () => {
  const id = begin();
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  for await (const event of store.watch(id, stop.signal)) expect(event.seq).toBeLessThan(3);
});

test('a request to cancel reaches the owner', () => {
  const id = begin();
  expect(store.checkIn(id)).toEqual({});
  const other = new Store(store.home);
  other.requestCancel(id, 'Why not.');
  other.close();
  expect(store.checkIn(id)).toEqual({ cancelReason: 'Why not.' });
});

describe('a run whose owner', () => {
  test.each([
    ['lives goes on', '', 'running'],
    ['is gone is interrupted', 'owner_pid = 4194303', 'failed'],
    ['is another process with the same number is interrupted', "owner_started = '1'", 'failed'],
    ['was on the machine before it started again is interrupted', "owner_place = 'before pid:[1]'", 'failed'],
    ['lives in another container goes on', "owner_place = replace(owner_place, 'pid:', 'other:')", 'running'],
    [
      'in another container was silent for a day is interrupted',
      "owner_place = replace(owner_place, 'pid:', 'other:'), seen_at = 0",
      'failed'
    ]
  ])('%s', (_, change, state) => {
    const id = begin();
    if (change !== '') sql(`UPDATE runs SET ${change}`);
    const later = new Store(store.home);
    const run = later.read(id);
    later.close();
    expect(run.state).toBe(state);
    if (state === 'failed') {
      expect(run.reason).toMatch(/^interrupted: the process that executed it/);
      expect(run.steps).toMatchObject([
        { name: 'a', state: 'failed', failure: { name: 'interrupted' } },
        { name: 'b', state: 'skipped' }
      ]);
    }
  });
});

describe('an owner that nobody can see', () => {
  const hour = 3600_000;
  // each look: seconds that have passed here, and hours since the owner showed up, by its own clock
  test.each<[name: string, looks: [seconds: number, hours: number][], isLong: boolean]>([
    ['is not given up at the first look', [[0, 2]], false],
    [
      'is given up after a minute of silence',
      [
        [0, 2],
        [61, 2]
      ],
      true
    ],
    [
      'lives while it shows up',
      [
        [0, 2],
        [50, 1.99],
        [100, 1.98]
      ],
      false
    ],
    [
      'lives when its clock is set back',
      [
        [0, 0],
        [50, 1000],
        [100, 1000]
      ],
      false
    ],
    [
      'lives when its clock is set forward',
      [
        [0, 0],
        [50, -1000],
        [100, -1000]
      ],
      false
    ],
    ['is given up at once after a day', [[0, 25]], true]
  ])('%s', (_, looks, isLong) => {
    let now = 0;
    const silence = new Silence(() => now);
    const begin = Date.now();
    const said = looks.map(([seconds, hours]) => ((now = seconds * 1000), silence.isLong('r', begin - hours * hour)));
    expect(said.at(-1)).toBe(isLong);
  });
});

test('records of a later version are left alone', () => {
  store.append(begin(), { type: 'step', step: 'a', state: 'succeeded' });
  sql('PRAGMA user_version = 99');
  expect(() => new Store(store.home)).toThrow(/written by a later version of Sluice/);
});

test('a damaged file is named', () => {
  world.write('other/sluice.db', 'this is no database, and long enough to be read as one'.repeat(100));
  expect(() => new Store(join(world.folder, 'other'))).toThrow(
    /The records in ‘.*sluice\.db’ can’t be opened: .*SLUICE_HOME/
  );
});
