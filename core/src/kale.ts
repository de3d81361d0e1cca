// What Kale, of v1 and v2 alike, keeps in a notebook's metadata under `kubeflow_notebook`, in Sluice's words; and what has none.
import { describeType, isRecord, isStrings, saysSomething, type JsonRecord } from './json.js';
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

/** All of Kale's own, of 0.4 to 2.3, by what they hold. */
const words: Readonly<Record<string, 'string' | 'boolean' | 'number' | 'object' | 'any'>> = {
  ...{ pipeline_name: 'string', pipeline_description: 'string', experiment_name: 'string', experiment: 'any' },
  ...{ docker_image: 'string', base_image: 'string', timeout: 'number', enable_caching: 'boolean' },
  ...{ volumes: 'any', steps_defaults: 'any', snapshot_volumes: 'boolean', autosnapshot: 'boolean' },
  ...{ katib_run: 'boolean', katib_metadata: 'object' },
  ...Object.fromEntries(unneeded.map(word => [word, 'any' as const]))
};

export function readKale(kale: JsonRecord): KaleReading {
  const problems: string[] = [];
  const lost: string[] = [];
  for (const [word, value] of Object.entries(kale).filter(([, value]) => saysSomething(value))) {
    const kind = words[word];
    if (kind === undefined) lost.push(`Kale's ‘${word}’ is no word that Sluice knows; it is not kept.`);
    else if (kind !== 'any' && (typeof value !== kind || Array.isArray(value)))
      problems.push(`The notebook's ‘${word}’ is ${describeType(value)} instead of ${articles[kind]}; it is ignored.`);
  }
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
    defaults: mergeSpecs(readDefaults(kale, problems, lost), volumes.length === 0 ? {} : { volumes }),
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

const articles = { string: 'a text', boolean: 'true or false', number: 'a number', object: 'an object' };

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
  return json.flatMap((volume: unknown): readonly VolumeSpec[] => {
    if (!isRecord(volume)) {
      problems.push(`One of the notebook's ‘volumes’ is ${describeType(volume)} instead of an object; it is ignored.`);
      return [];
    }
    const name = toText(volume.name) ?? '';
    const further = Object.keys(volume).filter(key => !volumeWords.includes(key) && saysSomething(volume[key]));
    if (further.length > 0 && volume.type !== 'clone')
      lost.push(
        `Kale's volume ‘${name}’ has ${further.map(key => `‘${key}’ (${JSON.stringify(volume[key])})`).join(' and ')}, which ${further.length === 1 ? 'is' : 'are'} not kept. Give the claim what it needs of it where you make it.`
      );
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

/** what becomes something here, or is told of with the volume's type */
const volumeWords = ['type', 'name', 'mount_point', 'snapshot', 'size', 'size_type'];

function sizeOf({ size, size_type }: JsonRecord): string {
  return size === undefined || size === null || size === '' ? '' : ` of ${String(size)}${toText(size_type) ?? ''}`;
}

// Kale ≤ 1 says `docker_image`, Kale 2 `base_image`; `steps_defaults` is a list of tags, or the object made from it.
function readDefaults(kale: JsonRecord, problems: string[], lost: string[]): StepSpec {
  const image = toText(kale.base_image) ?? toText(kale.docker_image);
  const start: StepSpec = {
    ...(image === undefined ? {} : { image }),
    ...(typeof kale.timeout === 'number' && kale.timeout > 0 ? { timeout: Math.floor(kale.timeout) } : {}),
    ...(typeof kale.enable_caching === 'boolean' ? { cache: kale.enable_caching } : {})
  };
  const given = kale.steps_defaults;
  if (given === undefined || given === null) return start;
  if (isRecord(given)) return mergeSpecs(start, fromKaleObject(given, problems, lost));
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

function fromKaleObject(json: JsonRecord, problems: string[], lost: string[]): StepSpec {
  const { base_image, docker_image, labels, annotations, enable_caching, limits, timeout, ...rest } = json;
  const { retry_count, retry_interval, retry_factor, retry_max_interval, ...further } = rest;
  const given = {
    image: toText(base_image) ?? toText(docker_image),
    ...{ labels, annotations, timeout, cache: enable_caching, retries: retry_count },
    retry_delay: toSeconds(retry_interval),
    retry_factor,
    retry_delay_max: toSeconds(retry_max_interval)
  };
  const { spec, problems: faults } = readStepSpec(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null)),
    'Kale’s defaults for steps'
  );
  problems.push(...faults);
  for (const word of Object.keys(further).filter(word => saysSomething(further[word])))
    lost.push(`‘${word}’ of Kale's defaults for steps is no word that Sluice knows; it is not kept.`);
  return Object.entries(isRecord(limits) ? limits : {}).reduce((result, [resource, amount]) => {
    const changed = withLimit(result, resource, String(amount));
    if (changed === undefined)
      problems.push(
        `The limit ‘${resource}: ${String(amount)}’ of Kale's defaults for steps cannot be read; it is ignored.`
      );
    return changed ?? result;
  }, spec);
}

// Kale writes waits as Argo does: `30`, `30s`, `5m`, `1h`.
function toSeconds(json: unknown): number | undefined {
  const [, number, unit] = /^(\d+)([smh]?)$/.exec(String(json ?? '')) ?? [];
  return number === undefined
    ? undefined
    : Number(number) * { '': 1, s: 1, m: 60, h: 3600 }[unit as '' | 's' | 'm' | 'h'];
}
