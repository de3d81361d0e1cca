// Which steps work at once under which limits, and what those that wait are told.
import { Capacity, type Need } from '../src/runners/capacity';

const GB = 1e9;
const known = (bytes: number): Need => ({ cores: 1, memory: { bytes, source: 'last run' } });
const one: Need = { cores: 1 };

/** Ask for all of them in this order; then end those that work, one by one. Shows who started, and what was said, in order. */
async function follow(cores: number, memoryBytes: number, needs: Readonly<Record<string, Need>>): Promise<string[]> {
  const capacity = new Capacity({ cores, memoryBytes: () => memoryBytes });
  const said: string[] = [];
  const working: (() => void)[] = [];
  const never = new AbortController().signal;
  for (const [name, need] of Object.entries(needs))
    void capacity
      .enter(need, reason => said.push(`${name}: ${reason}`), never)
      .then(leave => {
        said.push(name);
        working.push(leave!);
      });
  const settle = () => new Promise(resolve => setImmediate(resolve));
  await settle();
  for (let leave = working.shift(); leave !== undefined; leave = working.shift()) {
    leave();
    await settle();
  }
  return said;
}

test.each<[string, number, number, Record<string, Need>, string[]]>([
  [
    'as many as there are cores',
    2,
    8 * GB,
    { a: one, b: one, c: one },
    ['c: Waits for a core: 2 steps are at work on 2 cores.', 'a', 'b', 'c']
  ],
  [
    'one alone, whatever it needs',
    2,
    1 * GB,
    { a: { cores: 9, memory: { bytes: 5 * GB, source: 'settings' } } },
    ['a']
  ],
  ['those that nobody knows the memory of', 2, 1 * GB, { a: known(5 * GB), b: one }, ['a', 'b']],
  [
    'only those whose memory fits together',
    4,
    8 * GB,
    { a: known(5 * GB), b: known(4 * GB), c: known(2 * GB) },
    [
      'b: Waits for memory: it takes 4 GB, as in its last run, and 3 GB is left while 1 step is at work.',
      'a',
      'c', // passes b, as it fits
      'b'
    ]
  ],
  [
    'one that asks for more than there is when it is alone',
    2,
    2 * GB,
    { a: one, b: { cores: 1, memory: { bytes: 3 * GB, source: 'settings' } } },
    ['b: Waits for memory: it takes 3 GB, as its settings say, and 2 GB is left while 1 step is at work.', 'a', 'b']
  ],
  [
    'fractions of cores',
    1,
    8 * GB,
    { a: { cores: 0.1 }, b: { cores: 0.2 }, c: { cores: 0.7 }, d: { cores: 0.1 } },
    ['d: Waits for 0.1 cores: 3 steps are at work on 1 core.', 'a', 'b', 'c', 'd']
  ],
  [
    'told again when it waits for something else',
    2,
    4 * GB,
    { a: known(1 * GB), b: known(3 * GB), c: known(2 * GB) },
    [
      'c: Waits for a core: 2 steps are at work on 2 cores.',
      'a',
      'b',
      'c: Waits for memory: it takes 2 GB, as in its last run, and 1 GB is left while 1 step is at work.',
      'c'
    ]
  ]
])('%s', async (_, cores, memoryBytes, needs, expected) => {
  expect(await follow(cores, memoryBytes, needs)).toEqual(expected);
});

test('who stops waiting does not start', async () => {
  const capacity = new Capacity({ cores: 1, memoryBytes: () => GB });
  const stop = new AbortController();
  const leave = await capacity.enter(one, () => undefined, stop.signal);
  const second = capacity.enter(one, () => undefined, stop.signal);
  const third = capacity.enter(one, () => undefined, new AbortController().signal);
  stop.abort();
  expect(await second).toBeUndefined();
  leave!();
  expect(await third).toBeInstanceOf(Function);
});
