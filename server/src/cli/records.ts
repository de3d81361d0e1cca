// The records that a command looks at. A command that only looks makes no folder: where nothing has run yet, it finds nothing.
import { existsSync } from 'node:fs';
import { findHome, openHome } from '../home.js';
import { Store } from '../store.js';
import type { Io } from './command.js';

/** @throws PipelineError `storage` */
export function openRecords({ env, cwd }: Io): Store {
  const home = findHome(env, cwd, cwd);
  return existsSync(home) ? new Store(openHome(home)) : new Store(home, ':memory:');
}
