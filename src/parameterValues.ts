// A parameter as text in a field, and back: values are written as Python writes them, and read as on the command line.
import { parseParameter, type JsonValue, type Parameter, type ParameterReading } from '@sluice/core';

export function formatParameter(parameter: Parameter, value: JsonValue): string {
  const { type } = parameter;
  if (value === null) return '';
  if (type === 'boolean') return String(value);
  if (typeof value !== 'string') return toPython(value, type === 'float');
  // A text that would be read as another one, since it has quotes around it, is put into quotes of ours.
  const reading = readParameter(parameter, value);
  return 'value' in reading && reading.value === value ? value : toPython(value);
}

/** An empty field is None, where the parameter may be None. */
export function readParameter(parameter: Parameter, text: string): ParameterReading {
  const { name, type, isNullable } = parameter;
  if (isNullable && text.trim() === '') return { value: null };
  return parseParameter({ name, type, ...(isNullable ? { default: null } : {}) }, text);
}

function toPython(value: JsonValue, isFloat = false): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return isFloat && Number.isInteger(value) ? value.toFixed(1) : String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(item => toPython(item)).join(', ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${toPython(item as JsonValue)}`);
  return `{${entries.join(', ')}}`;
}
