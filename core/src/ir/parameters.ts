// A run gives parameters values. They are checked before anything starts, and each message says which parameter wants what.
import { describeType, isRecord } from '../json.js';
import type { JsonValue, ParameterType } from '../pipeline.js';
import { didYouMean } from '../suggest.js';
import { parseLiteral } from './literal.js';
import type { PlanParameter } from './plan.js';

export type ParameterReading = { readonly value: JsonValue } | { readonly problem: string };

interface Kind {
  /** what is expected, with an example */
  readonly expected: string;
  parse(text: string): JsonValue | undefined;
  accepts(value: unknown): boolean;
}

const kinds: Readonly<Record<ParameterType, Kind>> = {
  integer: {
    expected: 'a whole number, such as 3',
    parse: text => (/^\s*[-+]?\d[\d_]*\s*$/.test(text) ? Number(text.replaceAll('_', '')) : undefined),
    accepts: Number.isSafeInteger
  },
  float: {
    expected: 'a number, such as 0.1',
    parse: text =>
      /^\s*[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?\s*$/.test(text)
        ? Number(text.replaceAll('_', ''))
        : undefined,
    accepts: Number.isFinite
  },
  string: { expected: 'a text', parse: text => parseQuoted(text) ?? text, accepts: value => typeof value === 'string' },
  boolean: {
    expected: 'true or false',
    parse: text => ({ true: true, false: false })[text.trim().toLowerCase()],
    accepts: value => typeof value === 'boolean'
  },
  list: { expected: 'a list, such as [1, 2]', parse: parseLiteral, accepts: Array.isArray },
  dict: { expected: 'a dict, such as {"a": 1}', parse: parseLiteral, accepts: isRecord }
};

/** The text between the quotes, where all of it is one text as Python writes it. */
function parseQuoted(text: string): string | undefined {
  if (!/^\s*['"]/.test(text)) return undefined;
  const value = parseLiteral(text);
  return typeof value === 'string' ? value : undefined;
}

/** Read what a person wrote for a parameter: `3`, `0.1`, `true`, a text with or without quotes, or a list or dict as JSON or Python write it. */
export function parseParameter(parameter: PlanParameter, text: string): ParameterReading {
  if (parameter.default === null && /^\s*(None|null)\s*$/.test(text)) return { value: null };
  const { parse, accepts, expected } = kinds[parameter.type];
  const value = parse(text);
  if (value !== undefined && accepts(value)) return { value };
  return { problem: `The parameter ‘${parameter.name}’ must be ${expected}, not ‘${text}’.` };
}

/** One sentence for each value that its parameter cannot take, each name that is no parameter, and each value that is missing. */
export function checkParameters(
  parameters: readonly PlanParameter[],
  given: Readonly<Record<string, unknown>>
): readonly string[] {
  const names = parameters.map(parameter => parameter.name);
  const unknown = Object.keys(given)
    .filter(name => !names.includes(name))
    .map(name => {
      const list =
        names.length === 0 ? ' It has none.' : ` Its parameters are ${names.map(other => `‘${other}’`).join(', ')}.`;
      return `The pipeline has no parameter ‘${name}’.${didYouMean(name, names) || list}`;
    });
  const wrong = parameters.flatMap(({ name, type, default: initial }) => {
    const value = Object.hasOwn(given, name) ? given[name] : initial;
    if (value === undefined) return [`The parameter ‘${name}’ has no value. Give it one with -p ${name}=VALUE.`];
    if ((value === null && initial === null) || kinds[type].accepts(value)) return [];
    return [`The parameter ‘${name}’ must be ${kinds[type].expected}, not ${describeType(value)}.`];
  });
  return [...unknown, ...wrong];
}

/** `NAME=VALUE` in two; undefined where it has no name. */
export function splitAssignment(text: string): readonly [name: string, value: string] | undefined {
  const at = text.indexOf('=');
  return at > 0 ? [text.slice(0, at).trim(), text.slice(at + 1)] : undefined;
}
