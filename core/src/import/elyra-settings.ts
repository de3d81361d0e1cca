// What a node of Elyra's asks for, in Sluice's words. Elyra changed the forms over time: `A=b` became `{env_var, value}`.
import { isRecord, saysSomething, type JsonRecord } from '../json.js';
import { readStepSpec, type StepSpec } from '../step.js';

/** what {@link readElyraSettings} takes */
const taken = [
  ...[
    'runtime_image',
    'cpu',
    'cpu_limit',
    'memory',
    'memory_limit',
    'gpu',
    'gpu_vendor',
    'env_vars',
    'mounted_volumes'
  ],
  ...['kubernetes_secrets', 'kubernetes_tolerations', 'kubernetes_pod_labels', 'kubernetes_pod_annotations'],
  ...['kubernetes_shared_mem_size', 'disable_node_caching', 'cos_object_prefix']
];

/** what says which node it is and how it looks, and files that steps have without being told, as all of the folder is there */
const about = [
  ...['filename', 'label', 'pipeline_parameters', 'dependencies', 'include_subdirectories', 'outputs'],
  ...['ui_data', 'component_parameters', 'component_source', 'component_description', 'component_reference'],
  ...['invalidNodeError', 'id', 'image', 'type']
];

/** `where` begins the sentences, which are those about what cannot be kept. */
export function readElyraSettings(properties: JsonRecord, where: string, say: (note: string) => void): StepSpec {
  const { cpu, cpu_limit, memory, memory_limit, gpu, gpu_vendor } = properties;
  const { runtime_image, disable_node_caching, kubernetes_shared_mem_size, cos_object_prefix } = properties;
  const shared = isRecord(kubernetes_shared_mem_size) ? kubernetes_shared_mem_size : {};
  if (cos_object_prefix)
    say(`${where} had the object prefix ‘${String(cos_object_prefix)}’; values go by the runner's own storage here.`);
  for (const [key, value] of Object.entries(properties))
    if (!taken.includes(key) && !about.includes(key) && saysSomething(value))
      say(
        `${where} had ‘${key}’ (${JSON.stringify(value).slice(0, 80)}), which Sluice has no word for; it is not kept.`
      );
  const settings = {
    image: typeof runtime_image === 'string' && runtime_image !== '' ? runtime_image : undefined,
    cpu: toText(cpu),
    cpu_limit: toText(cpu_limit),
    memory: toText(memory, 'G'),
    memory_limit: toText(memory_limit, 'G'),
    gpu: typeof gpu === 'number' && gpu > 0 ? gpu : undefined,
    gpu_vendor: gpu && typeof gpu_vendor === 'string' && gpu_vendor !== '' ? gpu_vendor : undefined,
    env: toMap(entries(properties.env_vars, toVariable), 'env_var'),
    secrets: notEmpty(
      entries(properties.kubernetes_secrets, toSecret).map(({ env_var, name, key }) => ({ name, key, env: env_var }))
    ),
    volumes: notEmpty(entries(properties.mounted_volumes, toVolume).map(toVolumeSpec)),
    tolerations: notEmpty(entries(properties.kubernetes_tolerations, toToleration).map(withoutEmpty)),
    labels: toMap(entries(properties.kubernetes_pod_labels, toPair), 'key'),
    annotations: toMap(entries(properties.kubernetes_pod_annotations, toPair), 'key'),
    shared_memory: toText(shared.size, typeof shared.units === 'string' ? shared.units : 'G'),
    cache: [true, 'True', 'true'].includes(disable_node_caching as boolean) ? false : undefined
  };
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const { spec, problems } = readStepSpec(given, where);
  problems.forEach(say);
  return spec;
}

function toText(value: unknown, unit = ''): string | undefined {
  const number = Number(value ?? '');
  return value === '' || value === null || !Number.isFinite(number) || number <= 0 ? undefined : `${number}${unit}`;
}

/** Entries that say something, those of old forms made new. */
function entries(value: unknown, fromText: (text: string) => JsonRecord): readonly JsonRecord[] {
  if (!Array.isArray(value)) return [];
  return value
    .map(item => (typeof item === 'string' ? fromText(item) : item) as unknown)
    .filter(isRecord)
    .filter(item => Object.values(item).some(part => part !== '' && part !== null && part !== undefined));
}

function split(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const toVariable = (text: string): JsonRecord => ({ env_var: split(text, '=')[0], value: split(text, '=')[1] });
const toPair = (text: string): JsonRecord => ({ key: split(text, '=')[0], value: split(text, '=')[1] });
const toVolume = (text: string): JsonRecord => ({ path: split(text, '=')[0], pvc_name: split(text, '=')[1] });

function toSecret(text: string): JsonRecord {
  const [env_var, rest] = split(text, '=');
  const [name, key] = split(rest, ':');
  return { env_var, name, key };
}

function toToleration(text: string): JsonRecord {
  const [key, operator, value, effect] = text.split(':');
  return { key, operator, value, effect };
}

function toVolumeSpec({ path, pvc_name, sub_path, read_only }: JsonRecord): JsonRecord {
  return {
    pvc_name,
    path: typeof path === 'string' ? `/${path.replace(/^\/+|\/+$/g, '')}` : path,
    ...(sub_path ? { sub_path } : {}),
    ...(read_only === true ? { read_only } : {})
  };
}

function withoutEmpty(record: JsonRecord): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== '' && value !== undefined && value !== null)
  );
}

function toMap(list: readonly JsonRecord[], name: string): JsonRecord | undefined {
  const pairs = list.filter(item => typeof item[name] === 'string').map(item => [item[name], String(item.value ?? '')]);
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

function notEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
