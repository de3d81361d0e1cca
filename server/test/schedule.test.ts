// Which step starts when, and that nothing is thrown while a step runs.
import { setImmediate as turn } from 'node:timers/promises';
import type { RunState } from '@sluice/core';
import { schedule } from '../src/runners/schedule';

const steps = [
  { name: 'a', after: [] },
  { name: 'b', after: [] },
  { name: 'c', after: ['a'] },
  { name: 'd', after: ['a', 'b'] },
  { name: 'z', after: [], atEnd: true }
];

/** `ends`: how a step ends, `succeeded` where it is not named; `log` takes what begins, ends and is skipped. */
function run(ends: Readonly<Record<string, RunState | Error>>, log: string[], onSkip: () => void = () => undefined) {
  return schedule(steps, {
    settled: new Map(),
    signal: new AbortController().signal,
    async execute({ name }) {
      log.push(`begin ${name}`);
      for (let turns = name === 'b' ? 20 : 2; turns > 0; turns--) await turn();
      log.push(`end ${name}`);
      const end = ends[name] ?? 'succeeded';
      if (end instanceof Error) throw end;
      return end;
    },
    skip({ name }) {
      log.push(`skip ${name}`);
      onSkip();
    }
  });
}

test.each<[string, Readonly<Record<string, RunState>>, string]>([
  ['all succeed', {}, 'begin a, begin b, end a, begin c, end c, end b, begin d, end d, begin z, end z'],
  ['one fails', { a: 'failed' }, 'begin a, begin b, end a, skip c, skip d, end b, begin z, end z'],
  ['the last fails', { d: 'failed' }, 'begin a, begin b, end a, begin c, end c, end b, begin d, end d, begin z, end z']
])('%s', async (_, ends, order) => {
  const log: string[] = [];
  const states = await run(ends, log);
  expect(log.join(', ')).toBe(order);
  expect([...states.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'z']);
});

test.each<[string, Readonly<Record<string, RunState | Error>>, string | undefined]>([
  ['a step', { a: new Error('no room') }, undefined],
  ['the record of a skipped step', { a: 'failed' }, 'no room']
])('where %s throws, the others end first and none begins', async (_, ends, skipping) => {
  const log: string[] = [];
  const onSkip = () => {
    if (skipping !== undefined) throw new Error(skipping);
  };
  await expect(run(ends, log, onSkip)).rejects.toThrow('no room');
  expect(log).toContain('end b');
  expect(log).not.toContain('begin z');
});
