// Notebooks for tests, written as their cells: tags and source.
import type { Analysis, Analyzer } from '../src/analyze';
import type { Notebook } from '../src/notebook';

export interface TestCell {
  readonly id?: string;
  readonly tags: readonly string[];
  readonly source: string;
}

export function notebookOf(cells: readonly TestCell[]): Notebook {
  return {
    cells: cells.map((cell, index) => ({ ...cell, index, type: 'code' })),
    metadata: {}
  };
}

/** Names of the values and definitions that a step takes from earlier ones. */
export function inputsOf({ pipeline }: Analysis, step: string, kinds = ['value', 'definition']): string[] {
  return pipeline.flows.filter(({ to, kind }) => to === step && kinds.includes(kind)).map(({ name }) => name);
}

/** `a: x = 1 | b: print(x)`: one cell a step, lines separated by ` ; ` or new lines. */
export function analyzeText(analyzer: Analyzer, text: string): Analysis {
  return analyzer.analyze(notebookOf(readCells(text)));
}

export function readCells(text: string): TestCell[] {
  return text
    .split(/\n?^--- /m)
    .filter(part => part.trim() !== '')
    .map(part => {
      const end = part.indexOf('\n');
      const head = end < 0 ? part : part.slice(0, end);
      return {
        tags: head
          .trim()
          .split(/\s+/)
          .map(tag => (/^[a-z]\w?$/.test(tag) ? `step:${tag}` : tag)),
        source: end < 0 ? '' : part.slice(end + 1)
      };
    });
}
