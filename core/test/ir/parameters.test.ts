// What people write after `-p` is read by the parameter's type; what does not fit is answered in its words.
import { checkParameters, parseParameter, splitAssignment } from '../../src/ir/parameters.js';
import type { PlanParameter } from '../../src/ir/plan.js';

test.each<[PlanParameter['type'], string, unknown]>([
  ['integer', '3', 3],
  ['integer', '-1_000', -1000],
  ['integer', ' 7 ', 7],
  ['float', '3', 3],
  ['float', '.5', 0.5],
  ['float', '1e-3', 0.001],
  ['float', '-2.', -2],
  ['string', '3', '3'],
  ['string', '', ''],
  ['string', 'None', 'None'],
  ['string', "'x'", 'x'],
  ['string', 'a "b"', 'a "b"'],
  ['boolean', 'True', true],
  ['boolean', 'false', false],
  ['list', '[1, "a", null]', [1, 'a', null]],
  ['list', "[1.5, 'a\\'b', None, True,]", [1.5, "a'b", null, true]],
  ['list', '(1, 2)', [1, 2]],
  ['list', '(1,)', [1]],
  ['list', '[]', []],
  ['list', '[(1), ["\\u00e9\\n"]]', [1, ['é\n']]],
  ['dict', '{"a": {"b": [1, -2]}}', { a: { b: [1, -2] } }],
  ['dict', "{'a': 1e3,}", { a: 1000 }],
  ['dict', '{}', {}]
])('%s: %s', (type, text, value) => expect(parseParameter({ name: 'p', type, default: 0 }, text)).toEqual({ value }));

test.each<[PlanParameter['type'], string, RegExp]>([
  ['integer', '3.5', /‘p’ must be a whole number, such as 3, not ‘3.5’/],
  ['integer', 'x', /whole number/],
  ['integer', '', /whole number/],
  ['integer', '99999999999999999999', /whole number/],
  ['float', 'nan', /a number, such as 0.1, not ‘nan’/],
  ['float', '1e999', /a number/],
  ['boolean', '1', /true or false/],
  ['list', '1', /a list, such as \[1, 2\]/],
  ['list', '[1', /a list/],
  ['list', '[1 2]', /a list/],
  ['list', '[,]', /a list/],
  ['list', '[f()]', /a list/],
  ['list', '(1)', /a list/],
  ['list', '['.repeat(5000), /a list/],
  ['dict', '[1]', /a dict/],
  ['dict', '{1: 2}', /a dict/],
  ['dict', '{"a" 2}', /a dict/]
])('%s: %s is refused', (type, text, problem) => {
  expect(parseParameter({ name: 'p', type, default: 0 }, text)).toEqual({ problem: expect.stringMatching(problem) });
});

test('None is a value only where the parameter may be None', () => {
  expect(parseParameter({ name: 'p', type: 'integer', default: null }, 'None')).toEqual({ value: null });
  expect(parseParameter({ name: 'p', type: 'integer', default: 1 }, 'None')).toHaveProperty('problem');
});

const parameters: PlanParameter[] = [
  { name: 'rate', type: 'float', default: 0.1 },
  { name: 'depth', type: 'integer', default: 3 },
  { name: 'label', type: 'string', default: null }
];

test.each<[object, string[]]>([
  [{}, []],
  [{ rate: 1, depth: 2, label: null }, []],
  [{ label: 'x' }, []],
  [{ rat: 1 }, ['The pipeline has no parameter ‘rat’. Did you mean ‘rate’?']],
  [{ other: 1 }, ['The pipeline has no parameter ‘other’. Its parameters are ‘rate’, ‘depth’, ‘label’.']],
  [{ depth: 1.5 }, ['The parameter ‘depth’ must be a whole number, such as 3, not a number.']],
  [{ rate: '1' }, ['The parameter ‘rate’ must be a number, such as 0.1, not a text.']],
  [{ depth: null }, ['The parameter ‘depth’ must be a whole number, such as 3, not null.']]
])('given %j, checking says %j', (given, problems) =>
  expect(checkParameters(parameters, given as never)).toEqual(problems)
);

test('a parameter without a default needs a value', () => {
  expect(checkParameters([{ name: 'n', type: 'integer' }], {})).toEqual([expect.stringMatching(/‘n’ has no value/)]);
});

test.each([
  ['a=1', ['a', '1']],
  ['a=b=c', ['a', 'b=c']],
  ['a=', ['a', '']],
  ['a', undefined],
  ['=1', undefined]
])('%s is split', (text, expected) => expect(splitAssignment(text)).toEqual(expected));
