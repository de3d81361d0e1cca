// What only Kubernetes understands of a step's settings goes to the IR's second document.
import type { SecretVariable, StepSettings } from '../step.js';
import type { KubernetesExecutorConfigJson, SecretAsEnvJson } from './gen/kubernetes_executor_config_pb.js';

/** KFP mounts claims for writing only; which of a step's mounts are meant for reading stands here, for engines that can. */
export const readOnlyAnnotation = 'sluice.dev/read-only';

/** Undefined where the step asks for nothing of it. */
export function toExecutorConfig(settings: StepSettings): KubernetesExecutorConfigJson | undefined {
  const { labels, annotations, nodeSelector, timeoutSeconds, secrets = [] } = settings;
  const metadata = { ...unlessEmpty('labels', labels), ...unlessEmpty('annotations', annotations) };
  const config: KubernetesExecutorConfigJson = {
    ...(secrets.length === 0 ? {} : { secretAsEnv: toSecrets(secrets) }),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector: { labels: { ...nodeSelector } } }),
    ...unlessEmpty('podMetadata', metadata),
    ...(timeoutSeconds === undefined ? {} : { activeDeadlineSeconds: String(Math.ceil(timeoutSeconds)) })
  };
  return Object.keys(config).length === 0 ? undefined : config;
}

function unlessEmpty<K extends string, V extends object>(key: K, value: V): { [key in K]?: V } {
  return (Object.keys(value).length === 0 ? {} : { [key]: value }) as { [key in K]?: V };
}

// The deprecated name and its successor, as the SDK does.
function toSecrets(secrets: readonly SecretVariable[]): SecretAsEnvJson[] {
  return [...new Set(secrets.map(secret => secret.name))].map(name => ({
    secretName: name,
    secretNameParameter: { runtimeValue: { constant: name } },
    keyToEnv: secrets
      .filter(secret => secret.name === name)
      .map(secret => ({ secretKey: secret.key, envVar: secret.env })),
    optional: false
  }));
}
