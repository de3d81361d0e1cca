// The notebooks that the stories open: made here cell by cell, or taken from examples/.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CellSpec {
  readonly source: string;
  readonly tags?: readonly string[];
  readonly type?: 'code' | 'markdown';
}

/** nbformat 4.5, as a user's file would be. */
export function notebook(cells: readonly CellSpec[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: 'python3', display_name: 'Python 3 (ipykernel)', language: 'python' },
      language_info: { name: 'python' }
    },
    cells: cells.map(({ source, tags, type = 'code' }, index) => ({
      id: `cell-${index}`,
      cell_type: type,
      metadata: tags ? { tags } : {},
      source,
      ...(type === 'code' ? { outputs: [], execution_count: null } : {})
    }))
  });
}

/** A file of examples/, as text. */
export const example = (path: string): string => readFileSync(join(__dirname, '../../examples', path), 'utf8');

/** Three steps in a row, with a number to show for it. */
export const chain = notebook([
  { source: 'rate = 2', tags: ['pipeline-parameters'] },
  { source: 'numbers = list(range(10))', tags: ['step:load'] },
  { source: 'total = rate * sum(numbers)', tags: ['step:add'] },
  { source: 'print(total)', tags: ['step:show'] },
  { source: 'print(total)', tags: ['pipeline-metrics'] }
]);

/** Its second step, of two cells, prints on, line after line, until there is a file at `gate`; between two quick steps. */
export const waitingFor = (gate: string): string =>
  notebook([
    { source: 'greeting = "good morning"', tags: ['step:begin'] },
    { source: 'import os, time\nlines = 0', tags: ['step:wait'] },
    {
      source: `while not os.path.exists(${JSON.stringify(gate)}):\n    lines += 1\n    print("line", lines, flush=True)\n    time.sleep(0.5)`
    },
    { source: 'print(greeting, lines)', tags: ['step:finish'] }
  ]);

/** Its second step raises, in the second line of its second cell. */
export const failing = notebook([
  { source: 'ages = {"ada": 36}', tags: ['step:load'] },
  { source: 'names = ["ada", "alan"]', tags: ['step:look_up'] },
  { source: 'found = []\nfound.append(ages[names[1]])\nfound' },
  { source: 'print(found)', tags: ['step:report'] }
]);

/** No tag at all. */
export const plain = notebook([
  { source: '# A plain notebook', type: 'markdown' },
  { source: 'words = "to be or not to be".split()' },
  { source: 'counts = {word: words.count(word) for word in words}' },
  { source: 'print(sorted(counts.items()))' }
]);

/** Kinds of mistake that can be seen before a run. */
export const mistaken = notebook([
  { source: 'threshold = 0.5', tags: ['pipeline-parameters'] },
  { source: 'data = [0.2, 0.9]', tags: ['step:load'] },
  { source: 'kept = [value for value in data if value > threshold]', tags: ['step:keep', 'prev:lode'] },
  { source: 'print(kept, missing_name)', tags: ['step:show'] }
]);
