// A kubeconfig, of one file or several, as kubectl reads it; and the program that some of them name to log one in.
// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
import type { KubeConfig } from '@kubernetes/client-node';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { PipelineError } from '../errors.js';
import { findProxy } from './proxies.js';

/** a browser may have to be opened for it */
const loginMs = 60_000;

/**
 * `paths` is as in KUBECONFIG: one file or several. Undefined means where kubectl looks, or the pod that we are in.
 * @throws PipelineError `usage` where there is none, or one cannot be read
 */
export async function readKubeconfig(paths: string | undefined, env: NodeJS.ProcessEnv): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const named = paths ? paths.split(delimiter).filter(path => path !== '') : [join(homedir(), '.kube', 'config')];
  const there = named.filter(path => existsSync(path));
  if (there.length > 0)
    merge(
      config,
      there.map(path => readFile(path, KubeConfig)),
      env
    );
  else if (!paths)
    config.loadFromDefault(); // which knows the pod that we are in
  else throw new PipelineError(`There is no kubeconfig ‘${paths}’. Correct KUBECONFIG.`, 'usage');
  sayWhoLogsIn(config);
  return config;
}

function readFile(path: string, Config: typeof KubeConfig): KubeConfig {
  const config = new Config();
  try {
    if (readFileSync(path, 'utf8').trim() !== '') config.loadFromFile(path);
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n'); // the rest shows the file, with its secrets
    throw new PipelineError(`The kubeconfig ‘${path}’ can’t be read: ${reason}.`, 'usage', { cause });
  }
  return config;
}

// Of what several files have, the first one's counts.
function merge(config: KubeConfig, files: readonly KubeConfig[], env: NodeJS.ProcessEnv): void {
  const clusters = firstOfName(files.flatMap(({ clusters }) => clusters ?? []));
  config.loadFromOptions({
    clusters: clusters.map(cluster => ({ ...cluster, proxyUrl: cluster.proxyUrl ?? findProxy(cluster.server, env) })),
    users: firstOfName(files.flatMap(({ users }) => users ?? [])),
    contexts: firstOfName(files.flatMap(({ contexts }) => contexts ?? [])),
    currentContext: files.find(({ currentContext }) => currentContext)?.currentContext ?? ''
  });
}

function firstOfName<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return all.filter(({ name }, i) => all.findIndex(other => other.name === name) === i);
}

/** What goes wrong before a request leaves was not the cluster's doing. */
function sayWhoLogsIn(config: KubeConfig): void {
  // as a cluster that does not answer: it may well the next time
  const apply = config.applySecurityAuthentication.bind(config);
  config.applySecurityAuthentication = async context => {
    const program: unknown = config.getCurrentUser()?.exec?.command;
    if (typeof program !== 'string') return apply(context);
    const fail = (why: string, cause?: unknown) =>
      new PipelineError(`The program ‘${program}’, which logs you in to the cluster, ${why}`, 'unreachable', {
        cause
      });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `has not ended after ${loginMs / 1000} seconds. Run it by hand, and try again.`;
      timer = setTimeout(() => reject(fail(why)), loginMs);
    });
    try {
      await Promise.race([apply(context), late]);
    } catch (error) {
      throw error instanceof PipelineError ? error : fail(describe(error), error);
    } finally {
      clearTimeout(timer);
    }
  };
}

function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  if (code === 'ENOENT') return 'is not installed. Install it, or use another context.';
  const said = message?.trim().replace(/\.$/, '');
  if (error instanceof SyntaxError) return 'did not print what Kubernetes expects of it. Run it by hand.';
  return said ? `failed: ${said}.` : 'failed, and says no reason. Run it by hand.';
}
