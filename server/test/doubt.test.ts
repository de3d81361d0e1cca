// Differences that say that something has changed, and those that only say that nobody can tell.
import { isDoubt } from '../src/cache/differences.js';
import type { Depends } from '../src/cache/outcomes.js';

const plain = { read: {}, listed: {}, after: {}, artifacts: {} } as unknown as Depends;
const unsure = { ...plain, unsure: 'it used a socket' };
const whole = { ...plain, whole: { content: 'c', because: 'ls' } } as Depends;
const anyFile = 'files changed, and it uses ls, which may read any of them';

test.each<[string, readonly string[], Depends, boolean]>([
  ['what was unsure from the first is a doubt', ['it used a socket'], unsure, true],
  ['any file may have been read: a doubt', [anyFile], whole, true],
  ['a source that changed is none', ['its source changed'], unsure, false],
  ['nor is one beside a doubt', ['its source changed', anyFile], whole, false],
  ['no difference at all is no doubt', [], unsure, false]
])('%s', (_, differences, depends, expected) => expect(isDoubt(differences, depends)).toBe(expected));
