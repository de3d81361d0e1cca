// Notebooks whose pipeline must be refused have an error; those that must run have none. Running them is tests/test_equivalence.py.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer } from '../src/analyze';
import cases from './cases/equivalence.json';
import { parser } from './python/python';
import { notebookOf } from './steps';

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

test.each(cases.map(one => [one.name, one] as const))('%s', (_, { cells, expect: expected }) => {
  const { diagnostics } = analyzer.analyze(notebookOf(cells)).pipeline;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  expect(errors.length > 0 ? 'refuse' : 'same').toBe(expected);
});
