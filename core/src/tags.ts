// Cell tags say what a cell is to the pipeline. This module reads them (Kale's words, all of them) and changes them for the editor.
import { readStepSpec, type StepSpec } from './step.js';

export type Role = 'imports' | 'functions' | 'parameters' | 'metrics' | 'skip';

/** One entry for each role word that may stand on a cell; the first word of a role is the one that we write. */
const roleWords: readonly (readonly [word: string, role: Role])[] = [
  ['imports', 'imports'],
  ['functions', 'functions'],
  ['pipeline-parameters', 'parameters'],
  ['parameters', 'parameters'],
  ['pipeline-metrics', 'metrics'],
  ['skip', 'skip']
];

export interface TagReading {
  /** names in `step:` and `block:` tags, each once, in their order; more than one is a mistake */
  readonly steps: readonly string[];
  /** each once, in their order */
  readonly roles: readonly Role[];
  /** names in `prev:` tags */
  readonly previous: readonly string[];
  /** what `at-end`, `image:`, `cache:`, `limit:`, `label:`, `annotation:` and `secret:` set */
  readonly spec: StepSpec;
  /** tags whose word we know and whose rest says nothing, e.g. `cache:maybe` or `limit:gpu` */
  readonly unreadable: readonly string[];
}

/** Read a cell's tags. Unknown tags are ignored; so are `step:`, `block:` and `prev:` without a name, as in Kale. */
export function readTags(tags: readonly string[]): TagReading {
  const steps = new Set<string>();
  const roles = new Set<Role>();
  const previous = new Set<string>();
  const unreadable: string[] = [];
  let spec: StepSpec = {};
  for (const tag of tags) {
    const role = toRole(tag);
    const step = toStepName(tag);
    if (role !== undefined) roles.add(role);
    else if (step !== undefined) steps.add(step);
    else if (tag.startsWith('prev:')) previous.add(tag.slice(5));
    else if (isSettingTag(tag)) {
      const changed = withSetting(spec, tag);
      if (changed === undefined || readStepSpec(changed, '').problems.length > 0) unreadable.push(tag);
      else spec = changed;
    }
  }
  steps.delete('');
  previous.delete('');
  return { steps: [...steps], roles: [...roles], previous: [...previous], spec, unreadable };
}

/**
 * Why a name cannot be a step's, or undefined where it can. Kale allows `[_a-z][_a-z0-9]*`; we allow letters of any
 * script, digits, `_`, `-` and `.`, up to 63 characters, not beginning with `-` or `.`. The names that Kubernetes
 * wants are made from it by the compiler.
 */
export function checkStepName(name: string): string | undefined {
  if (name === '') return 'A step needs a name.';
  if ([...name].length > 63) return `The step's name ‘${name}’ is longer than 63 characters. Shorten it.`;
  if (/^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u.test(name)) return undefined;
  const better = name
    .trim()
    .replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_')
    .replace(/^[-.]+/, '');
  const advice = better === '' ? '' : `, for example ‘${better}’`;
  return `‘${name}’ cannot be a step's name: it may have letters, digits, ‘_’, ‘-’ and ‘.’, and begin with a letter, a digit or ‘_’. Rename the step${advice}.`;
}

// Changing tags. Each takes a cell's tags and gives new ones; other tags stay as they are, in their order.

/** The cell becomes the head of the step `name`; another role or step name goes. */
export function withStep(tags: readonly string[], name: string): readonly string[] {
  return replaceFirst(tags, isRoleTag, `step:${name}`);
}

/** The cell becomes imports, functions, parameters, metrics or skipped. What only a step can have (`prev:`) goes. */
export function withRole(tags: readonly string[], role: Role): readonly string[] {
  const word = roleWords.find(row => row[1] === role)![0];
  return replaceFirst(withPrevious(tags, []), isRoleTag, word);
}

/** The cell joins the step above it: no role, no step, no `prev:`. */
export function withoutRole(tags: readonly string[]): readonly string[] {
  return tags.filter(tag => !isRoleTag(tag) && !tag.startsWith('prev:'));
}

