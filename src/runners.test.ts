// What people can choose to run on, and what a notebook has chosen.
import type { RunnerInfo } from '@sluice/core';
import { offeredRunners, readRunner } from './runners';

test.each<[string, object, string]>([
  ['nothing said', {}, 'local'],
  ['a name', { sluice: { runner: 'argo' } }, 'argo'],
  ['an object with a name', { sluice: { runner: { name: 'argo', namespace: 'team-a' } } }, 'argo'],
  ['an object without one', { sluice: { runner: { namespace: 'team-a' } } }, 'local'],
  ['metadata of another kind', { sluice: null }, 'local']
])('%s', (_, metadata, runner) => expect(readRunner(metadata)).toBe(runner));

const local: RunnerInfo = { name: 'local', label: 'This machine', isReady: true };
const argo: RunnerInfo = { name: 'argo', label: 'Argo', isReady: false };

test.each<[string, readonly RunnerInfo[], string, readonly string[]]>([
  ['before the server has answered', [], 'local', ['local']],
  ['what nobody has set up is not offered', [local, argo], 'local', ['local']],
  ['what is ready is', [local, { ...argo, isReady: true }], 'local', ['local', 'argo']],
  ['and what is set up and does not answer', [local, { ...argo, isSetUp: true }], 'local', ['local', 'argo']],
  ['and what the notebook has chosen', [local, argo], 'argo', ['local', 'argo']]
])('%s', (_, all, chosen, offered) => expect(offeredRunners(all, chosen)).toEqual(offered));
