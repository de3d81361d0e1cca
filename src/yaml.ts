// Settings that are objects of Kubernetes' own, typed as YAML. What reads it is loaded when a form that has such a setting is first shown; until
// then, and where it cannot be had, they are JSON, which is YAML as well.
import type { PartialJSONValue } from '@lumino/coreutils';
import type * as Yaml from 'js-yaml';

let yaml: typeof Yaml | undefined;

/** True where it has been loaded by this call. */
export async function loadYaml(): Promise<boolean> {
  if (yaml !== undefined) return false;
  yaml = await import('js-yaml').catch(() => undefined);
  return yaml !== undefined;
}

/**
 * `name` may stand above it, as in a pod's `affinity:`.
 * @throws Error with what is wrong, and in which line
 */
export function readObject(text: string, name: string): PartialJSONValue {
  const value = yaml === undefined ? (JSON.parse(text) as PartialJSONValue) : readYaml(yaml, text);
  const isNamed = typeof value === 'object' && value !== null && Object.keys(value).join() === name;
  return isNamed ? (value as Record<string, PartialJSONValue>)[name]! : value;
}

export function printObject(value: unknown): string {
  if (yaml === undefined) return JSON.stringify(value, undefined, 2);
  return yaml.dump(value, { lineWidth: -1, noRefs: true }).trimEnd();
}

function readYaml({ load, YAMLException }: typeof Yaml, text: string): PartialJSONValue {
  try {
    return load(text) as PartialJSONValue;
  } catch (error) {
    if (!(error instanceof YAMLException) || error.mark === undefined) throw error;
    const { reason, mark } = error;
    throw new Error(`Line ${mark.line + 1}: ${reason}.`, { cause: error });
  }
}
