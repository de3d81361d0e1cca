// Snapshots of the run's volume, and of others that its steps mount, made by Argo itself between the steps: a resource template that waits
// until the driver says that the snapshot can be restored from. Where a driver has none, a clone stands for it: a volume that is a copy.
import type { SnapshotPolicy } from '../volumeSnapshots.js';
import { compact, type DagTask, type Template } from './manifest.js';

/** What a clone is made like; a snapshot needs nothing of it. */
export interface CloneSpec {
  /** of the volume, as a Kubernetes quantity */
  readonly size: string;
  readonly storageClass?: string;
  readonly accessModes: readonly string[];
}

/** A volume of which snapshots are taken. */
export interface SnapshotOptions {
  readonly claim: string;
  readonly policy: SnapshotPolicy;
  /** the VolumeSnapshotClass; undefined for the cluster's default */
  readonly class?: string;
  /** where it is cloned instead */
  readonly clone?: CloneSpec;
}

/** The same, with what tells its snapshots from those of other volumes. */
export interface KeptVolume extends SnapshotOptions {
  /** the name of the template that makes one */
  readonly template: string;
  /** of the names of its tasks and snapshots */
  readonly suffix: string;
}

/** A step as labels and people know it. */
interface StepOf {
  /** its task in the workflow */
  readonly task: string;
  readonly name: string;
  readonly label: string;
}

/** a clone for which nothing happens says nothing either */
const longestCloneSeconds = 600;

/** The template that makes one snapshot; its inputs name it. `labels` are those of everything that the run makes. */
export function snapshotTemplate(volume: KeptVolume, labels: Readonly<Record<string, string>>): Template {
  const { template, policy, clone } = volume;
  const input = (name: string): string => `{{inputs.parameters.${name}}}`;
  const ofStep = policy === 'each-step';
  const metadata = {
    name: input('name'),
    labels: {
      ...labels,
      'sluice.dev/moment': input('moment'),
      ...(ofStep ? { 'sluice.dev/step': input('label') } : {})
    },
    ...(ofStep ? { annotations: { 'sluice.dev/step': input('step') } } : {})
  };
  const manifest = JSON.stringify({ ...toObject(volume), metadata, spec: toSpec(volume) }, null, 2);
  return {
    name: template,
    inputs: { parameters: ['name', 'moment', ...(ofStep ? ['label', 'step'] : [])].map(name => ({ name })) },
    ...(clone === undefined ? {} : { activeDeadlineSeconds: longestCloneSeconds }),
    resource:
      clone === undefined
        ? {
            action: 'create',
            successCondition: 'status.readyToUse == true',
            failureCondition: 'status.error.message',
            manifest
          }
        : { action: 'create', successCondition: 'status.phase == Bound', manifest }
  };
}

// in this order, so that the manifest reads as people write one
function toObject({ clone }: KeptVolume): object {
  return clone === undefined
    ? { apiVersion: 'snapshot.storage.k8s.io/v1', kind: 'VolumeSnapshot' }
    : { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
}

function toSpec({ claim, class: className, clone }: KeptVolume): object {
  if (clone === undefined)
    return compact({ volumeSnapshotClassName: className, source: { persistentVolumeClaimName: claim } });
  const { size, storageClass, accessModes } = clone;
  return compact({
    ...{ storageClassName: storageClass, accessModes, resources: { requests: { storage: size } } },
    dataSource: { kind: 'PersistentVolumeClaim', name: claim }
  });
}

/** The task that makes the snapshot at the start of the run. */
export function startTask(volume: KeptVolume): DagTask {
  return snapshotTask(volume, 'snapshot-start', 'start', undefined, []);
}

export function beforeTask(volume: KeptVolume, step: StepOf, depends: string): DagTask {
  return snapshotTask(volume, `${step.task}-before`, 'before', depends, parametersOf(step));
}

/** A step that failed has left something as well. */
export function afterTask(volume: KeptVolume, step: StepOf): DagTask {
  const depends = ['Succeeded', 'Failed', 'Errored'].map(state => `${step.task}.${state}`).join(' || ');
  return snapshotTask(volume, `${step.task}-after`, 'after', depends, parametersOf(step));
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
  { template, suffix }: KeptVolume,
  moment: string,
  label: string,
  depends: string | undefined,
  more: readonly Argument[]
): DagTask {
  const name = `${moment}${suffix}`;
  const own = [
    { name: 'name', value: `{{workflow.name}}-${name}` },
    { name: 'moment', value: label }
  ];
  return { name, template, ...(depends ? { depends } : {}), arguments: { parameters: [...own, ...more] } };
}
