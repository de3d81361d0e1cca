// Snapshots of the run's volume, made by Argo itself between the steps: a resource template that waits until the driver says that the
// snapshot can be restored from.
import { compact, type DagTask, type Template } from './manifest.js';

/** `start`: once, before the first step; `each-step`: before and after each step. */
export type SnapshotPolicy = 'off' | 'start' | 'each-step';

export type SnapshotMoment = 'start' | 'before' | 'after';

interface SnapshotOptions {
  readonly template: string;
  /** the claim of the run's volume */
  readonly claim: string;
  /** the VolumeSnapshotClass; undefined for the cluster's default */
  readonly class?: string;
  /** labels of everything that the run makes */
  readonly labels: Readonly<Record<string, string>>;
}

/** The template that makes one snapshot; its inputs name it. */
export function snapshotTemplate({ template, claim, class: className, labels }: SnapshotOptions): Template {
  const manifest = {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: {
      name: '{{inputs.parameters.name}}',
      labels: {
        ...labels,
        'sluice.dev/step': '{{inputs.parameters.step}}',
        'sluice.dev/moment': '{{inputs.parameters.moment}}'
      }
    },
    spec: compact({ volumeSnapshotClassName: className, source: { persistentVolumeClaimName: claim } })
  };
  return {
    name: template,
    inputs: { parameters: ['name', 'step', 'moment'].map(name => ({ name })) },
    resource: {
      action: 'create',
      successCondition: 'status.readyToUse == true',
      failureCondition: 'status.error.message',
      manifest: JSON.stringify(manifest, null, 2)
    }
  };
}

/** The task that makes a step's snapshot; `task` is the step's in the workflow, undefined at the start. */
export function snapshotTask(
  template: string,
  moment: SnapshotMoment,
  task: string | undefined,
  depends: string | undefined,
  step = task ?? ''
): DagTask {
  const name = task === undefined ? 'snapshot-start' : `${task}-${moment}`;
  const parameters = [
    { name: 'name', value: `{{workflow.name}}-${name}` },
    { name: 'step', value: step },
    { name: 'moment', value: moment }
  ];
  return { name, template, ...(depends ? { depends } : {}), arguments: { parameters } };
}
