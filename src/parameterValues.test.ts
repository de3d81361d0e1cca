// Parameters as they are typed.
import type { JsonValue, Parameter, ParameterType } from '@sluice/core';
import { formatParameter, readParameter } from './parameterValues';

function parameter(type: ParameterType, value: JsonValue, isNullable = false): Parameter {
  return { name: 'p', type, default: value, isNullable, range: { cell: 0, from: 0, to: 1 } };
}

test.each<[ParameterType, JsonValue, string, JsonValue]>([
  ['integer', 3, ' 12 ', 12],
  ['integer', 3, '1_000', 1000],
  ['float', 0.5, '1e-3', 0.001],
  ['string', 'a', ' b ', ' b '],
  ['string', 'a', "'x'", 'x'],
  ['string', 'a', "it's 'x'", "it's 'x'"],
  ['string', 'a', '"a" + "b"', '"a" + "b"'],
  ['boolean', true, 'false', false],
  ['list', [1], '[1, 2]', [1, 2]],
  ['list', [1], "(1, 'x', None)", [1, 'x', null]],
  ['dict', {}, '{"a": [1]}', { a: [1] }],
  ['dict', {}, "{'a': True}", { a: true }]
])('%s %p typed %p', (type, initial, text, value) =>
  expect(readParameter(parameter(type, initial), text)).toEqual({ value })
);

test.each<[ParameterType, string, RegExp]>([
  ['integer', '1.5', /‘p’ must be a whole number/],
  ['integer', '', /‘p’ must be a whole number/],
  ['float', 'many', /‘p’ must be a number/],
  ['list', '{"a": 1}', /‘p’ must be a list/],
  ['dict', '[1]', /‘p’ must be a dict/]
])('%s cannot be %p', (type, text, problem) =>
  expect(readParameter(parameter(type, 0), text)).toEqual({ problem: expect.stringMatching(problem) })
);

test('an empty field is None where the parameter may be None', () => {
  expect(readParameter(parameter('float', null, true), '')).toEqual({ value: null });
  expect(readParameter(parameter('integer', 3, true), 'None')).toEqual({ value: null });
  expect(formatParameter(parameter('float', null, true), null)).toBe('');
});

test.each<[ParameterType, JsonValue, string]>([
  ['float', 1, '1.0'],
  ['integer', 1, '1'],
  ['list', [1, 'a', null], '[1, "a", None]'],
  ['dict', { a: [true] }, '{"a": [True]}'],
  ['string', 'x', 'x'],
  ['string', "'x'", `"'x'"`],
  ['boolean', false, 'false']
])('%s %p is shown as %s', (type, value, text) => expect(formatParameter(parameter(type, value), value)).toBe(text));
