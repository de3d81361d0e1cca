// What a step asks of its pod stands in the IR's second document in KFP's words. This module says it in Kubernetes' words.
import type {
  KubernetesExecutorConfigJson as ExecutorConfig,
  NodeAffinityTermJson as NodeTerm,
  PodAffinityTermJson as PodTerm,
  SelectorRequirementJson as Requirement
} from '../ir/gen/kubernetes_executor_config_pb.js';
import type {
  PipelineDeploymentConfig_PipelineContainerSpec_ResourceSpecJson as ResourceSpec,
  TaskInputsSpec_InputParameterSpecJson as ParameterSpec
} from '../ir/gen/pipeline_spec_pb.js';
import { readOnlyAnnotation } from '../ir/platform.js';
import { compact, type Container, type EnvVar, type Template, type Volume, type VolumeMount } from './manifest.js';

export interface PodParts {
  readonly template: Pick<
    Template,
    'metadata' | 'activeDeadlineSeconds' | 'nodeSelector' | 'tolerations' | 'affinity' | 'volumes' | 'podSpecPatch'
  >;
  readonly container: Pick<Container, 'imagePullPolicy' | 'env' | 'securityContext' | 'volumeMounts'>;
}

/** `known` volumes are those that the whole workflow has. */
export function toPodParts(config: ExecutorConfig, known: readonly Volume[] = []): PodParts {
  const { volumes, mounts } = toMounts(config, known);
  const { podMetadata = {}, activeDeadlineSeconds } = config;
  const { labels = {}, annotations = {} } = podMetadata;
  const secrets = (config.imagePullSecret ?? []).map(({ secretName, secretNameParameter }) => ({
    name: textOf(secretNameParameter) ?? secretName ?? ''
  }));
  return {
    template: compact({
      metadata: { labels, annotations: omit(annotations, readOnlyAnnotation) },
      activeDeadlineSeconds: Number(activeDeadlineSeconds ?? 0) || undefined,
      nodeSelector: config.nodeSelector?.labels,
      tolerations: (config.tolerations ?? []).map(toToleration),
      affinity: toAffinity(config),
      volumes,
      // the one part of a pod for which Argo's templates have no field
      podSpecPatch: secrets.length === 0 ? undefined : JSON.stringify({ imagePullSecrets: secrets })
    }),
    container: compact({
      imagePullPolicy: config.imagePullPolicy,
      env: toEnv(config),
      securityContext: toSecurityContext(config),
      volumeMounts: mounts
    })
  };
}

/** Requests and limits; the new texts win over the numbers that KFP before 2.14 reads. */
export function toResources(spec: ResourceSpec = {}): object {
  const { accelerator } = spec;
  const count = accelerator?.resourceCount ?? accelerator?.count;
  const vendor = accelerator?.resourceType ?? accelerator?.type;
  const gigabytes = (number: ResourceSpec['memoryLimit']): string | undefined =>
    number === undefined ? undefined : `${number}G`;
  const cores = (number: ResourceSpec['cpuLimit']): string | undefined => number?.toString();
  return compact({
    requests: compact({
      cpu: spec.resourceCpuRequest ?? cores(spec.cpuRequest),
      memory: spec.resourceMemoryRequest ?? gigabytes(spec.memoryRequest)
    }),
    limits: compact({
      cpu: spec.resourceCpuLimit ?? cores(spec.cpuLimit),
      memory: spec.resourceMemoryLimit ?? gigabytes(spec.memoryLimit),
      ...(vendor === undefined ? {} : { [vendor]: count })
    })
  });
}

function omit(record: Readonly<Record<string, string>>, key: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record).filter(([other]) => other !== key));
}

// A name in the platform's document is a constant, or a parameter of the pipeline.
function textOf(spec: ParameterSpec | undefined): string | undefined {
  const constant = spec?.runtimeValue?.constant;
  if (typeof constant === 'string') return constant;
  return spec?.componentInputParameter === undefined
    ? undefined
    : `{{workflow.parameters.${spec.componentInputParameter}}}`;
}

