// When a run on a cluster takes snapshots of its volume: what `sluice.snapshots` of a notebook's metadata says.
import { describeType, isRecord, type JsonRecord } from './json.js';
import { didYouMean } from './suggest.js';

/** `start`: once, before the first step; `each-step`: before and after each step. */
export type SnapshotPolicy = (typeof policies)[number];
const policies = ['off', 'start', 'each-step'] as const;

export interface VolumeSnapshots {
  readonly policy: SnapshotPolicy;
  /** of VolumeSnapshotClass; undefined for the default one of the volume's driver */
  readonly class?: string;
  /** true where clones, which are volumes themselves, stand for snapshots; as they do where the driver has no snapshots */
  readonly clone?: boolean;
}

export interface VolumeSnapshotsReading {
  /** undefined where nothing is said */
  readonly snapshots?: VolumeSnapshots;
  readonly problems: readonly string[];
}

/** The policy alone as text, or an object with `policy`, `class` and `clone`. */
export function readVolumeSnapshots(json: unknown): VolumeSnapshotsReading {
  const { policy, class: name, clone } = isRecord(json) ? json : ({ policy: json } as JsonRecord);
  if (policy === undefined) return { problems: [] };
  if (!isPolicy(policy)) {
    const given = typeof policy === 'string' ? `‘${policy}’` : describeType(policy);
    const hint = typeof policy === 'string' ? didYouMean(policy, policies) : '';
    return {
      problems: [
        `‘sluice.snapshots’ is ${given} instead of ‘off’, ‘start’ or ‘each-step’; no snapshots of volumes are taken.${hint}`
      ]
    };
  }
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    return {
      snapshots: { policy },
      problems: [
        `‘class’ in ‘sluice.snapshots’ is ${describeType(name)} instead of a VolumeSnapshotClass’s name; it is ignored.`
      ]
    };
  if (clone !== undefined && typeof clone !== 'boolean')
    return {
      snapshots: { policy },
      problems: [`‘clone’ in ‘sluice.snapshots’ is ${describeType(clone)} instead of true or false; it is ignored.`]
    };
  return {
    snapshots: { policy, ...(name === undefined ? {} : { class: name }), ...(clone === true ? { clone } : {}) },
    problems: []
  };
}

function isPolicy(json: unknown): json is SnapshotPolicy {
  return (policies as readonly unknown[]).includes(json);
}
