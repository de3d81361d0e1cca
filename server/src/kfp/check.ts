// Whether Kubeflow Pipelines can be used, asked of itself: it needs no right in the cluster, and works where nobody has named one.
import type { Finding } from '@sluice/core';
import { toPipelineError } from '../errors.js';
import { findOwnNamespace } from '../kubernetes/own-pod.js';
import type { ClusterSettings } from '../kubernetes/settings.js';
import { isNamed } from '../runners/naming.js';
import { isInside, readAccess, type KfpPlace } from './access.js';
import { connect, type Connection } from './connect.js';
import { readMetadata } from './metadata.js';

/** a service that is there answers sooner */
const answerMs = 5000;

/** One question after the other; it stops where the next one makes no sense. Never rejects. Returns where it is, if it answers. */
export async function* checkKubeflow(
  place: Named,
  env: NodeJS.ProcessEnv
): AsyncGenerator<Finding, Pick<Connection, 'place' | 'namespace'> | undefined> {
  let connection: Connection;
  try {
    connection = await connect(toAccess(place, env), env);
  } catch (error) {
    yield { isOk: false, message: toPipelineError(error).message };
    return undefined;
  }
  try {
    const { where, namespace } = connection;
    const profile = namespace === undefined ? '' : `, namespace ‘${namespace}’`;
    yield { isOk: true, message: `Kubeflow Pipelines at ‘${where}’${profile} answers` };
    yield await find(
      () => checkSeeing(connection),
      () => 'You may see its experiments and runs'
    );
    yield await find(
      () => readMetadata(connection.root, 'none', AbortSignal.timeout(answerMs)),
      () => 'Its metadata service answers: logs, outputs and what came from the cache can be shown',
      why => `Logs, outputs and what came from the cache can’t be shown: ${why}`
    );
    return connection;
  } finally {
    await connection.close();
  }
}

type Named = Readonly<{ [key in keyof KfpPlace]?: string | undefined }>;

function toAccess({ url, context, namespace }: Named, env: NodeJS.ProcessEnv) {
  return readAccess({ ...(url ? { url } : context ? { context } : {}), ...(namespace && { namespace }) }, env);
}

/** Whether Kubeflow has a URL, and nobody has named the cluster that it is on. */
export function isElsewhere(place: Named, { context }: ClusterSettings, env: NodeJS.ProcessEnv): boolean {
  const { way, url } = toAccess(place, env);
  if (way !== 'url' || (findOwnNamespace(env) !== undefined && isInside(url!))) return false;
  return context === undefined && !isNamed(env, 'argo');
}

/**
 * Whether runs can be seen where they are to be; whether one can be started there, Kubeflow says when it is.
 * @throws PipelineError `unauthorized` or whatever else Kubeflow answers
 */
export async function checkSeeing({ client, namespace }: Pick<Connection, 'client' | 'namespace'>): Promise<void> {
  await client.findExperiment('none', namespace);
  await client.listRuns(namespace, 1);
}

/** `toOptional` is for what a run can do without. */
async function find(
  work: () => Promise<unknown>,
  toText: () => string,
  toOptional?: (why: string) => string
): Promise<Finding> {
  try {
    await work();
    return { isOk: true, message: toText() };
  } catch (error) {
    const why = toPipelineError(error).message;
    return toOptional === undefined
      ? { isOk: false, message: why }
      : { isOk: false, isOptional: true, message: toOptional(why) };
  }
}
