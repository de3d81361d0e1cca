// What only Kubernetes understands of a step's settings goes to the IR's second document. Where KFP renamed a field, the old one and its
// successor are both written, as KFP's SDK does.
import type { SecretVariable, StepSettings, VolumeSpec } from '../step.js';
import { toNodeTerms, toPodTerms } from './affinity.js';
import type {
  EmptyDirMountJson,
  KubernetesExecutorConfigJson,
  PvcMountJson,
  SecretAsEnvJson,
  SecurityContextJson,
  TolerationJson
} from './gen/kubernetes_executor_config_pb.js';
import type { TaskInputsSpec_InputParameterSpecJson as ParameterSpec } from './gen/pipeline_spec_pb.js';

/** KFP mounts claims for writing only; which of a step's mounts are meant for reading stands here, for engines that can. */
export const readOnlyAnnotation = 'sluice.dev/read-only';

/** Undefined where the step asks for nothing of it. */
export function toExecutorConfig(settings: StepSettings): KubernetesExecutorConfigJson | undefined {
  const { secretFolders, secretVariables, volumes, nodeSelector, tolerations, affinity = {} } = settings;
  const { sharedMemory, pullPolicy, pullSecrets, securityContext, timeoutSeconds } = settings;
  const config = unlessEmpty({
    secretAsVolume: secretFolders.map(({ name, path, optional }) => ({
      secretName: name,
      mountPath: path,
      optional: optional ?? false,
      secretNameParameter: constant(name)
    })),
    secretAsEnv: toSecrets(secretVariables),
    pvcMount: volumes.map(toPvcMount),
    nodeSelector: unlessEmpty({ labels: { ...nodeSelector } }),
    podMetadata: toPodMetadata(settings),
    imagePullSecret: pullSecrets.map(name => ({ secretName: name, secretNameParameter: constant(name) })),
    ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }),
    ...(timeoutSeconds === undefined ? {} : { activeDeadlineSeconds: String(Math.ceil(timeoutSeconds)) }),
    tolerations: tolerations.map(toToleration),
    nodeAffinity: [...toNodeTerms(affinity)],
    podAffinity: [...toPodTerms(affinity)],
    // KFP has a field for it as well, which its driver does not read
    emptyDirMounts: sharedMemory === undefined ? [] : [toSharedMemory(sharedMemory)],
    securityContext: toSecurityContext(securityContext)
  });
  return Object.keys(config).length === 0 ? undefined : config;
}

function unlessEmpty<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => typeof value !== 'object' || Object.keys(value as object).length > 0)
  ) as Partial<T>;
}

function constant(name: string): ParameterSpec {
  return { runtimeValue: { constant: name } };
}

function toPodMetadata({ labels, annotations, volumes }: StepSettings): object {
  const readOnly = volumes.filter(volume => volume.read_only).map(({ path }) => path);
  return unlessEmpty({
    labels,
    annotations: { ...annotations, ...(readOnly.length === 0 ? {} : { [readOnlyAnnotation]: readOnly.join(',') }) }
  });
}

function toPvcMount({ pvc_name, path, sub_path }: VolumeSpec): PvcMountJson {
  return {
    constant: pvc_name,
    mountPath: path,
    pvcNameParameter: constant(pvc_name),
    ...(sub_path ? { subPath: sub_path } : {})
  };
}

// One entry for each secret, which is optional where all of its variables are.
function toSecrets(secrets: readonly SecretVariable[]): SecretAsEnvJson[] {
  return [...new Set(secrets.map(secret => secret.name))].map(name => {
    const own = secrets.filter(secret => secret.name === name);
    return {
      secretName: name,
      secretNameParameter: constant(name),
      keyToEnv: own.map(secret => ({ secretKey: secret.key, envVar: secret.env })),
      optional: own.every(secret => secret.optional)
    };
  });
}

function toToleration({ tolerationSeconds, ...rest }: StepSettings['tolerations'][number]): TolerationJson {
  return { ...rest, ...(tolerationSeconds === undefined ? {} : { tolerationSeconds: String(tolerationSeconds) }) };
}

function toSharedMemory(sizeLimit: string): EmptyDirMountJson {
  return { volumeName: 'shm', mountPath: '/dev/shm', medium: 'Memory', sizeLimit };
}

// Protobuf's whole numbers of 64 bits are texts in JSON.
function toSecurityContext({
  runAsUser,
  runAsGroup,
  runAsNonRoot
}: StepSettings['securityContext'] = {}): SecurityContextJson {
  return {
    ...(runAsUser === undefined ? {} : { runAsUser: String(runAsUser) }),
    ...(runAsGroup === undefined ? {} : { runAsGroup: String(runAsGroup) }),
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot })
  };
}
