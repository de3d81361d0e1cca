// The Role that grants what Sluice needs in a namespace, and the one for the steps' pods, as YAML that whoever runs the cluster can read and apply.
import { managedBy } from '@sluice/core';
import { stringify } from 'yaml';
import { rightsFor, stepRights, userRights, type Purpose, type Right } from './rights.js';

export interface RbacOptions {
  readonly namespace: string;
  readonly purposes: readonly Purpose[];
  /** who gets the rights: `user:NAME`, `group:NAME` or `serviceaccount:NAME` */
  readonly subject: Subject;
  /** of the steps' pods */
  readonly serviceAccount: string;
}

export interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
}

const api = 'rbac.authorization.k8s.io';

export function printRbac({ namespace, purposes, subject, serviceAccount }: RbacOptions): string {
  const steps: Subject = { kind: 'ServiceAccount', name: serviceAccount };
  const documents = [
    role('sluice-user', namespace, rightsFor(userRights, purposes)),
    binding('sluice-user', namespace, subject),
    ...(serviceAccount === 'default'
      ? []
      : [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(serviceAccount, namespace) }]),
    ...(rightsFor(stepRights, purposes).length === 0
      ? []
      : [role('sluice-steps', namespace, rightsFor(stepRights, purposes)), binding('sluice-steps', namespace, steps)])
  ];
  return documents.map(document => stringify(document, { lineWidth: 0 })).join('---\n');
}

const metadata = (name: string, namespace: string) => ({ name, namespace, labels: managedBy });

function role(name: string, namespace: string, rights: readonly Right[]): object {
  const rules = rights.map(({ group, resource, verbs }) => ({ apiGroups: [group], resources: [resource], verbs }));
  return { apiVersion: `${api}/v1`, kind: 'Role', metadata: metadata(name, namespace), rules };
}

function binding(name: string, namespace: string, { kind, name: who }: Subject): object {
  const subject = kind === 'ServiceAccount' ? { kind, name: who, namespace } : { apiGroup: api, kind, name: who };
  return {
    ...{ apiVersion: `${api}/v1`, kind: 'RoleBinding', metadata: metadata(name, namespace) },
    roleRef: { apiGroup: api, kind: 'Role', name },
    subjects: [subject]
  };
}
