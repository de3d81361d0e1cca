// The traced truth of notebooks: what a step read while an earlier one had bound it, and what it changed, must be among
// its inputs; and little else may be.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer } from '../src/analyze';
import cases from './cases/flows.json';
import { parser } from './python/python';
import { inputsOf, notebookOf } from './steps';

interface Truth {
  readonly reads: readonly string[];
  readonly mutates: readonly string[];
}

const toNotebook = (cells: readonly { step: string; source: string }[]) =>
  notebookOf(cells.map(({ step, source }) => ({ tags: [`step:${step}`], source })));

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

test.each(cases.map(one => [one.name, one] as const))('%s', (_, { cells, truth }) => {
  const analysis = analyzer.analyze(toNotebook(cells));
  const missed = Object.entries(truth as Record<string, Truth>).flatMap(([step, { reads, mutates }]) => {
    const inputs = inputsOf(analysis, step);
    return [...reads, ...mutates].filter(name => !inputs.includes(name)).map(name => `${step}: ${name}`);
  });
  expect(missed).toEqual([]);
  expect(analysis.pipeline.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('at most three in a hundred inputs were not read', () => {
  let [right, all] = [0, 0];
  const extra: string[] = [];
  for (const { name, cells, truth } of cases) {
    const analysis = analyzer.analyze(toNotebook(cells));
    for (const [step, { reads, mutates }] of Object.entries(truth as Record<string, Truth>))
      for (const input of new Set(inputsOf(analysis, step))) {
        all++;
        if (reads.includes(input) || mutates.includes(input)) right++;
        else extra.push(`${name} ${step}: ${input}`);
      }
  }
  if (right / all < 0.97) expect(extra).toEqual([]);
});
