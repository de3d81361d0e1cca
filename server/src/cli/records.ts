// The records that a command looks at. A command that only looks makes no folder: where nothing has run yet, it finds
// nothing, unless the user names a cluster where it looks for runs as well.
import { existsSync } from 'node:fs';
import { findHome, openHome } from '../home.js';
import { isNamed } from '../runners/naming.js';
import { Store } from '../store.js';
import type { Io } from './command.js';

/** `findsRuns`: runs that were started elsewhere get a record here. @throws PipelineError `storage` */
export function openRecords({ env, cwd }: Io, { findsRuns = false } = {}): Store {
  const home = findHome(env, cwd, cwd);
  const isMade = existsSync(home) || (findsRuns && (isNamed(env, 'argo') || isNamed(env, 'kubeflow')));
  return isMade ? new Store(openHome(home)) : new Store(home, ':memory:');
}
