// By which labels everything that Sluice makes in a cluster is found again, and told from what others made.
import { managedBy, toLabelValue, toObjectName, type SnapshotRecord } from '@sluice/core';
import { PipelineError } from '../errors.js';

export const label = {
  run: 'sluice.dev/run',
  step: 'sluice.dev/step',
  notebook: 'sluice.dev/notebook',
  moment: 'sluice.dev/moment'
} as const;

/** What a volume or snapshot belongs to. */
export interface Belonging {
  readonly run?: string;
  readonly step?: string;
  /** hash of the notebook */
  readonly notebook?: string;
  readonly moment?: SnapshotRecord['moment'];
}

type Labels = Readonly<Record<string, string>>;

/** Labels hold what can be selected by, annotations the same as it is written. */
export function toMetadata(belonging: Belonging): { readonly labels: Labels; readonly annotations: Labels } {
  const labels: Record<string, string> = { ...managedBy };
  const annotations: Record<string, string> = {};
  for (const [key, value] of entriesOf(belonging)) {
    labels[label[key]] = toLabelValue(value);
    if (labels[label[key]] !== value) annotations[label[key]] = value;
  }
  return { labels, annotations };
}

export function toBelonging(metadata: { readonly labels?: Labels; readonly annotations?: Labels } = {}): Belonging {
  const { labels = {}, annotations = {} } = metadata;
  const keys = Object.keys(label) as (keyof typeof label)[];
  const found = keys.map(key => [key, annotations[label[key]] ?? labels[label[key]]] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as Belonging;
}

/** Never selects what is not Sluice's. */
export function toSelector(belonging: Belonging = {}): string {
  const { labels } = toMetadata(belonging);
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/**
 * A name that a person gave to an object in the cluster.
 * @throws PipelineError `usage` with the reason why Kubernetes would not take it
 */
export function checkObjectName(name: string, what: string): string {
  // https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
  const [wrong] = /[^a-z0-9.-]/u.exec(name) ?? [];
  const reason =
    name.length > 253
      ? `has ${name.length} characters, and Kubernetes takes 253`
      : wrong !== undefined
        ? `has ‘${wrong}’, and Kubernetes takes lower case letters, digits, ‘-’ and ‘.’`
        : /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name)
          ? undefined
          : 'does not begin and end with a letter or digit';
  if (reason === undefined) return name;
  const possible = toObjectName(name);
  throw new PipelineError(`The name ‘${name}’ for a ${what} ${reason}. Try ‘${possible}’.`, 'usage');
}

function entriesOf(belonging: Belonging): (readonly [keyof Belonging, string])[] {
  return (Object.keys(label) as (keyof Belonging)[])
    .map(key => [key, belonging[key]] as const)
    .filter((entry): entry is readonly [keyof Belonging, string] => entry[1] !== undefined);
}
