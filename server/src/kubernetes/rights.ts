// What Sluice and the steps' pods must be allowed to do in a namespace: one table, from which the test of a connection asks and the Role that
// grants it is printed.
import { PipelineError } from '../errors.js';
import type { Cluster } from './access.js';
import { ask } from './access.js';

/**
 * A runner in a cluster, the volume that the notebook's folder is sent to, snapshots of volumes for either, a notebook that is in a pod of the
 * cluster itself, or images that are built there.
 */
export type Purpose = 'argo' | 'kubeflow' | 'workspace' | 'snapshots' | 'notebook' | 'images';

export interface Right {
  readonly group: string;
  /** with its part: `pods/log` */
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly purposes: readonly Purpose[];
  readonly why: string;
  /** without it, less is said or done, but a run succeeds */
  readonly isOptional?: boolean;
}

export const userRights: readonly Right[] = [
  {
    ...{ group: 'argoproj.io', resource: 'workflows', purposes: ['argo'] },
    verbs: ['create', 'get', 'list', 'watch', 'patch', 'delete'],
    why: 'to start, follow and end runs'
  },
  {
    ...{ group: '', resource: 'persistentvolumeclaims', purposes: ['argo', 'workspace', 'snapshots'] },
    verbs: ['create', 'get', 'list', 'delete'],
    why: 'to give each run a volume of its own'
  },
  {
    ...{ group: '', resource: 'pods', purposes: ['argo', 'workspace'] },
    verbs: ['create', 'get', 'list', 'watch', 'delete'],
    why: 'to send the workspace, and to see why a step waits or failed'
  },
  {
    // a WebSocket is opened by GET; from Kubernetes 1.35 on ‘create’ is asked as well
    ...{ group: '', resource: 'pods/exec', purposes: ['argo', 'workspace'] },
    verbs: ['get', 'create'],
    why: 'to send the workspace'
  },
  {
    ...{ group: '', resource: 'pods/log', purposes: ['argo'] },
    verbs: ['get'],
    why: 'to show what steps print'
  },
  {
    ...{ group: '', resource: 'events', purposes: ['argo', 'workspace', 'snapshots'] },
    verbs: ['list'],
    why: 'to say why a pod does not start, or a volume does not come',
    isOptional: true
  },
  {
    ...{ group: '', resource: 'pods', purposes: ['kubeflow'] },
    verbs: ['get', 'list'],
    why: 'to find Kubeflow behind its service'
  },
  {
    ...{ group: '', resource: 'pods/portforward', purposes: ['kubeflow'] },
    verbs: ['get', 'create'],
    why: 'to reach Kubeflow'
  },
  { ...{ group: '', resource: 'services', purposes: ['kubeflow'] }, verbs: ['get'], why: 'to find Kubeflow' },
  {
    ...{ group: 'snapshot.storage.k8s.io', resource: 'volumesnapshots', purposes: ['snapshots'] },
    verbs: ['create', 'get', 'list', 'delete'],
    why: 'for snapshots of volumes'
  },
  {
    ...{ group: '', resource: 'pods', purposes: ['notebook'] },
    verbs: ['get'],
    why: 'to find the volumes and secrets of the notebook’s own pod'
  },
  {
    ...{ group: '', resource: 'persistentvolumeclaims', purposes: ['notebook'] },
    verbs: ['get'],
    why: 'to copy the volume that the notebook’s folder is on'
  },
  {
    ...{ group: '', resource: 'configmaps', purposes: ['images'] },
    verbs: ['create', 'delete'],
    why: 'to give kaniko the Dockerfile'
  },
  {
    ...{ group: 'batch', resource: 'jobs', purposes: ['images'] },
    verbs: ['create', 'delete'],
    why: 'to build images with kaniko'
  },
  { ...{ group: '', resource: 'pods', purposes: ['images'] }, verbs: ['get', 'list'], why: 'to follow kaniko' },
  { ...{ group: '', resource: 'pods/log', purposes: ['images'] }, verbs: ['get'], why: 'to show what kaniko prints' },
  {
    // a Job that may have no pod says so in events alone
    ...{ group: '', resource: 'events', purposes: ['images'] },
    verbs: ['list'],
    why: 'to say why kaniko does not start'
  }
];

