// The parts of Argo's Workflow (v3.6) and of Kubernetes' pods that we write.
// https://argo-workflows.readthedocs.io/en/release-3.6/fields/

export interface Metadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

export type Volume = { readonly name: string } & Readonly<Record<string, unknown>>;

export interface Container {
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly EnvVar[];
  readonly resources?: object;
  readonly securityContext?: object;
  readonly volumeMounts?: readonly VolumeMount[];
}

export interface Template {
  readonly name: string;
  readonly metadata?: Metadata;
  readonly inputs?: object;
  readonly dag?: { readonly failFast: boolean; readonly target?: string; readonly tasks: readonly DagTask[] };
  readonly container?: Container;
  readonly resource?: object;
  readonly retryStrategy?: object;
  readonly activeDeadlineSeconds?: number;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly affinity?: object;
  readonly volumes?: readonly Volume[];
  readonly podSpecPatch?: string;
}

export interface DagTask {
  readonly name: string;
  readonly template: string;
  readonly depends?: string;
  readonly arguments?: object;
}

export interface Workflow {
  readonly apiVersion: 'argoproj.io/v1alpha1';
  readonly kind: 'Workflow';
  readonly metadata: Metadata & {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
  };
  readonly spec: {
    readonly entrypoint: string;
    readonly onExit?: string;
    readonly serviceAccountName?: string;
    readonly parallelism?: number;
    readonly arguments: { readonly parameters: readonly { readonly name: string; readonly value?: string }[] };
    readonly podMetadata: Metadata;
    readonly volumes?: readonly Volume[];
    readonly volumeClaimTemplates?: readonly object[];
    readonly templates: readonly Template[];
  };
}

/** Leaves out what is undefined or empty: a list or an object without entries says nothing in a manifest. */
export function compact<T extends object>(object: T): T {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([, value]) =>
        value !== undefined && (typeof value !== 'object' || value === null || Object.keys(value as object).length > 0)
    )
  ) as T;
}
