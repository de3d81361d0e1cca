// YAML as people paste it from Kubernetes' pages; JSON is YAML as well. It stands apart, since its parser is large and few need it.
import { parseDocument, stringify } from 'yaml';
import type { JsonValue } from './pipeline.js';

/** @throws Error whose message is one sentence with the line */
export function readYaml(text: string): JsonValue {
  const { errors, contents } = parseDocument(text, { prettyErrors: false });
  const [first] = errors;
  if (first === undefined) return (contents?.toJSON() ?? null) as JsonValue;
  const line = text.slice(0, first.pos[0]).split('\n').length;
  throw new Error(`Line ${line}: ${first.message.replace(/\.$/, '')}.`);
}

export function printYaml(value: JsonValue): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}
