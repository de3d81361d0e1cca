// When a run on a cluster takes snapshots of its volume: what `sluice.snapshots` of a notebook's metadata says.
import { describeType, isRecord } from './json.js';
import { didYouMean } from './suggest.js';

/** `start`: once, before the first step; `each-step`: before and after each step. */
export type SnapshotPolicy = (typeof policies)[number];
const policies = ['off', 'start', 'each-step'] as const;

export interface VolumeSnapshots {
  readonly policy: SnapshotPolicy;
  /** of VolumeSnapshotClass; undefined for the default one of the volume's driver */
  readonly class?: string;
}

export interface VolumeSnapshotsReading {
  /** undefined where nothing is said */
  readonly snapshots?: VolumeSnapshots;
  readonly problems: readonly string[];
}

/** The policy alone as text, or an object with `policy` and `class`. */
export function readVolumeSnapshots(json: unknown): VolumeSnapshotsReading {
  const { policy, class: name } = isRecord(json) ? json : { policy: json, class: undefined };
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
  return { snapshots: { policy, ...(name === undefined ? {} : { class: name }) }, problems: [] };
}

function isPolicy(json: unknown): json is SnapshotPolicy {
  return (policies as readonly unknown[]).includes(json);
}
