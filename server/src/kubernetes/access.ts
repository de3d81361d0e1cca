// The door to a cluster: which one a kubeconfig (or the pod we are in) means, with which namespace; and what its refusals are in plain words.
import type { CoreV1Api, CustomObjectsApi, StorageV1Api } from '@kubernetes/client-node';
import { PipelineError } from '../errors.js';

export interface Cluster {
  readonly namespace: string;
  readonly core: CoreV1Api;
  readonly storage: StorageV1Api;
  readonly custom: CustomObjectsApi;
}

/** @throws PipelineError `usage` when there is no such context, or none at all */
export async function openCluster(place: {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}): Promise<Cluster> {
  const { CoreV1Api, CustomObjectsApi, KubeConfig, StorageV1Api } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (place.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(place.kubeconfig);
  if (place.context !== undefined) config.setCurrentContext(place.context);
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null)
    throw new PipelineError(`The kubeconfig has no context ‘${config.getCurrentContext()}’.`, 'usage');
  return {
    namespace: place.namespace ?? context.namespace ?? 'default',
    core: config.makeApiClient(CoreV1Api),
    storage: config.makeApiClient(StorageV1Api),
    custom: config.makeApiClient(CustomObjectsApi)
  };
}

/** What was asked of the API server, for the sentence that says it was refused: `create`, `volumesnapshots`, `nightly`. */
export interface Request {
  readonly verb: 'get' | 'list' | 'create' | 'delete' | 'patch';
  /** as roles name it: the plural, with its group where it is not the core one */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
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

/** HTTP status of the API server's answer; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  const { code } = (error instanceof PipelineError ? error.cause : error) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** Whether the same request may well succeed a moment later. */
export function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined
    ? !(error instanceof PipelineError) || error.code === 'unreachable'
    : status === 429 || status >= 500;
}

function toWords(cause: unknown, { verb, resource, name, namespace }: Request): PipelineError {
  if (cause instanceof PipelineError) return cause;
  const status = statusOf(cause);
  const what = `${resource}${name === undefined ? '' : ` ‘${name}’`}`;
  const where = namespace === undefined ? '' : ` in namespace ‘${namespace}’`;
  const said = saidBy(cause);
  const fail = (message: string, code: PipelineError['code']) => new PipelineError(message, code, { cause });
  if (status === undefined)
    return fail(`The cluster does not answer (${said}). Is it up, and is the kubeconfig right?`, 'unreachable');
  if (status === 401)
    return fail(
      'The cluster does not know who you are: the token has expired or is wrong. Log in again.',
      'unauthorized'
    );
  const [, quota] = /exceeded quota: (.*)$/.exec(said) ?? [];
  if (status === 403 && quota !== undefined)
    return fail(
      `The quota of namespace ‘${namespace}’ does not allow another of ${what}: ${quota}. Remove something, or ask for more.`,
      'remote'
    );
  if (status === 403)
    return fail(
      `You may not ${verb} ${what}${where}. Ask for a Role that allows ‘${verb}’ on ‘${resource}’.`,
      'unauthorized'
    );
  if (status === 404) return fail(`There is no ${what}${where}.`, 'not-found');
  if (status === 409 && verb === 'create')
    return fail(`There already is ${what}${where}. Choose another name.`, 'bad-request');
  return fail(`The cluster refused to ${verb} ${what}${where}: ${said}`, 'remote');
}

// The API server's answer is a Status object; without one, it is the connection's error.
function saidBy(error: unknown): string {
  const { body, message, cause } = error as {
    body?: unknown;
    message?: string;
    cause?: { code?: string; message?: string };
  };
  try {
    const status = typeof body === 'string' ? JSON.parse(body) : body;
    if (typeof status?.message === 'string') return status.message;
  } catch {
    // no JSON: a proxy in between answered
  }
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
