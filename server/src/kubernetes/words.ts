// What a cluster refuses, or does not answer, in plain words: what was asked, where, and what to do about it.
import { PipelineError } from '../errors.js';

/** What was asked of the API server, for the sentence that says it was refused: `create`, `volumesnapshots`, `nightly`. */
export interface Request {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'delete' | 'patch';
  /** as roles name it: the plural, with its group where it is not the core one */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
  /** its address, for the sentence that it does not answer */
  readonly server?: string;
  /** through which it is asked */
  readonly proxy?: string;
}

/** HTTP status of the API server's answer; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  const { code } = ((error instanceof PipelineError ? error.cause : error) ?? {}) as { code?: unknown };
  return typeof code === 'number' && code >= 100 ? code : undefined; // a DOMException has small ones
}

/** What asking threw, as what people read. */
export function toWords(cause: unknown, { verb, resource, name, namespace, server, proxy }: Request): PipelineError {
  if (cause instanceof PipelineError) return cause;
  const status = statusOf(cause);
  const what = `${resource}${name === undefined ? '' : ` ‘${name}’`}`;
  const where = namespace === undefined ? '' : ` in namespace ‘${namespace}’`;
  const said = saidBy(cause);
  const fail = (message: string, code: PipelineError['code']) => new PipelineError(message, code, { cause });
  if (status === undefined) return fail(describeSilence(cause, said, server, proxy), 'unreachable');
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
  const [, quotaName, wanted] = /failed quota: ([^:]+): must specify (.*)$/.exec(said) ?? [];
  if (status === 403 && wanted !== undefined)
    return fail(
      `The quota ‘${quotaName}’ of namespace ‘${namespace}’ wants each pod to say ${wanted}, and ${what} does not. Ask for a LimitRange that says it for all.`,
      'remote'
    );
  const [, rule] = /is forbidden: (?!User )(.*)$/s.exec(said) ?? [];
  if (status === 403 && rule !== undefined) return fail(describeRule(what, where, rule), 'remote');
  if (status === 403)
    return fail(
      `You may not ${verb} ${what}${where}. Ask for a Role that allows ‘${verb}’ on ‘${resource}’.`,
      'unauthorized'
    );
  if (status === 404 && isKindMissing(cause, said))
    return fail(
      `The cluster does not know ‘${resource}’: ${installs(resource)} is not installed there. Ask who runs the cluster, or choose another context.`,
      'remote'
    );
  if (status === 404 && /namespaces "[^"]*" not found/.test(said))
    return fail(`There is no namespace ‘${namespace}’. \`kubectl get namespaces\` lists them.`, 'not-found');
  if (status === 404) return fail(`There is no ${what}${where}.`, 'not-found');
  if (status === 409 && verb === 'create')
    return fail(`There already is ${what}${where}. Choose another name.`, 'bad-request');
  return fail(`The cluster refused to ${verb} ${what}${where}: ${said}`, 'remote');
}

/** Everybody may do it, but not so: a LimitRange, a security standard, a policy. */
export function describeRule(what: string, where: string, rule: string): string {
  return `The cluster’s rules do not allow ${what}${where}: ${rule.trim().replace(/\.$/, '')}. Change what the steps ask for, or ask who runs the cluster.`;
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

const installed: Readonly<Record<string, string>> = {
  'argoproj.io': 'Argo Workflows',
  'snapshot.storage.k8s.io': 'support for VolumeSnapshots'
};

function installs(resource: string): string {
  const group = resource.slice(resource.indexOf('.') + 1);
  return installed[group] ?? 'what defines it';
}

// Without the definition, it is the path that is not there, and not an object.
function isKindMissing(cause: unknown, said: string): boolean {
  const { body } = cause as { body?: unknown };
  return (
    /^404 page not found|could not find the requested resource/.test(said) ||
    (typeof body === 'string' && body.startsWith('404 page not found'))
  );
}

// https://nodejs.org/api/tls.html#x509-certificate-error-codes
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS_CERT_ALTNAME/;

function describeSilence(error: unknown, said: string, server?: string, proxy?: string): string {
  const way = proxy === undefined ? '' : ` through the proxy ‘${proxy.replace(/\/\/[^@/]*@/, '//')}’`; // it may hold a password
  const where = server === undefined ? 'The cluster' : `The cluster at ‘${server}’${way}`;
  const code = codeOf(error) ?? '';
  if (/HTTP protocol is not allowed/.test(said))
    return `${where} is named by http, over which anybody can read your token. Write https into the kubeconfig’s server; where it speaks http only, set insecure-skip-tls-verify.`;
  if (certificate.test(code) || certificate.test(said))
    return `${where} shows a certificate that is not trusted (${code || said}). Correct certificate-authority in the kubeconfig.`;
  if (/ECONNREFUSED/.test(code)) return `${where} refuses connections. Is it up, and is the kubeconfig right?`;
  if (/ENOTFOUND|EAI_AGAIN/.test(code))
    return `${where} has a name that nobody knows (${code}). Are you in its network?`;
  if (/TIMEOUT|TIMEDOUT|ABORT/i.test(code) || /timed? ?out|aborted due to timeout/i.test(said))
    return `${where} does not answer in time. Are you in its network?`;
  return `${where} does not answer (${said}). Is it up, and is the kubeconfig right?`;
}

/** Libraries wrap the system's error, some of them twice. */
function codeOf(error: unknown): string | undefined {
  for (let found = error, depth = 0; typeof found === 'object' && found !== null && depth < 5; depth++) {
    const { code, name, cause } = found as { code?: unknown; name?: unknown; cause?: unknown };
    if (typeof code === 'string') return code;
    if (name === 'TimeoutError') return 'TIMEOUT';
    found = cause;
  }
  return undefined;
}
