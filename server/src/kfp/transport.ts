// How bytes get to Kubeflow and back: over TLS with the user's own authority, through proxies, or into a port-forward's socket. Redirects are
// answers like any other: they lead to login pages.
import { getCACertificates } from 'node:tls';
import { Agent, EnvHttpProxyAgent, fetch, type Dispatcher, type RequestInit, type Response } from 'undici';
import type { KfpAccess } from './access.js';
import { describeUnreachable, type Asked } from './words.js';

export { type Response };

export interface Transport {
  readonly asked: Asked;
  /** `path` begins with a slash. @throws PipelineError `unreachable` where there is no answer */
  send(path: string, init?: RequestInit & { readonly timeoutMs?: number }): Promise<Response>;
  close(): Promise<void>;
}

/** so long we wait for an answer's first byte */
export const patienceMs = 5000;

export interface TransportOptions {
  readonly access: KfpAccess;
  /** up to what comes before /apis */
  readonly base: string;
  /** a port-forward's end, instead of the network */
  readonly socketPath?: string;
  /** what people call it, where that is not the URL */
  readonly where?: string;
  readonly env: NodeJS.ProcessEnv;
}

export function makeTransport({ access, base, socketPath, where = base, env }: TransportOptions): Transport {
  const asked = { where, access };
  const dispatcher = socketPath === undefined ? makeAgent(access, env) : new Agent({ connect: { socketPath } });
  return {
    asked,
    async send(path, { timeoutMs = patienceMs, ...init } = {}) {
      const limit = AbortSignal.timeout(timeoutMs);
      const signal = init.signal ? AbortSignal.any([limit, init.signal]) : limit;
      try {
        return await fetch(`${base}${path}`, {
          ...init,
          dispatcher,
          signal,
          redirect: 'manual',
          headers: { accept: 'application/json', ...access.headers(), ...(init.headers as Record<string, string>) }
        });
      } catch (cause) {
        if (init.signal?.aborted) throw init.signal.reason;
        throw describeUnreachable(asked, limit.aborted ? limit.reason : cause);
      }
    },
    close: () => dispatcher.destroy()
  };
}

function makeAgent({ ca, isInsecure }: KfpAccess, env: NodeJS.ProcessEnv): Dispatcher {
  const tls = {
    ...(ca === undefined ? {} : { ca: [...getCACertificates(), ca] }),
    ...(isInsecure ? { rejectUnauthorized: false } : {})
  };
  return new EnvHttpProxyAgent({
    httpProxy: env.http_proxy ?? env.HTTP_PROXY ?? '',
    httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? '',
    noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
    connect: { ...tls, timeout: patienceMs },
    requestTls: tls
  });
}
