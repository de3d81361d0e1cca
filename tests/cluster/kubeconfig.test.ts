// Which cluster a kubeconfig means, in one file or several, and what is said where it means none, or the program that logs one in fails.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAnswer, openCluster } from '../../server/src/kubernetes/access.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sluice-kubeconfig-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cluster = (server: string, name = 'c') => `clusters: [{name: ${name}, cluster: {server: '${server}'}}]\n`;
const user = 'users: [{name: u, user: {token: t}}]\n';
const context = (name: string, of = 'c') =>
  `contexts: [{name: ${name}, context: {cluster: ${of}, user: u, namespace: team}}]\n`;
const current = (name: string) => `current-context: ${name}\n`;

async function open(files: Readonly<Record<string, string>>, paths: string): Promise<string> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const whole = paths.split(':').map(path => join(folder, path));
  try {
    const { context, server, namespace } = await openCluster({}, { KUBECONFIG: whole.join(':') });
    return `${context} ${server} ${namespace}`;
  } catch (error) {
    return (error as Error).message.replaceAll(`${folder}/`, '');
  }
}

const whole = cluster('https://a') + user + context('x') + current('x');

test.each<[what: string, files: Readonly<Record<string, string>>, paths: string, expected: string]>([
  ['one file', { a: whole }, 'a', 'x https://a team'],
  [
    'parts in several files, the current context in the last',
    { a: cluster('https://a'), b: user, c: context('x') + current('x') },
    'a:b:c',
    'x https://a team'
  ],
  [
    'what two files have: the first counts',
    { a: whole, b: cluster('https://b') + user + context('x') + current('y') },
    'a:b',
    'x https://a team'
  ],
  ['files that are empty or not there, beside one', { a: '', b: whole }, 'a:missing:b', 'x https://a team'],
  ['none of the files is there', {}, 'a:b', 'There is no kubeconfig ‘a:b’. Correct KUBECONFIG.'],
  [
    'a cluster, and no context',
    { a: cluster('https://a') },
    'a',
    'The kubeconfig ‘a’ has no context, which would say which cluster and who you are there. Name another in KUBECONFIG; `kubectl config view` shows yours.'
  ],
  [
    'contexts, and none of them current',
    { a: cluster('https://a') + user + context('x') },
    'a',
    'The kubeconfig names no current context. Choose one with --context: it has ‘x’.'
  ],
  [
    'a current context that is not there',
    { a: cluster('https://a') + user + context('x') + current('xx') },
    'a',
    'The kubeconfig has no context ‘xx’. Did you mean ‘x’?'
  ],
  [
    'one that is not YAML, beside one that is',
    { a: whole, b: 'a: [1\n b: }' },
    'a:b',
    'The kubeconfig ‘b’ can’t be read: missed comma between flow collection entries (2:3).'
  ]
])('%s', async (_, files, paths, expected) => {
  expect(await open(files, paths)).toBe(expected);
});

test.each([
  ['is not installed', undefined, 'is not installed. Install it, or use another context.'],
  ['says what is wrong', 'echo "You must log in: run foo." >&2; exit 1', 'failed: You must log in: run foo.'],
  ['says nothing', 'exit 1', 'failed, and says no reason. Run it by hand.'],
  ['prints something else', 'echo Hello', 'did not print what Kubernetes expects of it. Run it by hand.']
])('a program that logs one in and %s', async (_, script, expected) => {
  const program = join(folder, 'login');
  if (script !== undefined) {
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
  }
  const exec = `users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: '${program}', interactiveMode: Never}}}]\n`;
  writeFileSync(join(folder, 'config'), cluster('https://localhost:1') + exec + context('x') + current('x'));
  const opened = await openCluster({}, { KUBECONFIG: join(folder, 'config') });
  await expect(checkAnswer(opened)).rejects.toThrow(
    `The program ‘${program}’, which logs you in to the cluster, ${expected}`
  );
});