/** Of the service account that the steps' pods have. */
export const stepRights: readonly Right[] = [
  {
    ...{ group: 'argoproj.io', resource: 'workflowtaskresults', purposes: ['argo'] },
    verbs: ['create', 'patch'],
    why: 'to tell Argo how a step ended'
  },
  {
    ...{ group: 'snapshot.storage.k8s.io', resource: 'volumesnapshots', purposes: ['snapshots'] },
    verbs: ['create', 'get'],
    why: 'for snapshots before and after steps'
  },
  {
    ...{ group: '', resource: 'persistentvolumeclaims', purposes: ['snapshots'] },
    verbs: ['create', 'get'],
    why: 'for clones where the storage driver has no snapshots'
  }
];

/** Those for any of the purposes; what is asked for twice is one. */
export function rightsFor(rights: readonly Right[], purposes: readonly Purpose[]): Right[] {
  const found = new Map<string, Right>();
  for (const right of rights) {
    if (!right.purposes.some(purpose => purposes.includes(purpose))) continue;
    const key = `${right.resource}.${right.group}`;
    const known = found.get(key);
    found.set(key, known ? { ...known, verbs: [...new Set([...known.verbs, ...right.verbs])] } : right);
  }
  return [...found.values()];
}

export interface Lack extends Right {
  /** those of its verbs that are not allowed */
  readonly missing: readonly string[];
}

/** What we may not do of it. Asks the API server, which allows everyone to ask. */
export async function findLacks(cluster: Cluster, rights: readonly Right[]): Promise<Lack[]> {
  const asked = rights.map(async right => {
    const answers = await Promise.all(right.verbs.map(verb => isAllowed(cluster, right, verb)));
    return { ...right, missing: right.verbs.filter((_, i) => !answers[i]) };
  });
  return (await Promise.all(asked)).filter(({ missing }) => missing.length > 0);
}

async function isAllowed(cluster: Cluster, { group, resource: whole }: Right, verb: string): Promise<boolean> {
  const { authorization, namespace, server } = cluster;
  const [resource, subresource] = whole.split('/');
  const resourceAttributes = { namespace, verb, group, resource: resource!, ...(subresource && { subresource }) };
  const request = { verb: 'create', resource: 'selfsubjectaccessreviews.authorization.k8s.io', server } as const;
  const { status } = await ask(request, () =>
    authorization.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } })
  );
  return status?.allowed === true;
}

/** Whether a service account of the namespace may do it; undefined where we may not ask that. */
export async function mayServiceAccount(
  { authorization, namespace }: Cluster,
  account: string,
  { group, resource, verbs }: Right
): Promise<boolean | undefined> {
  const user = `system:serviceaccount:${namespace}:${account}`;
  try {
    const answers = await Promise.all(
      verbs.map(verb =>
        authorization.createNamespacedLocalSubjectAccessReview({
          namespace,
          body: { spec: { user, resourceAttributes: { namespace, verb, group, resource } } }
        })
      )
    );
    return answers.every(({ status }) => status?.allowed === true);
  } catch {
    return undefined;
  }
}

export function describeLack({ group, resource, missing, why }: Lack, namespace: string): string {
  const verbs = missing.map(verb => `‘${verb}’`).join(', ');
  return `You may not ${verbs} ${resource}${group === '' ? '' : `.${group}`} in namespace ‘${namespace}’, which is needed ${why}.`;
}

/** @throws PipelineError `unauthorized` with all that is missing, and not only with what comes first, and the command that prints the Role */
export async function requireRights(
  cluster: Cluster,
  rights: readonly Right[],
  command = 'sluice cluster rbac'
): Promise<void> {
  const lacks = (await findLacks(cluster, rights)).filter(lack => !lack.isOptional);
  if (lacks.length === 0) return;
  const sentences = lacks.map(lack => describeLack(lack, cluster.namespace)).join(' ');
  throw new PipelineError(`${sentences} \`${command}\` prints the Role that grants it.`, 'unauthorized');
}
