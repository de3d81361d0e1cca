// Where Kubeflow Pipelines is and who we are to it: from what the user says, from the environment, from the pod that we run in. Secrets come
// from the environment or from files only, and never leave this record: it is neither logged nor kept with a run.
import { existsSync, readFileSync } from 'node:fs';
import { PipelineError } from '../errors.js';
import { findOwnNamespace } from '../kubernetes/own-pod.js';

/** What a user may say of it; what a run's record keeps of it. */
export interface KfpPlace {
  readonly url?: string;
  /** a context of the kubeconfig: reach Kubeflow through a port-forward */
  readonly context?: string;
  /** the profile's namespace, where Kubeflow has several users */
  readonly namespace?: string;
  readonly experiment?: string;
}

export interface KfpAccess extends KfpPlace {
  /** `cluster`: we are in a pod; `forward`: by kubeconfig; `url`: as the user wrote it */
  readonly way: 'cluster' | 'forward' | 'url';
  /** read again for each request, since tokens in files are renewed */
  readonly headers: () => Record<string, string>;
  /** what proves who we are, in words, and how to renew it */
  readonly credential: 'token' | 'cookie' | 'none';
  /** the token's own word, where it has one, in milliseconds since 1970 */
  readonly expiresAt: () => number | undefined;
  /** of the authority that signed the server's certificate, besides the system's */
  readonly ca?: string;
  readonly isInsecure: boolean;
}

/** Where Kubeflow's ‘PodDefault’ for pipelines mounts a token with the audience `pipelines.kubeflow.org`. */
const podToken = '/var/run/secrets/kubeflow/pipelines/token';
const serviceUrl = 'http://ml-pipeline.kubeflow.svc.cluster.local:8888';

/**
 * What is given wins over the environment: `SLUICE_KFP_URL` (or the SDK's `KF_PIPELINES_ENDPOINT`), `SLUICE_KFP_TOKEN` or
 * `SLUICE_KFP_TOKEN_FILE` (or the SDK's `KF_PIPELINES_SA_TOKEN_PATH`), `SLUICE_KFP_COOKIE`, `SLUICE_KFP_CA`, `SLUICE_KFP_INSECURE`,
 * `SLUICE_KFP_NAMESPACE`, `SLUICE_KFP_EXPERIMENT`, `SLUICE_KFP_CONTEXT`.
 * @throws PipelineError `usage`
 */
export function readAccess(given: KfpPlace, env: NodeJS.ProcessEnv): KfpAccess {
  const place = given.url === undefined && given.context === undefined ? readPlace(env) : {};
  const url = given.url ?? place.url;
  const context = given.context ?? place.context;
  if (given.url !== undefined && given.context !== undefined)
    throw new PipelineError('Name Kubeflow either by its URL or by a context of the kubeconfig, not by both.', 'usage');
  const isInPod = Boolean(env.KUBERNETES_SERVICE_HOST);
  const way = url !== undefined ? 'url' : context !== undefined || !isInPod ? 'forward' : 'cluster';
  const namespace =
    given.namespace ??
    env.SLUICE_KFP_NAMESPACE ??
    (way === 'cluster' || (isInPod && url !== undefined && isInside(url)) ? findOwnNamespace(env) : undefined);
  const experiment = given.experiment ?? env.SLUICE_KFP_EXPERIMENT;
  return {
    way,
    ...(way === 'url' ? { url: checkUrl(url!) } : way === 'cluster' ? { url: serviceUrl } : {}),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(experiment === undefined ? {} : { experiment }),
    ...readCredential(env, isInPod),
    ...readTls(env)
  };
}

/** Whether only pods of Kubeflow's own cluster know the server by this name. */
export function isInside(url: string): boolean {
  const { hostname } = new URL(checkUrl(url));
  return /\.svc(\.|$)/.test(hostname) || /^ml-pipeline(-ui)?(\.[^.]+)?$/.test(hostname);
}

function readPlace(env: NodeJS.ProcessEnv): KfpPlace {
  const url = env.SLUICE_KFP_URL || env.KF_PIPELINES_ENDPOINT;
  if (url) return { url };
  return env.SLUICE_KFP_CONTEXT ? { context: env.SLUICE_KFP_CONTEXT } : {};
}

function checkUrl(text: string): string {
  const written = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(written))
    throw new PipelineError(
      `‘${text}’ is not the URL of a server. Write it as https://HOST, with /pipeline or what else comes before /apis in it.`,
      'usage'
    );
  const url = new URL(written);
  if (url.username !== '' || url.password !== '')
    throw new PipelineError(
      'The URL of Kubeflow has a user’s name or a password in it, which would be written to the records. Give a token in SLUICE_KFP_TOKEN or a cookie in SLUICE_KFP_COOKIE.',
      'usage'
    );
  return `${url.origin}${url.pathname.replace(/\/(#.*|apis(\/.*)?)?$/, '')}`;
}

function readCredential(
  env: NodeJS.ProcessEnv,
  isInPod: boolean
): Pick<KfpAccess, 'headers' | 'credential' | 'expiresAt'> {
  const file =
    env.SLUICE_KFP_TOKEN_FILE ||
    env.KF_PIPELINES_SA_TOKEN_PATH ||
    (isInPod && existsSync(podToken) ? podToken : undefined);
  const { SLUICE_KFP_TOKEN: token, SLUICE_KFP_COOKIE: cookie } = env;
  const readToken = () => token || readSecret(file!);
  if (token || (file !== undefined && !cookie))
    return {
      credential: 'token',
      headers: () => ({ authorization: `Bearer ${readToken()}` }),
      expiresAt: () => readExpiry(readToken())
    };
  if (cookie) return { credential: 'cookie', headers: () => ({ cookie }), expiresAt: () => undefined };
  return { credential: 'none', headers: () => ({}), expiresAt: () => undefined };
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new PipelineError(
      `The token for Kubeflow can’t be read from ‘${path}’: ${(cause as NodeJS.ErrnoException).code}.`,
      'usage',
      { cause }
    );
  }
}

/** `exp` of a JSON Web Token. Other tokens say nothing of their end. */
function readExpiry(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      exp?: unknown;
    };
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

function readTls(env: NodeJS.ProcessEnv): Pick<KfpAccess, 'ca' | 'isInsecure'> {
  const isInsecure = /^(1|true|yes)$/i.test(env.SLUICE_KFP_INSECURE ?? '');
  if (!env.SLUICE_KFP_CA) return { isInsecure };
  const ca = readText(env.SLUICE_KFP_CA);
  if (ca === undefined || !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new PipelineError(`‘${env.SLUICE_KFP_CA}’ (SLUICE_KFP_CA) is not a file with a certificate in PEM.`, 'usage');
  return { ca, isInsecure };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
