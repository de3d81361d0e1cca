// Where to look for runs on Argo that were started elsewhere: where the user has named a cluster, and where runs of the last weeks are. Nobody
// is asked whom a kubeconfig alone names.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readClusterSettings } from '../kubernetes/settings.js';
import type { EngineOptions, Place } from '../runners/engine.js';
import { isNamed } from '../runners/naming.js';

/** Argo removes a workflow that ended so long ago. */
export const keptSeconds = 14 * 24 * 3600;

type Options = Pick<EngineOptions, 'store' | 'env'>;

/** Whether there is any, found out without reading what the user wrote. */
export const hasPlaces = (options: Options): boolean => hasSettings(options) || listRecent(options).length > 0;

/**
 * Each a kubeconfig, a context and a namespace; what is missing is the current one, as it is for a run.
 * @throws PipelineError `usage` when the folder's settings can't be read
 */
export function findPlaces(options: Options): Place[] {
  const { store, env } = options;
  const named = hasSettings(options) ? [readClusterSettings({}, { env, home: store.home })] : [];
  return [...named, ...listRecent(options)].map(({ kubeconfig, context, namespace }) => ({
    ...(kubeconfig && { kubeconfig }),
    ...(context && { context }),
    ...(namespace && { namespace })
  }));
}

function hasSettings({ store, env }: Options): boolean {
  return isNamed(env, 'argo') || existsSync(join(store.home, 'cluster.json'));
}

type Recent = Readonly<Record<'kubeconfig' | 'context' | 'namespace', string | null>>;

function listRecent({ store }: Options): Recent[] {
  const of = (key: keyof Recent) => `json_extract(remote, '$.place.${key}') AS ${key}`;
  const columns = `${of('kubeconfig')}, ${of('context')}, ${of('namespace')}`;
  const since = Date.now() - keptSeconds * 1000;
  return store.sql.all(
    `SELECT DISTINCT ${columns} FROM runs WHERE runner = 'argo' AND created_at > ?`,
    since
  ) as unknown as Recent[];
}
