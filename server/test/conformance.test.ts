// What every runner does alike, on this machine and on a server of Kubeflow's own description.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conform, stories } from './conformance';
import { KfpServer } from './kfp/server';
import { env, World } from './world';

jest.setTimeout(90_000);

let world: World;
let server: KfpServer;
let url: string;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kfp-'));
  server = new KfpServer({ folder, python: env.SLUICE_PYTHON!, env: { PATH: env.PATH, LANG: 'C.UTF-8' } });
  url = await server.listen();
});
afterAll(async () => {
  await server.close();
  rmSync(server.backend.folder, { recursive: true, force: true });
});
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

const runners: readonly (readonly [name: string, args: () => readonly string[]])[] = [
  ['this machine', () => []],
  ['Kubeflow', () => ['--runner', 'kubeflow', '--url', url, '--no-cache']]
];

describe.each(runners)('%s', (_, args) => {
  test.each(stories)('%s', (_, list) => conform(world, list, { args: args() }));
});
