// Which cluster a command means, and how it is used: its options first, then what a run there would go by.
import { findHome } from '../home.js';
import { readClusterSettings, type ClusterSettings } from '../kubernetes/settings.js';
import type { Io } from './command.js';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** @throws PipelineError `usage` when a setting can't be read */
export function clusterSettingsOf(values: Values, { env, cwd }: Io): ClusterSettings {
  const text = (key: string) => (typeof values[key] === 'string' ? values[key] : undefined);
  const given = {
    ...{ kubeconfig: text('kubeconfig'), context: text('context'), namespace: text('namespace') },
    serviceAccount: text('service-account')
  };
  return readClusterSettings(given, { env, home: findHome(env, cwd, cwd) });
}
