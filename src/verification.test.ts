// How the result of a verification is put into words.
import { nullTranslator } from '@jupyterlab/translation';
import type { Difference, Verification, VerifiedStep } from '@sluice/core';
import { describeVerification } from './verification';

const step = (name: string, changes: Partial<VerifiedStep> = {}): VerifiedStep => ({
  name,
  state: 'same',
  values: 0,
  outputs: 0,
  differences: [],
  unsteady: [],
  notCompared: [],
  hints: [],
  ...changes
});

const difference = (changes: Partial<Difference> = {}): Difference => ({
  step: 'c',
  kind: 'value',
  name: 'total',
  cell: 4,
  notebook: '3',
  pipeline: '1',
  text: '‘total’ differs: notebook 3, pipeline 1.',
  ...changes
});

test.each<[string, Partial<Verification>, ReturnType<typeof describeVerification>]>([
  [
    'all equal',
    { steps: [step('a', { values: 5, outputs: 2 }), step('b', { values: 7, outputs: 1 })] },
    { sentence: 'The pipeline does as the notebook does: 12 values and 3 outputs are equal.', remarks: [] }
  ],
  [
    'one value only',
    { steps: [step('a', { values: 1 })] },
    { sentence: 'The pipeline does as the notebook does: 1 value is equal.', remarks: [] }
  ],
  [
    'nothing to compare',
    { steps: [step('a')] },
    { sentence: 'The pipeline does as the notebook does: neither leaves values or outputs.', remarks: [] }
  ],
  [
    'random numbers without a seed, and what has no fingerprint',
    {
      steps: [
        step('a', { values: 2, unsteady: [difference({ name: 'draw' }), difference({ name: 'draw', cell: 5 })] }),
        step('b', { notCompared: [{ name: 'log', reason: 'it is a file' }] })
      ]
    },
    {
      sentence: 'The pipeline does as the notebook does: 2 values are equal.',
      remarks: [
        'Not judged, since it differs each time the notebook runs: ‘draw’.',
        'Not compared: ‘log’, since it is a file.'
      ]
    }
  ],
  [
    'a difference',
    {
      outcome: 'different',
      first: difference(),
      steps: [
        step('b'),
        step('c', { state: 'different', differences: [difference()], hints: ['Step ‘a’ gives it ‘xs’.'] })
      ]
    },
    {
      sentence: 'Step ‘c’ does not do as the notebook does.',
      first: difference(),
      remarks: ['Step ‘a’ gives it ‘xs’.']
    }
  ],
  [
    'a notebook that fails',
    { outcome: 'failed', steps: [step('a'), step('b', { state: 'failed' })] },
    {
      sentence: 'The notebook itself fails in step ‘b’, and its pipeline fails alike. Correct it first.',
      remarks: []
    }
  ]
])('%s', (_, changes, finding) =>
  expect(
    describeVerification(
      { outcome: 'same', pipeline: 'p', run: 'r', steps: [], first: null, ...changes },
      nullTranslator.load('jupyterlab_sluice')
    )
  ).toEqual(finding)
);
