// Parameters as they are typed.
import type { JsonValue, Parameter, ParameterType } from '@sluice/core';
import { formatParameter, readParameter } from './parameterValues';

function parameter(type: ParameterType, value: JsonValue, isNullable = false): Parameter {
  return { name: 'p', type, default: value, isNullable, range: { cell: 0, from: 0, to: 1 } };
}

test.each<[ParameterType, JsonValue, string, ReturnType<typeof readParameter>]>([
  ['integer', 3, ' 12 ', { value: 12 }],
  ['integer', 3, '1.5', { problem: '‘p’ is a whole number, for example 3.' }],
  ['integer', 3, '', { problem: '‘p’ is a whole number, for example 3.' }],
  ['float', 0.5, '1e-3', { value: 0.001 }],
  ['float', 1, 'many', { problem: '‘p’ is a number, for example 1.0.' }],
  ['string', 'a', ' b ', { value: ' b ' }],
  ['boolean', true, 'false', { value: false }],
  ['list', [1], '[1, 2]', { value: [1, 2] }],
  ['list', [1], '{"a": 1}', { problem: '‘p’ is a list in JSON, for example [1, 2, 3].' }],
  ['dict', {}, '{"a": [1]}', { value: { a: [1] } }],
  ['dict', {}, "{'a': 1}", { problem: '‘p’ is an object in JSON, for example {"depth": 3}.' }]
])('%s %p typed %p', (type, initial, text, reading) =>
  expect(readParameter(parameter(type, initial), text)).toEqual(reading)
);

test('an empty field is None where the parameter may be None', () => {
  expect(readParameter(parameter('float', null, true), '')).toEqual({ value: null });
  expect(formatParameter(parameter('float', null, true), null)).toBe('');
});

test.each<[ParameterType, JsonValue, string]>([
  ['float', 1, '1.0'],
  ['integer', 1, '1'],
  ['list', [1, 'a'], '[1,"a"]'],
  ['boolean', false, 'false']
])('%s %p is shown as %s', (type, value, text) => expect(formatParameter(parameter(type, value), value)).toBe(text));
