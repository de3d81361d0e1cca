// What Kale, of v1 and v2 alike, keeps in a notebook's metadata under `kubeflow_notebook`, in Sluice's words; and what has none.
import { describeType, isRecord, isStrings, type JsonRecord } from './json.js';
import { mergeSpecs, readStepSpec, type StepSpec, type VolumeSpec } from './step.js';
import { withLimit, withSetting } from './tags.js';

export interface KaleReading {
  readonly name?: string;
  readonly description?: string;
  readonly experiment?: string;
  /** its volumes among them */
  readonly defaults: StepSpec;
  /** when Kale made snapshots of volumes */
  readonly snapshots?: 'start' | 'each-step';
  /** Katib's block as it stands, and whether runs were to be searches */
  readonly katib?: { readonly run: boolean; readonly metadata: JsonRecord };
  /** one sentence for each entry that cannot be read */
  readonly problems: readonly string[];
  /** one sentence for each thing that Kale did and that is not done here */
  readonly lost: readonly string[];
  /** words that say nothing here, since what they are about needs no setting */
  readonly unneeded: readonly string[];
}

const unneeded = [
  'abs_working_dir',
  'marshal_path',
  'marshal_volume',
  'kfp_host',
  'notebook_path',
  'storage_class_name',
  'volume_access_mode'
];

export function readKale(kale: JsonRecord): KaleReading {
  const problems: string[] = [];
  const lost: string[] = [];
  const volumes = readVolumes(kale.volumes, problems, lost);
  if (kale.katib_run === true)
    lost.push(
      'Kale searched for the best parameters with Katib; here a run has the parameters that it is given. What was to be searched stays in the notebook’s metadata.'
    );
  const experiment =
    toText(kale.experiment_name) ?? (isRecord(kale.experiment) ? toText(kale.experiment.name) : undefined);
  return {
    ...named('name', toText(kale.pipeline_name)),
    ...named('description', toText(kale.pipeline_description)),
    ...named('experiment', experiment),
    defaults: mergeSpecs(readDefaults(kale, problems), volumes.length === 0 ? {} : { volumes }),
    ...(kale.autosnapshot === true
      ? { snapshots: 'each-step' as const }
      : kale.snapshot_volumes === true
        ? { snapshots: 'start' as const }
        : {}),
    ...(isRecord(kale.katib_metadata)
      ? { katib: { run: kale.katib_run === true, metadata: kale.katib_metadata } }
      : {}),
    problems,
    lost: [...new Set(lost)],
    unneeded: unneeded.filter(word => kale[word] !== undefined && kale[word] !== '')
  };
}

function named<K extends string>(key: K, value: string | undefined): { readonly [key in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: string };
}

function toText(json: unknown): string | undefined {
  return typeof json === 'string' && json.trim() !== '' ? json.trim() : undefined;
}

// Kale 1's volumes: `pvc` is a claim, `pv` a volume without one, `new_pvc` one made for the run, `clone` a copy of the notebook server's own.
function readVolumes(json: unknown, problems: string[], lost: string[]): readonly VolumeSpec[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json)) {
    problems.push(`The notebook's ‘volumes’ are ${describeType(json)} instead of a list; they are ignored.`);
    return [];
  }
  return json.filter(isRecord).flatMap((volume): readonly VolumeSpec[] => {
    const name = toText(volume.name) ?? '';
    const path = toText(volume.mount_point) ?? '';
    const own = {
      ...{ pvc_name: name, path: path.replace(/(?<=.)\/+$/, '') },
      ...(volume.snapshot === true ? { snapshot: 'each-step' } : {})
    };
    const put = `put ${JSON.stringify(own)} into ‘sluice.volumes’`;
    if (volume.snapshot === true && volume.type === 'pvc')
      lost.push(
        `Kale made a snapshot of the volume ‘${name}’ after the run; Sluice makes one before and after each step that mounts it.`
      );
    switch (volume.type) {
      case 'pvc': {
        const { spec, problems: faults } = readStepSpec({ volumes: [own] }, `Kale's volume ‘${name}’`);
        problems.push(...faults);
        return spec.volumes ?? [];
      }
      case 'pv':
        lost.push(
          `Kale mounted the PersistentVolume ‘${name}’ at ‘${path}’. Make a claim for it, and ${put} with the claim's name.`
        );
        return [];
      case 'new_pvc':
        lost.push(
          `Kale made the volume ‘${name}’${sizeOf(volume)} anew for each run, at ‘${path}’. Write to the notebook's folder, of which each run has a copy; or make a claim of that name, and ${put}.`
        );
        return [];
      case 'clone':
        lost.push(
          'Kale cloned the notebook server’s volumes for each run; here a run works in a copy of the notebook’s folder.'
        );
        return [];
      default:
        problems.push(
          `Kale's volume ‘${name}’ has the type ‘${String(volume.type)}’, which is none of Kale's; it is ignored.`
        );
        return [];
    }
  });
}

function sizeOf({ size, size_type }: JsonRecord): string {
  return size === undefined || size === null || size === '' ? '' : ` of ${String(size)}${toText(size_type) ?? ''}`;
}

// Kale ≤ 1 says `docker_image`, Kale 2 `base_image`; `steps_defaults` is a list of tags, or the object made from it.
function readDefaults(kale: JsonRecord, problems: string[]): StepSpec {
  const image = toText(kale.base_image) ?? toText(kale.docker_image);
  const start: StepSpec = {
    ...(image === undefined ? {} : { image }),
    ...(typeof kale.timeout === 'number' && kale.timeout > 0 ? { timeout: Math.floor(kale.timeout) } : {}),
    ...(typeof kale.enable_caching === 'boolean' ? { cache: kale.enable_caching } : {})
  };
  const given = kale.steps_defaults;
  if (given === undefined || given === null) return start;
  if (isRecord(given)) return mergeSpecs(start, fromKaleObject(given));
  if (!isStrings(given)) {
    problems.push(
      `The notebook's ‘steps_defaults’ are ${describeType(given)} instead of a list of tags; they are ignored.`
    );
    return start;
  }
  return given.reduce((spec, tag) => {
    const changed = withSetting(spec, tag);
    if (changed === undefined) problems.push(`The default ‘${tag}’ for steps cannot be read and is ignored.`);
    return changed ?? spec;
  }, start);
}

function fromKaleObject(json: JsonRecord): StepSpec {
  const { spec } = readStepSpec(
    {
      image: toText(json.base_image),
      labels: json.labels,
      annotations: json.annotations,
      cache: json.enable_caching,
      retries: json.retry_count,
      retry_delay: toSeconds(json.retry_interval),
      retry_factor: json.retry_factor,
      retry_delay_max: toSeconds(json.retry_max_interval),
      timeout: json.timeout
    },
    'Kale'
  );
  const limits = Object.entries(isRecord(json.limits) ? json.limits : {});
  return limits.reduce((result, [resource, amount]) => withLimit(result, resource, String(amount)) ?? result, spec);
}

// Kale writes waits as Argo does: `30`, `30s`, `5m`, `1h`.
function toSeconds(json: unknown): number | undefined {
  const [, number, unit] = /^(\d+)([smh]?)$/.exec(String(json ?? '')) ?? [];
  return number === undefined
    ? undefined
    : Number(number) * { '': 1, s: 1, m: 60, h: 3600 }[unit as '' | 's' | 'm' | 'h'];
}
