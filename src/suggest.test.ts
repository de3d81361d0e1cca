// Steps from headings, and from what else divides a notebook.
import type { Notebook } from '@sluice/core';
import { proposeStepName, stepNameFrom, suggestTags } from './suggest';

/** Cells are separated by `|`; those that begin with `#` and a blank, or with `>`, are Markdown. */
function notebook(text: string): Notebook {
  const cells = text.split(' | ').map((source, index) => ({
    index,
    type: /^(#+|>) /.test(source) ? ('markdown' as const) : ('code' as const),
    source: source.replace(/^> /, '').replaceAll('⏎', '\n'),
    tags: []
  }));
  return { cells, metadata: {} };
}

test.each([
  [
    'headings name steps',
    '## Load | df = load() | df.head() | ## Train | fit(df)',
    { 1: 'step:load', 4: 'step:train' }
  ],
  ['cells that only import', 'import a⏎from b import (c,⏎  d) | ## Go | f()', { 0: 'imports', 2: 'step:go' }],
  [
    'constants at the top are parameters',
    'n = 1⏎rate = -0.5  # slow⏎name = "x" | # Go | f(n)',
    { 0: 'pipeline-parameters', 2: 'step:go' }
  ],
  ['constants further below are not', '# Go | f() | # Then | n = 1', { 1: 'step:go', 3: 'step:then' }],
  [
    'a title alone divides nothing, but text does',
    '# Title | f() | > Then we train it | g()',
    { 1: 'step:title', 3: 'step:then_train_it' }
  ],
  ['without text, comments do', 'f() |  # Train⏎g() | h() | # %% Show it⏎i()', { 0: 'step:step_1', 1: 'step:train' }],
  ['without either each cell is a step', 'import a | f() | g()', { 0: 'imports', 1: 'step:step_1', 2: 'step:step_2' }],
  ['many cells without either are one step', Array.from({ length: 31 }, () => 'f()').join(' | '), { 0: 'step:step_1' }],
  ['the same heading twice', '# Go | f() | # Go | g()', { 1: 'step:go', 3: 'step:go_2' }],
  ['empty cells stay', '# Go |  | f()', { 2: 'step:go' }]
])('%s', (_, text, tags) =>
  expect(Object.fromEntries([...suggestTags(notebook(text))].map(([cell, list]) => [cell, list.join()]))).toEqual(tags)
);

test.each([
  ['2. Train the model!', 'train_model'],
  ['Données d’entrée', 'données_dentrée'],
  ['', 'step'],
  ['A very long heading with many words', 'very_long_heading_many'],
  ['Multiclass Receiver Operating Characteristic', 'multiclass_receiver'],
  ['Donaudampfschifffahrtsgesellschaft', 'donaudampfschifffahrtsgese'],
  ['How to', 'how_to']
])('‘%s’ gives %s', (heading, name) => expect(stepNameFrom(heading)).toBe(name));

test('a new step takes the heading above it, else a free number', () => {
  expect(proposeStepName(notebook('# Load | f()'), 1, ['load'])).toBe('load_2');
  expect(proposeStepName(notebook('# Load | f() | g()'), 2, ['step_1'])).toBe('step_2');
});
