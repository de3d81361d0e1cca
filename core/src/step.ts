// A step's settings: as written in the notebook's metadata (StepSpec, all optional), and complete (StepSettings). Defaults are in `toStepSettings` and nowhere else.

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
  /** seconds */
  readonly timeout?: number;
  readonly cache?: boolean;
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
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly retries: number;
  readonly timeoutSeconds?: number;
  readonly cache: boolean;
}
