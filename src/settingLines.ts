// Secrets, volumes and tolerations as one types them, one a line, in the words of docker and kubectl: `DB_PASSWORD=db/password`, `data/raw:/data:ro`,
// `gpu=yes:NoSchedule`. What has no such form stands as the JSON that it is, so that nothing is lost where others are typed.
import type { PartialJSONObject } from '@lumino/coreutils';
import type { SecretFolder, SecretVariable, Toleration, VolumeSpec } from '@sluice/core';

export type LinesKey = 'secrets' | 'volumes' | 'tolerations';

interface Form {
  /** undefined where the line is none of it */
  readonly read: (line: string) => PartialJSONObject | undefined;
  readonly write: (entry: object) => string;
}

export const lineForms: Readonly<Record<LinesKey, Form>> = {
  secrets: { read: readSecret, write: entry => writeSecret(entry as SecretVariable | SecretFolder) },
  volumes: { read: readVolume, write: entry => writeVolume(entry as VolumeSpec) },
  tolerations: { read: readToleration, write: entry => writeToleration(entry as Toleration) }
};

/** @throws the first line that is neither of the form nor a JSON object, as the message */
export function readLines(key: LinesKey, text: string): PartialJSONObject[] {
  const lines = text.split('\n').map(line => line.trim());
  return lines
    .filter(line => line !== '')
    .map(line => {
      const entry = line.startsWith('{') ? readJson(line) : lineForms[key].read(line);
      if (entry === undefined) throw new Error(line);
      return entry;
    });
}

export function writeLines(key: LinesKey, entries: readonly unknown[]): string {
  return entries.map(entry => writeLine(key, entry)).join('\n');
}

function writeLine(key: LinesKey, entry: unknown): string {
  if (typeof entry !== 'object' || entry === null) return JSON.stringify(entry);
  const { read, write } = lineForms[key];
  const line = write(entry);
  return isSame(read(line), entry) ? line : JSON.stringify(entry);
}

// `VARIABLE=secret/key`, `/folder=secret`, either with ` optional`
function readSecret(line: string): PartialJSONObject | undefined {
  const match = /^(?:(\/\S*)=([^\s/=]+)|([^\s/=]+)=([^\s/=]+)\/(\S+))( optional)?$/.exec(line);
  if (!match) return undefined;
  const [, path, folder, env, name, key, optional] = match;
  const secret = path === undefined ? { name: name!, key: key!, env: env! } : { name: folder!, path };
  return { ...secret, ...(optional === undefined ? {} : { optional: true }) };
}

function writeSecret(secret: SecretVariable | SecretFolder): string {
  const text = 'env' in secret ? `${secret.env}=${secret.name}/${secret.key}` : `${secret.path}=${secret.name}`;
  return secret.optional === true ? `${text} optional` : text;
}

// `claim:/path`, `claim/sub/path:/path:ro`, either with a policy of snapshots
function readVolume(line: string): PartialJSONObject | undefined {
  const match = /^([^\s/:]+)(?:\/([^\s:]+))?:(\/[^\s:]*)(:ro)?(?: (off|start|each-step))?$/.exec(line);
  if (!match) return undefined;
  const [, claim, sub, path, readOnly, snapshot] = match;
  return {
    ...{ pvc_name: claim!, path: path! },
    ...(sub === undefined ? {} : { sub_path: sub }),
    ...(readOnly === undefined ? {} : { read_only: true }),
    ...(snapshot === undefined ? {} : { snapshot })
  };
}

function writeVolume({ pvc_name, path, sub_path, read_only, snapshot }: VolumeSpec): string {
  const folder = sub_path === undefined ? '' : `/${sub_path}`;
  return `${pvc_name}${folder}:${path}${read_only === true ? ':ro' : ''}${snapshot === undefined ? '' : ` ${snapshot}`}`;
}

// As kubectl writes taints, `key=value:Effect`; without a value any is tolerated, without an effect each; `*` is every taint. ` 60s`: so long.
function readToleration(line: string): PartialJSONObject | undefined {
  const match = /^(?:\*|([^\s=:*]+)(?:=([^\s=:]*))?)(?::(NoSchedule|PreferNoSchedule|NoExecute))?(?: (\d+)s)?$/.exec(
    line
  );
  if (!match) return undefined;
  const [, key, value, effect, seconds] = match;
  return {
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? { operator: 'Exists' } : { operator: 'Equal', value }),
    ...(effect === undefined ? {} : { effect }),
    ...(seconds === undefined ? {} : { tolerationSeconds: Number(seconds) })
  };
}

function writeToleration({ key, value, effect, tolerationSeconds }: Toleration): string {
  const taint = `${key ?? '*'}${value === undefined ? '' : `=${value}`}${effect === undefined ? '' : `:${effect}`}`;
  return tolerationSeconds === undefined ? taint : `${taint} ${tolerationSeconds}s`;
}

function readJson(line: string): PartialJSONObject | undefined {
  try {
    return JSON.parse(line) as PartialJSONObject;
  } catch {
    return undefined;
  }
}

// Kubernetes takes a toleration without an operator as one with `Equal`.
function isSame(a: object | undefined, b: object): boolean {
  const sorted = (entry: object): string =>
    JSON.stringify(
      Object.entries(entry)
        .filter(([key, value]) => key !== 'operator' || value !== 'Equal')
        .sort()
    );
  return a !== undefined && sorted(a) === sorted(b);
}
