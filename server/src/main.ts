// The sidecar: Jupyter's extension starts it, and its standard input is its lease on life. At end-of-file it takes no more runs and ends
// with the last one, so that a run outlives Jupyter.
import { chmodSync, realpathSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { makeApp } from './app.js';
import { bundledInstall } from './install.js';
import { openHome } from './home.js';
import { Runners } from './runners/runners.js';
import { Service } from './service.js';
import { Store } from './store.js';
import { sweepTemporaryFolders } from './temporary.js';
import { join, resolve } from 'node:path';

async function main(): Promise<void> {
  // Jupyter may be gone; what we would tell it then concerns nobody
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const { values } = parseArgs({ options: { socket: { type: 'string' }, root: { type: 'string' } } });
  const secret = process.env.SLUICE_SECRET;
  if (values.socket === undefined || values.root === undefined || !secret)
    throw new Error('The sidecar is started by Jupyter’s extension, with --socket, --root and SLUICE_SECRET.');
  const root = realpathSync(values.root); // records know notebooks by their real paths
  const install = bundledInstall();
  const home = openHome(process.env.SLUICE_HOME ? resolve(process.env.SLUICE_HOME) : join(root, '.sluice'));
  sweepTemporaryFolders(home);
  const store = new Store(home);
  const runner = new Runners({ store, env: process.env, ...install });
  const service = new Service({ install, store, runner, root, env: process.env });
  const server = makeApp(service, { secret });
  rmSync(values.socket, { force: true });
  await new Promise<void>((listening, failed) => server.once('error', failed).listen(values.socket, listening));
  chmodSync(values.socket, 0o600);
  process.stdout.write('{"ready":true}\n');
  runner.keepFollowing();

  const end = (status: number) => {
    rmSync(values.socket!, { force: true });
    store.close();
    process.exit(status);
  };
  process.stdin.resume().once('end', drain).once('error', drain);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(signal, () => {
      runner.abandon(`Canceled, as Sluice’s server was ended by ${signal}.`);
      end(0);
    });

  function drain(): void {
    service.close();
    void runner.idle().then(() => end(0));
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
