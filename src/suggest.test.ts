// Steps from headings.
import type { Notebook } from '@sluice/core';
import { proposeStepName, stepNameFrom, suggestTags } from './suggest';

/** Cells are separated by `|`; those that begin with `#` and a blank are Markdown. */
function notebook(text: string): Notebook {
  const cells = text.split(' | ').map((source, index) => ({
    index,
    type: /^#+ /.test(source) ? ('markdown' as const) : ('code' as const),
    source: source.replaceAll('⏎', '\n'),
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
  ['code without a heading', 'f() | g()', { 0: 'step:step_1' }],
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
