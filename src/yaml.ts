// Settings that are objects of Kubernetes' own, typed as YAML. What reads it is loaded when a form that has such a setting is first shown; until
// then, and where it cannot be had, they are JSON.
import type { PartialJSONValue } from '@lumino/coreutils';
import type { JsonValue } from '@sluice/core';
import type * as Yaml from '@sluice/core/yaml';

let yaml: typeof Yaml | undefined;

/** True where it has been loaded by this call. */
export async function loadYaml(): Promise<boolean> {
  if (yaml !== undefined) return false;
  yaml = await import('@sluice/core/yaml').catch(() => undefined);
  return yaml !== undefined;
}

/**
 * `name` may stand above it, as in a pod's `affinity:`.
 * @throws Error with what is wrong, and in which line
 */
export function readObject(text: string, name: string): PartialJSONValue {
  const value = (yaml === undefined ? JSON.parse(text) : yaml.readYaml(text)) as PartialJSONValue;
  const isNamed = typeof value === 'object' && value !== null && Object.keys(value).join() === name;
  return isNamed ? (value as Record<string, PartialJSONValue>)[name]! : value;
}

export function printObject(value: unknown): string {
  return yaml === undefined ? JSON.stringify(value, undefined, 2) : yaml.printYaml(value as JsonValue);
}
