// A step's settings: as written in the notebook's metadata (StepSpec, all optional), and complete (StepSettings). Defaults are in `toStepSettings` and nowhere else.
import { describeType, isRecord } from './json.js';
import { didYouMean } from './suggest.js';

/** As written under `metadata.sluice.defaults` or `metadata.sluice.steps.NAME`. Quantities are Kubernetes': `500m`, `4Gi`. */
export interface StepSpec {
  readonly image?: string;
  readonly cpu?: string;
  readonly cpu_limit?: string;
  readonly memory?: string;
  readonly memory_limit?: string;
  readonly gpu?: number;
  readonly gpu_vendor?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: readonly unknown[];
  readonly volumes?: readonly unknown[];
  readonly tolerations?: readonly unknown[];
  readonly node_selector?: Readonly<Record<string, string>>;
  readonly affinity?: unknown;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly shared_memory?: string;
  readonly retries?: number;
  /** seconds before the first retry; 0 by default */
  readonly retry_delay?: number;
  /** each wait is so many times the one before; 2 by default */
  readonly retry_factor?: number;
  /** seconds that no wait exceeds; an hour by default */
  readonly retry_delay_max?: number;
  /** seconds */
  readonly timeout?: number;
  readonly cache?: boolean;
}

/** An environment variable whose value is one key of a Kubernetes secret. */
export interface SecretVariable {
  readonly name: string;
  readonly key: string;
  readonly env: string;
}

export interface StepSettings {
  readonly image?: string;
  readonly cpu?: string;
  readonly cpuLimit?: string;
  readonly memory?: string;
  readonly memoryLimit?: string;
  readonly gpu: number;
  readonly gpuVendor: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets?: readonly SecretVariable[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly retries: number;
  readonly backoff: Backoff;
  readonly timeoutSeconds?: number;
  readonly cache: boolean;
}

/** How long a failed step waits before it is tried again. */
export interface Backoff {
  /** before the first retry */
  readonly delaySeconds: number;
  /** each wait is so many times the one before */
  readonly factor: number;
  readonly longestSeconds: number;
}

/** A step's settings from the pipeline's defaults and its own. All defaults of Sluice are here. */
export function toStepSettings(defaults: StepSpec, spec: StepSpec): StepSettings {
  const { image, cpu, cpu_limit, memory, memory_limit, gpu, gpu_vendor, retries, timeout, cache, ...rest } = mergeSpecs(
    defaults,
    spec
  );
  return {
    ...(image ? { image } : {}),
    ...(cpu ? { cpu } : {}),
    ...(cpu_limit ? { cpuLimit: cpu_limit } : {}),
    ...(memory ? { memory } : {}),
    ...(memory_limit ? { memoryLimit: memory_limit } : {}),
    gpu: gpu ?? 0,
    gpuVendor: gpu_vendor ?? 'nvidia.com/gpu',
    env: rest.env ?? {},
    secrets: (rest.secrets ?? []).filter(isSecret),
    labels: rest.labels ?? {},
    annotations: rest.annotations ?? {},
    nodeSelector: rest.node_selector ?? {},
    retries: retries ?? 0,
    backoff: {
      delaySeconds: rest.retry_delay ?? 0,
      factor: rest.retry_factor ?? 2,
      longestSeconds: rest.retry_delay_max ?? 3600
    },
    ...(timeout !== undefined && timeout > 0 ? { timeoutSeconds: timeout } : {}),
    cache: cache ?? true
  };
}

/** Later specs win; maps (env, labels, …) are joined key by key, lists one after the other. */
export function mergeSpecs(...specs: readonly StepSpec[]): StepSpec {
  const merged: Record<string, unknown> = {};
  for (const spec of specs)
    for (const [key, value] of Object.entries(spec)) {
      const before = merged[key];
      if (Array.isArray(before) && Array.isArray(value)) merged[key] = [...before, ...value];
      else if (isRecord(before) && isRecord(value)) merged[key] = { ...before, ...value };
      else if (value !== undefined) merged[key] = value;
    }
  return merged;
}

export interface SpecReading {
  readonly spec: StepSpec;
  /** one sentence for each entry that was left out */
  readonly problems: readonly string[];
}

/** Check settings as they stand in metadata. `where` begins the sentences: `The settings of step ‘train’`. */
export function readStepSpec(json: unknown, where: string): SpecReading {
  if (json === undefined) return { spec: {}, problems: [] };
  if (!isRecord(json))
    return { spec: {}, problems: [`${where} are ${describeType(json)} instead of an object; they are ignored.`] };
  const problems: string[] = [];
  const entries = Object.entries(json).filter(([key, value]) => {
    const kind = kinds[key as keyof StepSpec];
    if (kind === undefined)
      problems.push(`${where} have ‘${key}’, which is none.${didYouMean(key, Object.keys(kinds))}`);
    else if (!kind.accepts(value))
      problems.push(`${where} have ${describeType(value)} as ‘${key}’; it must be ${kind.name}.`);
    else return true;
    return false;
  });
  return { spec: Object.fromEntries(entries), problems };
}

interface Kind {
  readonly name: string;
  accepts(value: unknown): boolean;
}

const text: Kind = { name: 'a text', accepts: value => typeof value === 'string' };
// Kubernetes' quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const quantity: Kind = {
  name: 'a quantity such as ‘500m’ or ‘4Gi’',
  accepts: value => typeof value === 'string' && /^\d+(\.\d*)?([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.test(value)
};
const count: Kind = {
  name: 'a whole number, 0 or more',
  accepts: value => Number.isInteger(value) && (value as number) >= 0
};
const yesOrNo: Kind = { name: 'true or false', accepts: value => typeof value === 'boolean' };
const texts: Kind = {
  name: 'an object with texts as values',
  accepts: value => isRecord(value) && Object.values(value).every(item => typeof item === 'string')
};
const list: Kind = { name: 'a list', accepts: Array.isArray };
const anything: Kind = { name: 'anything', accepts: () => true };

const kinds: { readonly [key in keyof Required<StepSpec>]: Kind } = {
  image: text,
  cpu: quantity,
  cpu_limit: quantity,
  memory: quantity,
  memory_limit: quantity,
  gpu: count,
  gpu_vendor: text,
  env: texts,
  secrets: {
    name: 'a list of objects with ‘name’, ‘key’ and ‘env’',
    accepts: v => Array.isArray(v) && v.every(isSecret)
  },
  volumes: list,
  tolerations: list,
  node_selector: texts,
  affinity: anything,
  labels: texts,
  annotations: texts,
  shared_memory: quantity,
  retries: count,
  retry_delay: count,
  retry_factor: { name: 'a number, 1 or more', accepts: value => typeof value === 'number' && value >= 1 },
  retry_delay_max: count,
  timeout: count,
  cache: yesOrNo
};

function isSecret(value: unknown): value is SecretVariable {
  return isRecord(value) && [value.name, value.key, value.env].every(item => typeof item === 'string' && item !== '');
}
