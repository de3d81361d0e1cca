// What a step takes and gives.
import { nullTranslator } from '@jupyterlab/translation';
import type { Flow, Pipeline, PipelineStep, StepRun } from '@sluice/core';
import { definitionsOf, inputsOf, joinNames, outputsOf, waitsFor } from './stepFlows';

function flow(
  name: string,
  from: string,
  to: string,
  kind: Flow['kind'],
  certainty: Flow['certainty'] = 'certain'
): Flow {
  return { name, from, to, kind, certainty, reason: { range: { cell: 0, from: 0, to: 1 }, through: [], text: '' } };
}

const pipeline = {
  steps: [
    { name: 'load', after: [], outputs: [{ artifact: 'a', names: ['df', 'view'] }] },
    { name: 'train', after: ['load'], outputs: [] }
  ] as unknown as readonly PipelineStep[],
  flows: [
    flow('df', 'load', 'train', 'value', 'possible'),
    flow('df', 'load', 'train', 'value'),
    flow('pd', 'load', 'train', 'import'),
    flow('fit', 'load', 'train', 'definition'),
    flow('data.csv', 'load', 'train', 'file'),
    flow('load', 'load', 'train', 'order')
  ]
} as unknown as Pipeline;

test('an input is told once, with all its reasons; what travels as source is not told', () => {
  expect(
    inputsOf(pipeline, 'train').map(({ name, kind, certainty, flows }) => [name, kind, certainty, flows.length])
  ).toEqual([
    ['df', 'value', 'certain', 2],
    ['data.csv', 'file', 'certain', 1],
    ['load', 'order', 'certain', 1]
  ]);
});

test('what it defines for others', () => expect(definitionsOf(pipeline, 'load')).toEqual(['fit']));

test('outputs are the names of all bundles', () => expect(outputsOf(pipeline, 'load')).toEqual(['df', 'view']));

test.each<[StepRun['state'], readonly string[]]>([
  ['running', ['load']],
  ['succeeded', []],
  ['cached', []]
])('while load is %s, train waits for %p', (state, names) =>
  expect(waitsFor(pipeline, 'train', [{ name: 'load', state }])).toEqual(names)
);

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 'c'], 'a, b and c']
])('%p reads %s', (names, text) => expect(joinNames(names, nullTranslator.load('jupyterlab_sluice'))).toBe(text));