/** For each cell of the notebook: the step `from` is called `to`, in its own tag and where others name it. */
export function renamedStep(tags: readonly string[], from: string, to: string): readonly string[] {
  return unique(
    tags.map(tag => {
      const [word, name] = splitTag(tag);
      return name === from && (word === 'step' || word === 'block' || word === 'prev') ? `${word}:${to}` : tag;
    })
  );
}

/** The cell's step runs after `names`, besides the steps whose values it needs. */
export function withPrevious(tags: readonly string[], names: readonly string[]): readonly string[] {
  const kept = tags.filter(tag => !tag.startsWith('prev:') || names.includes(tag.slice(5)));
  return unique([...kept, ...names.map(name => `prev:${name}`)]);
}

function isRoleTag(tag: string): boolean {
  return toRole(tag) !== undefined || toStepName(tag) !== undefined;
}

function replaceFirst(tags: readonly string[], isOld: (tag: string) => boolean, by: string): readonly string[] {
  const at = tags.findIndex(isOld);
  if (at < 0) return [...tags, by];
  return tags.flatMap((tag, i) => (i === at ? [by] : isOld(tag) ? [] : [tag]));
}

function unique(tags: readonly string[]): readonly string[] {
  return [...new Set(tags)];
}

function toRole(tag: string): Role | undefined {
  return roleWords.find(([word]) => word === tag)?.[1];
}

/** The name in a `step:` or `block:` tag, which may be empty; undefined for any other tag. */
function toStepName(tag: string): string | undefined {
  const [word, name] = splitTag(tag);
  return word === 'step' || word === 'block' ? name : undefined;
}

function splitTag(tag: string): readonly [word: string, rest: string | undefined] {
  const colon = tag.indexOf(':');
  return colon < 0 ? [tag, undefined] : [tag.slice(0, colon), tag.slice(colon + 1)];
}

// Settings in tags. Kale writes them on cells, and as a list under `steps_defaults` in the notebook's metadata.

function isSettingTag(tag: string): boolean {
  return tag === 'at-end' || /^(image|cache|limit|label|annotation|secret|report):/.test(tag);
}

/** `spec` with what one tag sets; undefined where the tag cannot be read. */
export function withSetting(spec: StepSpec, tag: string): StepSpec | undefined {
  const [word, rest = ''] = splitTag(tag);
  const [key, value] = splitTag(rest);
  switch (word) {
    case 'image':
      return rest ? { ...spec, image: rest } : spec;
    case 'cache':
      return rest === 'enabled' || rest === 'disabled' ? { ...spec, cache: rest === 'enabled' } : undefined;
    case 'label':
      return key && value !== undefined ? { ...spec, labels: { ...spec.labels, [key]: value } } : undefined;
    case 'annotation':
      return key && value !== undefined ? { ...spec, annotations: { ...spec.annotations, [key]: value } } : undefined;
    case 'limit':
      return key && value ? withLimit(spec, key, value) : undefined;
    case 'secret': {
      const [name, entry, env] = rest.split(':');
      if (!name || !entry || !env) return undefined;
      return { ...spec, secrets: [...(spec.secrets ?? []), { name, key: entry, env }] };
    }
    case 'at-end':
      return rest === '' ? { ...spec, at_end: true } : spec;
    // Kale's HTML report: every step leaves its executed notebook, asked or not.
    case 'report':
      return spec;
    default:
      return undefined;
  }
}

/** A Kubernetes limit by its resource's name; undefined where we have no setting for it. */
export function withLimit(spec: StepSpec, resource: string, amount: string): StepSpec | undefined {
  if (resource === 'cpu') return { ...spec, cpu_limit: amount };
  if (resource === 'memory') return { ...spec, memory_limit: amount };
  if (resource.includes('/') && /^\d+$/.test(amount)) return { ...spec, gpu: Number(amount), gpu_vendor: resource };
  return undefined;
}
