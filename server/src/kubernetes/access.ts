// The door to a cluster: which one a kubeconfig (or the pod we are in) means, with which namespace; and how it is asked.
import type {
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  StorageV1Api
} from '@kubernetes/client-node';
import { didYouMean, type ClusterContext } from '@sluice/core';
import { fetch } from 'undici';
import { PipelineError } from '../errors.js';
import { readKubeconfig } from './kubeconfig.js';
import { statusOf, toWords, type Request } from './words.js';

export { statusOf, type Request } from './words.js';

export interface Cluster {
  /** of the kubeconfig */
  readonly context: string;
  readonly server: string;
  readonly namespace: string;
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly storage: StorageV1Api;
  readonly custom: CustomObjectsApi;
  readonly authorization: AuthorizationV1Api;
}

/** a server that is there answers sooner */
const answerMs = 5000;

/**
 * The cluster of the context that is named, or of the current one; in a pod without a kubeconfig, the pod's own.
 * @throws PipelineError `usage` when there is no such context, or none at all
 */
export async function openCluster(
  place: { kubeconfig?: string; context?: string; namespace?: string },
  env: NodeJS.ProcessEnv = process.env
): Promise<Cluster> {
  const { AuthorizationV1Api, CoreV1Api, CustomObjectsApi, StorageV1Api } = await import('@kubernetes/client-node');
  const paths = place.kubeconfig ?? env.KUBECONFIG;
  const config = await readKubeconfig(paths, env);
  const known = config.getContexts().map(({ name }) => name);
  if (place.context !== undefined) config.setCurrentContext(place.context);
  const name = config.getCurrentContext();
  const context = config.getContextObject(name);
  const server = config.getCurrentCluster()?.server;
  if (known.length === 0 || server === 'http://localhost:8080')
    throw new PipelineError(
      paths
        ? `The kubeconfig ‘${paths}’ has no context, which would say which cluster and who you are there. Name another in KUBECONFIG; \`kubectl config view\` shows yours.`
        : 'There is no kubeconfig. Put one at ~/.kube/config, or name it in KUBECONFIG; `kubectl config view` shows yours.',
      'usage'
    );
  if (!name)
    throw new PipelineError(
      `The kubeconfig names no current context. Choose one with --context: it has ${known.map(other => `‘${other}’`).join(', ')}.`,
      'usage'
    );
  if (context === null || server === undefined)
    throw new PipelineError(
      `The kubeconfig has no context ‘${name}’.${didYouMean(name, known) || ` It has ${known.map(other => `‘${other}’`).join(', ')}.`}`,
      'usage'
    );
  return {
    ...{ context: name, server, config },
    namespace: place.namespace ?? context.namespace ?? 'default',
    core: config.makeApiClient(CoreV1Api),
    storage: config.makeApiClient(StorageV1Api),
    custom: config.makeApiClient(CustomObjectsApi),
    authorization: config.makeApiClient(AuthorizationV1Api)
  };
}

/** Those that a user can choose from, with the one that `place` means first; none where there is no kubeconfig. */
export async function listContexts(
  place: { kubeconfig?: string; context?: string; namespace?: string },
  env: NodeJS.ProcessEnv
): Promise<ClusterContext[]> {
  const config = await readKubeconfig(place.kubeconfig ?? env.KUBECONFIG, env).catch(() => undefined);
  if (config === undefined || config.getCurrentCluster()?.server === 'http://localhost:8080') return [];
  const current = place.context ?? config.getCurrentContext();
  const all = config.getContexts().map(({ name, namespace = 'default' }) => ({
    name,
    namespace: name === current ? (place.namespace ?? namespace) : namespace
  }));
  return [...all.filter(({ name }) => name === current), ...all.filter(({ name }) => name !== current)];
}

/**
 * Ask for a path of the API itself, such as a watch or a log, whose answer is a stream.
 * @throws what `ask` makes words of: an error with `code` and `body` where the server refused, else the connection's
 */
export async function openStream(cluster: Cluster, path: string, signal: AbortSignal, accept?: string) {
  const { request, dispatcher } = await authenticate(cluster.config, cluster.server + path);
  const connecting = AbortSignal.timeout(3 * answerMs);
  const gaveUp = new AbortController();
  const onTimeout = () => gaveUp.abort(connecting.reason);
  connecting.addEventListener('abort', onTimeout);
  const response = await fetch(cluster.server + path, {
    headers: { ...request, ...(accept && { accept }) },
    ...(dispatcher && { dispatcher }),
    signal: AbortSignal.any([signal, gaveUp.signal])
  }).finally(() => connecting.removeEventListener('abort', onTimeout));
  if (response.ok && response.body !== null) return response.body;
  throw Object.assign(new Error(response.statusText), { code: response.status, body: await response.text() });
}

/**
 * See that the server answers, and that it is Kubernetes. Resolves with its version.
 * @throws PipelineError `unreachable` or `unauthorized`, within seconds
 */
export async function checkAnswer(cluster: Cluster): Promise<string> {
  const { proxyUrl: proxy } = cluster.config.getCurrentCluster() ?? {};
  const request = { verb: 'get', resource: 'version', server: cluster.server, ...(proxy && { proxy }) } as const;
  const text = await ask(request, async () => {
    await authenticate(cluster.config, cluster.server); // which a program may take its time for; what it gave is kept
    const body = await openStream(cluster, '/version', AbortSignal.timeout(answerMs));
    return new Response(body as never).text();
  });
  try {
    const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
    if (typeof gitVersion === 'string') return gitVersion;
  } catch {
    // something else answered
  }
  throw new PipelineError(
    `What answers at ‘${cluster.server}’ is not Kubernetes. Correct the server of context ‘${cluster.context}’.`,
    'unreachable'
  );
}

async function authenticate(config: KubeConfig, url: string) {
  const { HttpMethod, RequestContext } = await import('@kubernetes/client-node');
  const context = new RequestContext(url, HttpMethod.GET);
  await config.applySecurityAuthentication(context);
  return { request: context.getHeaders(), dispatcher: context.getDispatcher() };
}

/** Ask, and turn a refusal into words. @throws PipelineError */
export async function ask<T>(request: Request, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toWords(error, request);
  }
}

/** As `ask`, but undefined where there is no such object. @throws PipelineError */
export async function maybeAsk<T>(request: Request, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw toWords(error, request);
  }
}

/** What is gone already is as good as removed; so is what has been replaced, where one object alone was meant. */
export async function remove(request: Request, work: () => Promise<unknown>): Promise<void> {
  try {
    await maybeAsk(request, work);
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
  }
}

/** Whether the same request may well succeed a moment later. */
export function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined
    ? !(error instanceof PipelineError) || error.code === 'unreachable'
    : status === 429 || status >= 500;
}
