// A step's settings: as written in the notebook's metadata (StepSpec, all optional), and complete (StepSettings). Defaults are in `toStepSettings` and nowhere else.
import type { JsonRecord } from './json.js';
import { describeType, isRecord } from './json.js';
import * as kind from './kinds.js';
import type { Kind } from './kinds.js';
import { didYouMean } from './suggest.js';
import type { SnapshotPolicy } from './volumeSnapshots.js';

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
  readonly secrets?: readonly (SecretVariable | SecretFolder)[];
  readonly volumes?: readonly VolumeSpec[];
  readonly tolerations?: readonly Toleration[];
  readonly node_selector?: Readonly<Record<string, string>>;
  /** Kubernetes' own object */
  readonly affinity?: JsonRecord;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** size of /dev/shm */
  readonly shared_memory?: string;
  readonly image_pull_policy?: string;
  /** names of secrets */
  readonly image_pull_secrets?: readonly string[];
  readonly security_context?: SecurityContext;
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
  /** true where the step runs at the end, however the others ended */
  readonly at_end?: boolean;
}

/** An environment variable whose value is one key of a Kubernetes secret. */
export interface SecretVariable {
  readonly name: string;
  readonly key: string;
  readonly env: string;
  /** true where the step starts without it, too */
  readonly optional?: boolean;
}

/** A folder with a file for each key of a Kubernetes secret. */
export interface SecretFolder {
  readonly name: string;
  readonly path: string;
  readonly optional?: boolean;
}

/** A claim's volume, or one folder of it, in the step's pod; in Elyra's words. */
export interface VolumeSpec {
  readonly pvc_name: string;
  readonly path: string;
  readonly sub_path?: string;
  readonly read_only?: boolean;
  /** when a run on a cluster takes snapshots of it; never where nothing is said */
  readonly snapshot?: SnapshotPolicy;
}

/** In Kubernetes' words. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

/** What KFP can say of Kubernetes' security context. */
export interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
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
  readonly secretVariables: readonly SecretVariable[];
  readonly secretFolders: readonly SecretFolder[];
  readonly volumes: readonly VolumeSpec[];
  readonly tolerations: readonly Toleration[];
  readonly affinity?: JsonRecord;
  readonly sharedMemory?: string;
  readonly pullPolicy?: string;
  readonly pullSecrets: readonly string[];
  readonly securityContext?: SecurityContext;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly retries: number;
  readonly backoff: Backoff;
  readonly timeoutSeconds?: number;
  readonly cache: boolean;
  /** true where it runs when all others have ended, however they did */
  readonly atEnd: boolean;
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
  const { secrets = [] } = rest;
  return {
    ...(image ? { image } : {}),
    ...(cpu ? { cpu } : {}),
    ...(cpu_limit ? { cpuLimit: cpu_limit } : {}),
    ...(memory ? { memory } : {}),
    ...(memory_limit ? { memoryLimit: memory_limit } : {}),
    gpu: gpu ?? 0,
    gpuVendor: gpu_vendor ?? 'nvidia.com/gpu',
    env: rest.env ?? {},
    secretVariables: secrets.filter(secret => 'key' in secret),
    secretFolders: secrets.filter(secret => 'path' in secret),
    volumes: byPath(rest.volumes ?? []),
    tolerations: rest.tolerations ?? [],
    ...(rest.affinity ? { affinity: rest.affinity } : {}),
    ...(rest.shared_memory ? { sharedMemory: rest.shared_memory } : {}),
    ...(rest.image_pull_policy ? { pullPolicy: rest.image_pull_policy } : {}),
    pullSecrets: [...new Set(rest.image_pull_secrets)],
    ...(rest.security_context ? { securityContext: rest.security_context } : {}),
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
    cache: cache ?? true,
    atEnd: rest.at_end ?? false
  };
}

// A step's own volume takes the place of one that all steps have.
function byPath(volumes: readonly VolumeSpec[]): readonly VolumeSpec[] {
  return [...new Map(volumes.map(volume => [volume.path, volume])).values()];
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
    const fault = kinds[key as keyof StepSpec]?.check(value);
    if (!Object.hasOwn(kinds, key))
      problems.push(`${where} have ‘${key}’, which is none.${didYouMean(key, Object.keys(kinds))}`);
    else if (fault !== undefined) problems.push(`${where} ${fault.says(`${key}${fault.path}`)}`);
    else return true;
    return false;
  });
  return { spec: Object.fromEntries(entries), problems };
}

const kinds: { readonly [key in keyof Required<StepSpec>]: Kind } = {
  image: kind.image,
  cpu: kind.quantity,
  cpu_limit: kind.quantity,
  memory: kind.quantity,
  memory_limit: kind.quantity,
  gpu: kind.count,
  gpu_vendor: kind.accelerator,
  env: kind.env,
  secrets: kind.secrets,
  volumes: kind.volumes,
  tolerations: kind.tolerations,
  node_selector: kind.labels,
  affinity: kind.affinity,
  labels: kind.labels,
  annotations: kind.annotations,
  shared_memory: kind.quantity,
  image_pull_policy: kind.pullPolicy,
  image_pull_secrets: kind.pullSecrets,
  security_context: kind.securityContext,
  retries: kind.count,
  retry_delay: kind.count,
  retry_factor: kind.factor,
  retry_delay_max: kind.count,
  timeout: kind.count,
  cache: kind.yesOrNo,
  at_end: kind.yesOrNo
};
