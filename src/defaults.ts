// The settings that all steps of a pipeline share, as far as they can come from the running notebook server: variables, secrets and volumes.
import type { SecretFolder, SecretVariable, StepSpec, Surroundings, VolumeSpec } from '@sluice/core';

/** One thing that steps are given. `key` tells it from the others. */
export type Given =
  | { readonly kind: 'env'; readonly key: string; readonly name: string; readonly value: string }
  | { readonly kind: 'secret'; readonly key: string; readonly secret: SecretVariable | SecretFolder }
  /** a secret variable of which nobody has said yet in which Kubernetes secret it is */
  | { readonly kind: 'unplaced'; readonly key: string; readonly env: string }
  | { readonly kind: 'volume'; readonly key: string; readonly volume: VolumeSpec };

export function givenBy({
  env,
  secrets = [],
  volumes = []
}: Pick<StepSpec, 'env' | 'secrets' | 'volumes'>): readonly Given[] {
  return [
    ...Object.entries(env ?? {}).map(([name, value]) => ({ kind: 'env' as const, key: `env ${name}`, name, value })),
    ...secrets.map(ofSecret),
    ...volumes.map(ofVolume)
  ];
}

/** What the server has and the pipeline has not, in the order of `givenBy`. */
export function offeredBy(server: Surroundings, defaults: StepSpec): readonly Given[] {
  const has = new Set(givenBy(defaults).map(({ key }) => key));
  const offered: readonly Given[] = [
    ...server.env.map(({ name, value }) => ({ kind: 'env' as const, key: `env ${name}`, name, value })),
    ...server.secrets.map(({ env, name, key }) =>
      name === undefined || key === undefined
        ? { kind: 'unplaced' as const, key: `env ${env}`, env }
        : ofSecret({ name, key, env })
    ),
    ...server.secretFolders.map(ofSecret),
    ...server.volumes.map(ofVolume)
  ];
  return offered.filter(({ key }) => !has.has(key));
}

/** `secretName`: the Kubernetes secret that has, or will have, the unplaced ones under their own names. */
export function withGiven(defaults: StepSpec, chosen: readonly Given[], secretName: string): StepSpec {
  const env = chosen.flatMap(one => (one.kind === 'env' ? [[one.name, one.value] as const] : []));
  const secrets = chosen.flatMap(one =>
    one.kind === 'secret'
      ? [one.secret]
      : one.kind === 'unplaced'
        ? [{ name: secretName, key: one.env, env: one.env }]
        : []
  );
  const volumes = chosen.flatMap(one => (one.kind === 'volume' ? [one.volume] : []));
  return {
    ...defaults,
    ...(env.length === 0 ? {} : { env: { ...defaults.env, ...Object.fromEntries(env) } }),
    ...(secrets.length === 0 ? {} : { secrets: [...(defaults.secrets ?? []), ...secrets] }),
    ...(volumes.length === 0 ? {} : { volumes: [...(defaults.volumes ?? []), ...volumes] })
  };
}

export function withoutGiven(defaults: StepSpec, key: string): StepSpec {
  const { env, secrets, volumes, ...others } = defaults;
  const left = givenBy({ env, secrets, volumes }).filter(one => one.key !== key);
  return withGiven(others, left, '');
}

/** A name that Kubernetes takes, from the pipeline's. */
export function secretNameFor(pipeline: string): string {
  const stem = pipeline
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
  return `${stem || 'notebook'}-secrets`;
}

/** The command that makes the secret of the shell's own variables, in the namespace if one is named; no value is in it. */
export function commandFor(secretName: string, names: readonly string[], namespace?: string): string {
  const literals = names.map(name => `--from-literal=${name}="$${name}"`);
  const place = namespace === undefined ? [] : [`-n ${namespace}`];
  return ['kubectl create secret generic', secretName, ...place, ...literals].join(' ');
}

function ofSecret(secret: SecretVariable | SecretFolder): Given {
  return { kind: 'secret', key: 'env' in secret ? `env ${secret.env}` : `path ${secret.path}`, secret };
}

function ofVolume(volume: VolumeSpec): Given {
  return { kind: 'volume', key: `path ${volume.path}`, volume };
}
