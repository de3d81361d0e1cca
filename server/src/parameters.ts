// Values for a pipeline's parameters, as typed on a command line or sent as JSON. Each is held to the parameter's type before anything runs.
import type { JsonValue, ParameterType } from '@sluice/core';
import { PipelineError } from './errors.js';
import { closest } from './words.js';

/** What is known of a parameter, from the notebook or from the IR. */
export interface ParameterSpec {
  readonly name: string;
  readonly type: ParameterType;
  readonly isNullable?: boolean;
}

type Values = Readonly<Record<string, JsonValue>>;

/** @throws PipelineError `invalid-parameter` for a value of another type, and for a name that the pipeline does not have. */
export function checkParameters(specs: readonly ParameterSpec[], values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, checkValue(find(specs, name), value)])
  );
}

/** From `NAME=VALUE` texts. Lists and dicts are JSON. */
export function parseParameters(specs: readonly ParameterSpec[], texts: readonly string[]): Values {
  return Object.fromEntries(
    texts.map(text => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new PipelineError(`‘${text}’ sets no parameter. Write -p NAME=VALUE.`, 'usage');
      const spec = find(specs, text.slice(0, equals));
      return [spec.name, checkValue(spec, parseValue(spec, text.slice(equals + 1)))];
    })
  );
}

function find(specs: readonly ParameterSpec[], name: string): ParameterSpec {
  const spec = specs.find(spec => spec.name === name);
  if (spec !== undefined) return spec;
  const guess = closest(
    name,
    specs.map(spec => spec.name)
  );
  const known = specs.length === 0 ? 'It has none.' : `It has ${specs.map(spec => `‘${spec.name}’`).join(', ')}.`;
  throw new PipelineError(
    `The pipeline has no parameter ‘${name}’. ${guess === undefined ? known : `Did you mean ‘${guess}’?`}`,
    'invalid-parameter'
  );
}

function parseValue({ type, isNullable }: ParameterSpec, text: string): JsonValue {
  if (isNullable && /^(None|null)$/.test(text)) return null;
  switch (type) {
    case 'string':
      return text;
    case 'integer':
    case 'float':
      return /^\s*[+-]?(\d[\d_]*)?\.?\d*(e[+-]?\d+)?\s*$/i.test(text) && /\d/.test(text)
        ? Number(text.replaceAll('_', ''))
        : text;
    case 'boolean':
      return { true: true, false: false, yes: true, no: false, 1: true, 0: false }[text.toLowerCase()] ?? text;
    case 'list':
    case 'dict':
      try {
        return JSON.parse(text) as JsonValue;
      } catch {
        return text;
      }
  }
}

function checkValue({ name, type, isNullable }: ParameterSpec, value: JsonValue): JsonValue {
  if (value === null && isNullable) return null;
  if (isOfType(type, value)) return value;
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  throw new PipelineError(
    `The parameter ‘${name}’ is ${descriptions[type]}; ‘${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}’ is not. ${examples[type]}`,
    'invalid-parameter'
  );
}

function isOfType(type: ParameterType, value: JsonValue): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'float':
      return typeof value === 'number' && Number.isFinite(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value);
    case 'dict':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}

const descriptions: Record<ParameterType, string> = {
  string: 'a text',
  integer: 'a whole number',
  float: 'a number',
  boolean: 'true or false',
  list: 'a list',
  dict: 'a dict'
};

const examples: Record<ParameterType, string> = {
  string: 'Write it in quotes.',
  integer: 'Write e.g. 100.',
  float: 'Write e.g. 0.5.',
  boolean: 'Write true or false.',
  list: 'Write it as JSON, e.g. [1, 2].',
  dict: 'Write it as JSON, e.g. {"depth": 3}.'
};
