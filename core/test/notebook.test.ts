// Whatever a file holds, reading it gives cells or says what is wrong and where.
import { readNotebook, toNotebook } from '../src/notebook.js';

const valid = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };
const code = (source: unknown, tags: unknown = []): object => ({
  cell_type: 'code',
  source,
  metadata: { tags },
  outputs: []
});

describe('readNotebook', () => {
  test.each([
    ['an empty file', '', 'notebook-not-json', /empty/],
    ['a text', 'hello', 'notebook-not-json', /line 1, column 1 a value is expected/],
    [
      'a missing comma',
      '{"cells": []\n "nbformat": 4}',
      'notebook-not-json',
      /line 2, column 2 ‘,’ or ‘}’ is expected/
    ],
    ['a comma too many', '{"a": [1,\n  ]}', 'notebook-not-json', /line 2, column 3 a value is expected/],
    ['a name without quotes', '{a: 1}', 'notebook-not-json', /column 2 a name in double quotes is expected/],
    ['a missing colon', '{"a" 1}', 'notebook-not-json', /column 6 ‘:’ is expected/],
    ['a text that does not end', '{"a": "b\n"}', 'notebook-not-json', /column 7 a text does not end/],
    ['half a file', '{"cells": [{"source": "x"', 'notebook-not-json', /ends too early/],
    ['more than one value', '{} {}', 'notebook-not-json', /column 4 the end is expected/],
    [
      'a merge conflict',
      '{\n<<<<<<< HEAD\n"a": 1\n=======\n>>>>>>> b\n}',
      'notebook-not-json',
      /merge conflict \(line 2\)/
    ],
    ['deep nesting', '['.repeat(100000), 'notebook-not-json', /ends too early/],
    ['a list', '[]', 'notebook-format', /holds a list/],
    ['null', 'null', 'notebook-format', /holds null/],
    ['no nbformat', '{"cells": []}', 'notebook-format', /no ‘nbformat’/],
    ['nbformat 3', '{"nbformat": 3, "worksheets": []}', 'notebook-format', /old format 3/],
    ['nbformat 5', '{"nbformat": 5, "cells": []}', 'notebook-format', /format 5/],
    ['nbformat as text', '{"nbformat": "4", "cells": []}', 'notebook-format', /is a text instead of the number 4/],
    ['no cells', '{"nbformat": 4}', 'notebook-format', /‘cells’ is nothing/]
  ])('%s is reported', (_, text, code, message) => {
    const { notebook, diagnostics } = readNotebook(text);
    expect(notebook).toBeUndefined();
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ code, severity: 'error', message: expect.stringMatching(message) });
  });

  test('a byte order mark does not matter', () => {
    expect(readNotebook('\uFEFF' + JSON.stringify(valid)).notebook?.cells).toEqual([]);
  });

  test('the file’s name is kept', () => {
    expect(readNotebook(JSON.stringify(valid), 'work/my data.ipynb').notebook?.fileName).toBe('my data');
  });
});

describe('toNotebook', () => {
  test('cells keep type, source, tags and id; outputs are left behind', () => {
    const cells = [
      { cell_type: 'markdown', source: ['# A\n', 'b'], metadata: {} },
      { ...code(['x = 1\n', 'y = 2'], ['step:a', 'mine']), id: 'c1', outputs: [{ output_type: 'stream' }] },
      { cell_type: 'raw', source: 'z' }
    ];
    expect(toNotebook({ ...valid, cells })).toEqual({
      notebook: {
        metadata: {},
        cells: [
          { index: 0, type: 'markdown', source: '# A\nb', tags: [] },
          { index: 1, id: 'c1', type: 'code', source: 'x = 1\ny = 2', tags: ['step:a', 'mine'] },
          { index: 2, type: 'raw', source: 'z', tags: [] }
        ]
      },
      diagnostics: []
    });
  });

  test.each([
    [
      'the kernelspec',
      { kernelspec: { name: 'python3', language: 'python' } },
      { kernel: 'python3', language: 'python' }
    ],
    [
      'language_info first',
      { kernelspec: { name: 'ir', language: 'R' }, language_info: { name: 'R' } },
      { kernel: 'ir', language: 'r' }
    ],
    ['nothing', {}, {}],
    ['nonsense', { kernelspec: 5, language_info: [] }, {}]
  ])('kernel and language come from %s', (_, metadata, expected) => {
    const { kernel, language } = toNotebook({ ...valid, metadata }).notebook!;
    expect({ kernel, language }).toEqual({ kernel: undefined, language: undefined, ...expected });
  });

  test.each([
    ['a number', 7, 'error', /Cell 2 is a number instead of an object/],
    ['no type', { source: '' }, 'error', /Cell 2 has no type/],
    ['another type', { cell_type: 'heading', source: '' }, 'error', /the type ‘heading’/],
    ['no source', { cell_type: 'code' }, 'error', /no readable source: it is nothing/],
    ['a source with numbers', code(['x', 1]), 'error', /no readable source: it is a list/],
    ['tags that are one text', code('x', 'step:a'), 'warning', /tags that are not a list of texts/]
  ])('a cell with %s keeps its place and is reported', (_, cell, severity, message) => {
    const { notebook, diagnostics } = toNotebook({ ...valid, cells: [code('a'), cell, code('b')] });
    expect(notebook!.cells.map(cell => cell.index)).toEqual([0, 1, 2]);
    expect(notebook!.cells[2]!.source).toBe('b');
    expect(diagnostics).toEqual([
      { code: 'notebook-cell', severity, message: expect.stringMatching(message), range: { cell: 1, from: 0, to: 0 } }
    ]);
  });
});
