// Snapshots of the run's volume, made by Argo itself between the steps: a resource template that waits until the driver says that the
// snapshot can be restored from.
import type { SnapshotPolicy } from '../volumeSnapshots.js';
import { compact, type DagTask, type Template } from './manifest.js';

interface SnapshotOptions {
  readonly template: string;
  readonly policy: SnapshotPolicy;
  /** the claim of the run's volume */
  readonly claim: string;
  /** the VolumeSnapshotClass; undefined for the cluster's default */
  readonly class?: string | undefined;
  /** labels of everything that the run makes */
  readonly labels: Readonly<Record<string, string>>;
}

/** A step as labels and people know it. */
interface StepOf {
  /** its task in the workflow */
  readonly task: string;
  readonly name: string;
  readonly label: string;
}

/** The template that makes one snapshot; its inputs name it. */
export function snapshotTemplate({ template, policy, claim, class: className, labels }: SnapshotOptions): Template {
  const input = (name: string): string => `{{inputs.parameters.${name}}}`;
  const ofStep = policy === 'each-step';
  const manifest = {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: {
      name: input('name'),
      labels: {
        ...labels,
        'sluice.dev/moment': input('moment'),
        ...(ofStep ? { 'sluice.dev/step': input('label') } : {})
      },
      ...(ofStep ? { annotations: { 'sluice.dev/step': input('step') } } : {})
    },
    spec: compact({ volumeSnapshotClassName: className, source: { persistentVolumeClaimName: claim } })
  };
  return {
    name: template,
    inputs: { parameters: ['name', 'moment', ...(ofStep ? ['label', 'step'] : [])].map(name => ({ name })) },
    resource: {
      action: 'create',
      successCondition: 'status.readyToUse == true',
      failureCondition: 'status.error.message',
      manifest: JSON.stringify(manifest, null, 2)
    }
  };
}

/** The task that makes the snapshot at the start of the run. */
export function startTask(template: string): DagTask {
  return snapshotTask(template, 'snapshot-start', 'start', undefined, []);
}

export function beforeTask(template: string, step: StepOf, depends: string | undefined): DagTask {
  return snapshotTask(template, `${step.task}-before`, 'before', depends, parametersOf(step));
}

/** A step that failed has left something as well. */
export function afterTask(template: string, step: StepOf): DagTask {
  const depends = ['Succeeded', 'Failed', 'Errored'].map(state => `${step.task}.${state}`).join(' || ');
  return snapshotTask(template, `${step.task}-after`, 'after', depends, parametersOf(step));
}

interface Argument {
  readonly name: string;
  readonly value: string;
}

function parametersOf({ name, label }: StepOf): readonly Argument[] {
  return [
    { name: 'label', value: label },
    { name: 'step', value: name }
  ];
}

function snapshotTask(
  template: string,
  name: string,
  moment: string,
  depends: string | undefined,
  more: readonly Argument[]
): DagTask {
  const own = [
    { name: 'name', value: `{{workflow.name}}-${name}` },
    { name: 'moment', value: moment }
  ];
  return { name, template, ...(depends ? { depends } : {}), arguments: { parameters: [...own, ...more] } };
}
