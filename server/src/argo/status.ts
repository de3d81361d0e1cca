// Argo keeps what it knows of a run in the Workflow's status: a tree of nodes, of which some are pods. This module finds in it how each step
// stands. https://argo-workflows.readthedocs.io/en/release-3.6/fields/#workflowstatus
import { gunzipSync } from 'node:zlib';
import type { RunState } from '@sluice/core';

export interface ArgoWorkflow {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: WorkflowSpec & { readonly shutdown?: string };
  readonly status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
    readonly nodes?: Readonly<Record<string, ArgoNode>>;
    /** base64 of gzip of the nodes' JSON, where they are many */
    readonly compressedNodes?: string;
    /** of the WorkflowTemplate that it was made from */
    readonly storedWorkflowTemplateSpec?: WorkflowSpec;
  };
}

export interface WorkflowSpec {
  readonly arguments?: { readonly parameters?: readonly { readonly name: string; readonly value?: string }[] };
  readonly templates?: readonly WorkflowTemplate[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly persistentVolumeClaim?: { readonly claimName?: string };
  }[];
}

export interface WorkflowTemplate {
  readonly name: string;
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly retryStrategy?: { readonly limit?: string | number };
  readonly container?: { readonly image?: string; readonly args?: readonly string[] };
  readonly dag?: { readonly tasks?: readonly { readonly name: string; readonly depends?: string }[] };
}

/** Its own templates and arguments, or those of the WorkflowTemplate that it was made from. */
export function specOf({ spec, status }: ArgoWorkflow): WorkflowSpec {
  return spec?.templates === undefined ? { ...spec, ...status?.storedWorkflowTemplateSpec } : spec;
}

/** The step that a template runs; undefined where it is none of a notebook's. */
export const stepOf = ({ metadata }: WorkflowTemplate): string | undefined =>
  metadata?.annotations?.['sluice.dev/step'];

export interface ArgoNode {
  readonly id: string;
  readonly name: string;
  readonly displayName?: string;
  readonly type: string;
  readonly templateName?: string;
  readonly phase?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly children?: readonly string[];
}

/** How a step stands. */
export interface Standing {
  readonly step: string;
  readonly state: RunState;
  /** one node a pod, in order; the last one is the one that counts */
  readonly attempts: readonly ArgoNode[];
  /** how often it may be tried in all */
  readonly most: number;
  readonly message?: string;
  /** milliseconds since 1970 */
  readonly endedAt?: number;
}

export function readStandings(workflow: ArgoWorkflow): Standing[] {
  const nodes = Object.values(nodesOf(workflow));
  return (specOf(workflow).templates ?? []).flatMap(template => {
    const { name, retryStrategy } = template;
    const step = stepOf(template);
    if (step === undefined) return [];
    const own = nodes.filter(({ templateName }) => templateName === name);
    const top = own.find(({ type }) => type === 'Retry') ?? own[0];
    if (top === undefined) return [];
    const attempts = own.filter(({ type }) => type === 'Pod').sort((a, b) => numberOf(a) - numberOf(b));
    const state = stateOf(top, workflow);
    const { message, finishedAt } = top;
    return [
      {
        ...{ step, state, attempts, most: Number(retryStrategy?.limit ?? 0) + 1 },
        ...(message === undefined ? {} : { message }),
        ...(finishedAt ? { endedAt: Date.parse(finishedAt) } : {})
      }
    ];
  });
}

/** Nodes that are no step and failed: a snapshot, or Argo's own. */
export function findOtherFailure(workflow: ArgoWorkflow): string | undefined {
  const steps = new Set((specOf(workflow).templates ?? []).filter(t => stepOf(t) !== undefined).map(t => t.name));
  const failed = Object.values(nodesOf(workflow)).find(
    ({ type, templateName, phase }) =>
      type === 'Pod' && !steps.has(templateName ?? '') && (phase === 'Failed' || phase === 'Error')
  );
  return failed && `‘${failed.displayName ?? failed.name}’ failed: ${failed.message ?? 'no reason given'}.`;
}

function nodesOf({ status }: ArgoWorkflow): Readonly<Record<string, ArgoNode>> {
  if (!status?.compressedNodes) return status?.nodes ?? {};
  return JSON.parse(gunzipSync(Buffer.from(status.compressedNodes, 'base64')).toString('utf8'));
}

// Attempts are called `step(0)`, `step(1)`, …
const numberOf = ({ name }: ArgoNode) => Number(/\((\d+)\)$/.exec(name)?.[1] ?? 0);

function stateOf({ phase, message = '' }: ArgoNode, { spec }: ArgoWorkflow): RunState {
  switch (phase) {
    case 'Running':
      return 'running';
    case 'Succeeded':
      return 'succeeded';
    case 'Failed':
    case 'Error':
      return spec?.shutdown !== undefined && /shutdown|terminat|stopped/i.test(message) ? 'canceled' : 'failed';
    case 'Omitted':
    case 'Skipped':
      return spec?.shutdown === undefined ? 'skipped' : 'canceled';
    default:
      return 'pending';
  }
}
