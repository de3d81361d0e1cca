// How a run uses a cluster, where the user has a say: for one run on the command line or in the request, for a notebook in its metadata, for
// this machine in the environment, and for all notebooks of a folder in `.sluice/cluster.json`. The first that says something wins.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from '@sluice/core';
import { PipelineError } from '../errors.js';

export interface ClusterSettings {
  /** file, or files as in KUBECONFIG */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  /** of the steps' pods */
  readonly serviceAccount?: string;
  /** of the run's volume */
  readonly storageClass?: string;
  /** of the run's volume, as a Kubernetes quantity */
  readonly size?: string;
  readonly accessMode?: 'ReadWriteOnce' | 'ReadWriteOncePod' | 'ReadWriteMany';
  /** which runs' volumes stay: those of runs that did not succeed; and, unless it says otherwise, that of each notebook's last one that did */
  readonly keep?: 'always' | 'last' | 'failed' | 'never';
}

type Key = keyof ClusterSettings;

const variables: Readonly<Record<Key, string>> = {
  kubeconfig: 'KUBECONFIG',
  context: 'SLUICE_CONTEXT',
  namespace: 'SLUICE_NAMESPACE',
  serviceAccount: 'SLUICE_SERVICE_ACCOUNT',
  storageClass: 'SLUICE_STORAGE_CLASS',
  size: 'SLUICE_VOLUME_SIZE',
  accessMode: 'SLUICE_ACCESS_MODE',
  keep: 'SLUICE_KEEP_VOLUME'
};

const keys = Object.keys(variables) as Key[];

const checks: { readonly [key in Key]?: readonly [RegExp, string] } = {
  size: [/^\d+(\.\d+)?([kMGTPE]|[KMGTPE]i)?$/, 'a Kubernetes quantity such as ‘20Gi’'],
  accessMode: [/^ReadWrite(Once|OncePod|Many)$/, '‘ReadWriteOnce’, ‘ReadWriteOncePod’ or ‘ReadWriteMany’'],
  keep: [/^(always|last|failed|never)$/, '‘always’, ‘last’, ‘failed’ or ‘never’']
};

/** @throws PipelineError `usage` when a setting can't be read, or says what it can't say */
export function readClusterSettings(
  given: Readonly<Record<string, string | undefined>>,
  { env, home }: { readonly env: NodeJS.ProcessEnv; readonly home: string }
): ClusterSettings {
  const file = join(home, 'cluster.json');
  const kept = existsSync(file) ? readFile(file) : {};
  const found = keys.map((key): [Key, string] | undefined => {
    const [value, where] =
      given[key] !== undefined
        ? [given[key], key]
        : env[variables[key]]
          ? [env[variables[key]]!, variables[key]]
          : [kept[key], file];
    const [pattern, what] = checks[key] ?? [/./, 'a text'];
    if (value !== undefined && !pattern.test(value))
      throw new PipelineError(`‘${value}’ can’t be ‘${key}’ (${where}): it must be ${what}.`, 'usage');
    return value === undefined ? undefined : [key, value];
  });
  return Object.fromEntries(found.filter(entry => entry !== undefined));
}

function readFile(path: string): Readonly<Record<string, string>> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new PipelineError(`‘${path}’ is no JSON: ${(cause as Error).message}.`, 'usage', { cause });
  }
  for (const [key, value] of Object.entries(json as object)) {
    if (!(keys as string[]).includes(key))
      throw new PipelineError(`‘${path}’ has ‘${key}’, which is no setting.${didYouMean(key, keys)}`, 'usage');
    if (typeof value !== 'string') throw new PipelineError(`‘${key}’ in ‘${path}’ must be a text.`, 'usage');
  }
  return json as Readonly<Record<string, string>>;
}
