// Where a user's programs keep what they could make again.
import { join } from 'node:path';

/** Sluice's folder there, which may be missing; undefined where nobody can say. */
export function findCaches({ HOME, XDG_CACHE_HOME }: NodeJS.ProcessEnv): string | undefined {
  const caches = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  return caches ? join(caches, 'sluice') : undefined;
}
