// What a parameters cell's literals are worth, and what is no parameter.
import { makeAnalyzer } from '../src/analyze.js';
import { parser } from './python/python.js';

const read = async (source: string): Promise<readonly unknown[]> => {
  const cells = [
    { index: 0, type: 'code' as const, source, tags: ['parameters'] },
    { index: 1, type: 'code' as const, source: 'print(x)', tags: ['step:a'] }
  ];
  const { pipeline } = makeAnalyzer(await parser()).analyze({ cells, metadata: {} });
  return pipeline.parameters.map(parameter => [parameter.type, parameter.default]);
};

test.each<[string, string, readonly unknown[]]>([
  ['a whole number', 'x = 1', [['integer', 1]]],
  ['a negative one', 'x = -1', [['integer', -1]]],
  ['a power', 'x = 10**3', [['integer', 1000]]],
  ['a fraction', 'x = 1 / 4', [['float', 0.25]]],
  ['a division by nothing', 'x = 1 / 0', []],
  ['a text', "x = 'a' 'b'", [['string', 'ab']]],
  ['a repeated text', "x = '-' * 3", [['string', '---']]],
  ['a text less than once', "x = '-' * -1", [['string', '']]],
  ['a text too long to be set by a person', "x = '-' * 10**9", []],
  ['a text half a time', "x = '-' * 0.5", []],
  ['a repeated list', 'x = [0, 1] * 2', [['list', [0, 1, 0, 1]]]],
  ['a list too long to be set by a person', 'x = [0] * 10**9', []],
  ['a truth', 'x = True', [['boolean', true]]],
  ['a dictionary', "x = {'a': [1, None]}", [['dict', { a: [1, null] }]]],
  ['an annotated one', 'x: float = 1', [['float', 1]]],
  ['a call is none', 'x = int(3)', []],
  ['a number beyond JSON is none', 'x = 2**70', []]
])('%s', async (_, source, expected) => expect(await read(source)).toEqual(expected));