function toEnv({ secretAsEnv, configMapAsEnv, fieldPathAsEnv }: ExecutorConfig): readonly EnvVar[] {
  return [
    ...(secretAsEnv ?? []).flatMap(({ secretName, secretNameParameter, keyToEnv, optional }) =>
      (keyToEnv ?? []).map(({ secretKey, envVar = '' }) => ({
        name: envVar,
        valueFrom: {
          secretKeyRef: {
            name: textOf(secretNameParameter) ?? secretName,
            key: secretKey,
            ...(optional ? { optional } : {})
          }
        }
      }))
    ),
    ...(configMapAsEnv ?? []).flatMap(({ configMapName, configMapNameParameter, keyToEnv, optional }) =>
      (keyToEnv ?? []).map(({ configMapKey, envVar = '' }) => ({
        name: envVar,
        valueFrom: {
          configMapKeyRef: {
            name: textOf(configMapNameParameter) ?? configMapName,
            key: configMapKey,
            ...(optional ? { optional } : {})
          }
        }
      }))
    ),
    ...(fieldPathAsEnv ?? []).map(({ name = '', fieldPath }) => ({ name, valueFrom: { fieldRef: { fieldPath } } }))
  ];
}

type Found = readonly [kind: string, source: object, mount: Omit<VolumeMount, 'name'>];

interface Mounts {
  readonly volumes: readonly Volume[];
  readonly mounts: readonly VolumeMount[];
}

// A claim that two volumes of a pod name is never mounted: https://github.com/kubernetes/kubernetes/issues/26726
function toMounts(config: ExecutorConfig, known: readonly Volume[]): Mounts {
  const volumes: Volume[] = [];
  const mounts = findMounts(config).map(([kind, source, mount], i) => {
    const same = kind === 'empty' ? undefined : [...known, ...volumes].find(volume => isSame(volume, source));
    const name = same?.name ?? `${kind}-${i + 1}`;
    if (same === undefined) volumes.push({ name, ...source });
    return { name, ...mount };
  });
  return { volumes, mounts };
}

function isSame(volume: Volume, source: object): boolean {
  return Object.entries(source).every(([key, value]) => JSON.stringify(volume[key]) === JSON.stringify(value));
}

function findMounts(config: ExecutorConfig): readonly Found[] {
  const readOnly = findReadOnly(config);
  const { pvcMount = [], secretAsVolume = [], configMapAsVolume = [], emptyDirMounts = [] } = config;
  const { enabledSharedMemory, genericEphemeralVolume = [] } = config;
  return [
    ...pvcMount.map((claim): Found => {
      const { mountPath = '', subPath } = claim;
      const isReadOnly = readOnly.includes(mountPath);
      return [
        'claim',
        { persistentVolumeClaim: { claimName: toClaimName(claim) } },
        { mountPath, ...(subPath ? { subPath } : {}), ...(isReadOnly ? { readOnly: true } : {}) }
      ];
    }),
    ...secretAsVolume.map(({ secretName, secretNameParameter, mountPath = '', optional }): Found => {
      const name = textOf(secretNameParameter) ?? secretName;
      return ['secret', { secret: { secretName: name, ...(optional ? { optional } : {}) } }, { mountPath }];
    }),
    ...configMapAsVolume.map(({ configMapName, configMapNameParameter, mountPath = '', optional }): Found => {
      const name = textOf(configMapNameParameter) ?? configMapName;
      return ['config', { configMap: { name, ...(optional ? { optional } : {}) } }, { mountPath }];
    }),
    ...emptyDirMounts.map(({ mountPath = '', medium, sizeLimit }): Found => {
      return ['empty', { emptyDir: compact({ medium: medium || undefined, sizeLimit }) }, { mountPath }];
    }),
    ...(enabledSharedMemory === undefined ? [] : [toSharedMemory(enabledSharedMemory)]),
    ...genericEphemeralVolume.map((volume): Found => [
      'ephemeral',
      toEphemeral(volume),
      { mountPath: volume.mountPath ?? '' }
    ])
  ];
}

/** The claims whose volumes the step has; all of them, or those that it may write to. */
export function mountedClaims(
  config: ExecutorConfig,
  { areWritten = false }: { readonly areWritten?: boolean } = {}
): ReadonlySet<string | undefined> {
  const readOnly = findReadOnly(config);
  const mounts = (config.pvcMount ?? []).filter(({ mountPath = '' }) => !areWritten || !readOnly.includes(mountPath));
  return new Set(mounts.map(toClaimName));
}

