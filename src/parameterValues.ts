// A parameter as text in a field, and back: what the field shows for a value, and the value, or what is wrong, in what was typed.
import type { JsonValue, Parameter } from '@sluice/core';

export type ParameterReading = { readonly value: JsonValue } | { readonly problem: string };

export function formatParameter(parameter: Parameter, value: JsonValue): string {
  if (value === null) return '';
  if (parameter.type === 'list' || parameter.type === 'dict') return JSON.stringify(value);
  if (parameter.type === 'float' && typeof value === 'number' && Number.isInteger(value)) return value.toFixed(1);
  return typeof value === 'string' ? value : String(value);
}

export function readParameter(parameter: Parameter, text: string): ParameterReading {
  const { name, type, isNullable } = parameter;
  const trimmed = text.trim();
  if (trimmed === '' && isNullable) return { value: null };
  switch (type) {
    case 'string':
      return { value: text };
    case 'boolean':
      return { value: trimmed === 'true' };
    case 'integer':
      return /^[+-]?\d+$/.test(trimmed) && Number.isSafeInteger(Number(trimmed))
        ? { value: Number(trimmed) }
        : {
            problem: `‘${name}’ is a whole number, for example ${formatParameter(parameter, parameter.default) || '1'}.`
          };
    case 'float':
      return trimmed !== '' && Number.isFinite(Number(trimmed))
        ? { value: Number(trimmed) }
        : { problem: `‘${name}’ is a number, for example ${formatParameter(parameter, parameter.default) || '0.1'}.` };
    case 'list':
    case 'dict':
      return readJson(name, type, trimmed);
  }
}

function readJson(name: string, type: 'list' | 'dict', text: string): ParameterReading {
  const problem =
    type === 'list'
      ? `‘${name}’ is a list in JSON, for example [1, 2, 3].`
      : `‘${name}’ is an object in JSON, for example {"depth": 3}.`;
  try {
    const value = JSON.parse(text) as JsonValue;
    const isRight =
      type === 'list' ? Array.isArray(value) : typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRight ? { value } : { problem };
  } catch {
    return { problem };
  }
}