function findReadOnly({ podMetadata }: ExecutorConfig): readonly string[] {
  return (podMetadata?.annotations?.[readOnlyAnnotation] ?? '').split(',');
}

function toClaimName(claim: NonNullable<ExecutorConfig['pvcMount']>[number]): string | undefined {
  const { constant, pvcNameParameter, componentInputParameter } = claim;
  return (
    textOf(pvcNameParameter) ??
    constant ??
    (componentInputParameter === undefined ? undefined : textOf({ componentInputParameter }))
  );
}

function toSharedMemory({ size }: NonNullable<ExecutorConfig['enabledSharedMemory']>): Found {
  return [
    'memory',
    { emptyDir: compact({ medium: 'Memory', sizeLimit: size || undefined }) },
    { mountPath: '/dev/shm' }
  ];
}

function toEphemeral(volume: NonNullable<ExecutorConfig['genericEphemeralVolume']>[number]): object {
  const { accessModes, size, defaultStorageClass, storageClassName, metadata } = volume;
  return {
    ephemeral: {
      volumeClaimTemplate: compact({
        metadata,
        spec: compact({
          accessModes,
          storageClassName: defaultStorageClass ? undefined : storageClassName,
          resources: { requests: { storage: size } }
        })
      })
    }
  };
}

function toToleration(toleration: NonNullable<ExecutorConfig['tolerations']>[number]): object {
  const { key, operator, value, effect, tolerationSeconds } = toleration;
  return {
    ...compact({ key, operator, value, effect }),
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds: Number(tolerationSeconds) })
  };
}

function toSecurityContext({ securityContext }: ExecutorConfig): object {
  const { runAsUser, runAsGroup, runAsNonRoot } = securityContext ?? {};
  const id = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  return compact({ runAsUser: id(runAsUser), runAsGroup: id(runAsGroup), runAsNonRoot });
}

function toAffinity({ nodeAffinity = [], podAffinity = [] }: ExecutorConfig): object {
  const nodes = nodeAffinity.map(term => ({ weight: term.weight, term: toNodeTerm(term) }));
  const required = nodes.filter(({ weight }) => weight === undefined).map(({ term }) => term);
  return compact({
    nodeAffinity: compact({
      requiredDuringSchedulingIgnoredDuringExecution:
        required.length === 0 ? undefined : { nodeSelectorTerms: required },
      preferredDuringSchedulingIgnoredDuringExecution: nodes
        .filter(({ weight }) => weight !== undefined)
        .map(({ weight, term }) => ({ weight, preference: term }))
    }),
    podAffinity: toPodAffinity(podAffinity.filter(({ anti }) => !anti)),
    podAntiAffinity: toPodAffinity(podAffinity.filter(({ anti }) => anti))
  });
}

function toPodAffinity(terms: readonly PodTerm[]): object {
  return compact({
    requiredDuringSchedulingIgnoredDuringExecution: terms.filter(({ weight }) => weight === undefined).map(toPodTerm),
    preferredDuringSchedulingIgnoredDuringExecution: terms
      .filter(({ weight }) => weight !== undefined)
      .map(term => ({ weight: term.weight, podAffinityTerm: toPodTerm(term) }))
  });
}

function toNodeTerm({ matchExpressions = [], matchFields = [] }: NodeTerm): object {
  return compact({
    matchExpressions: matchExpressions.map(toRequirement),
    matchFields: matchFields.map(toRequirement)
  });
}

function toPodTerm(term: PodTerm): object {
  return compact({
    labelSelector: toSelector(term.matchPodLabels, term.matchPodExpressions),
    topologyKey: term.topologyKey,
    namespaces: term.namespaces,
    namespaceSelector: toSelector(term.matchNamespaceLabels, term.matchNamespaceExpressions)
  });
}

function toSelector(labels: PodTerm['matchPodLabels'], expressions: readonly Requirement[] = []): object {
  return compact({ matchLabels: labels, matchExpressions: expressions.map(toRequirement) });
}

function toRequirement({ key, operator, values }: Requirement): object {
  return compact({ key, operator, values });
}
