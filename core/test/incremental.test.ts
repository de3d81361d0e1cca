// An analyzer that has followed a notebook through edits says what a fresh one says. Notebooks are made of the cells of
// many small ones that are known to be hard, and of lines that are bound to touch each other; edits come by chance, from a
// seed, so that a failure can be repeated.
import { readdirSync, readFileSync } from 'node:fs';
import { makeAnalyzer } from '../src/analyze';
import type { Analysis, Analyzer } from '../src/analyze';
import type { PythonParser } from '../src/python/parser';
import equivalence from './cases/equivalence.json';
import flows from './cases/flows.json';
import { parser } from './python/python';
import { notebookOf, readCells } from './steps';
import type { TestCell } from './steps';

let parse: PythonParser;
beforeAll(async () => {
  parse = await parser();
});

type Random = (below: number) => number;

/** Mulberry32: numbers that are the same for the same seed. */
function randomFrom(seed: number): Random {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

const folder = `${__dirname}/../../tests/equivalence`;

const texts = readdirSync(folder)
  .filter(name => name.endsWith('.txt'))
  .flatMap(name => readFileSync(`${folder}/${name}`, 'utf8').split(/^# .*\n/m))
  .filter(text => text.includes('--- '));

/** The cells of all cases, each case a list. */
const cases: readonly (readonly TestCell[])[] = [
  ...equivalence.map(({ cells }) => cells),
  ...flows.map(({ cells }) => cells.map(({ step, source }) => ({ tags: [`step:${step}`], source }))),
  ...texts.map(readCells)
];

/** `list` with another item in place of so many from `at`. */
const spliced = <T>(list: readonly T[], at: number, count: number, ...items: readonly T[]): T[] => [
  ...list.slice(0, at),
  ...items,
  ...list.slice(at + count)
];

const names = ['a', 'b', 'c', 'd', 'f', 'g', 'm', 'x'];

/** A statement about a few names, so that most edits matter to something. */
function makeLine(random: Random): string {
  const [one, two, three] = [pick(random, names), pick(random, names), pick(random, names)];
  return pick(random, [
    `${one} = ${random(9)}`,
    `${one} = [${two}, ${three}]`,
    `${one} = ${two}`,
    `${one} = {'k': ${two}}`,
    `${one}.append(${two})`,
    `${one}['k'] = ${two}`,
    `${one} += ${two}`,
    `del ${one}`,
    `print(${one}, ${two})`,
    `${one} = lambda: ${two}`,
    `${one} = ${two}()`,
    `def ${one}(v):\n    global ${three}\n    ${three} = v\n    return [${two}, v]`,
    `def ${one}():\n    ${two}.append(1)\n    return lambda: ${two}`,
    `def ${one}(v=${two}):\n    n = [v]\n    def inner():\n        nonlocal n\n        n = [n, ${three}]\n        return n\n    return inner`,
    `class ${one}:\n    held = ${two}\n    def get(self):\n        return self.held, ${three}\n    def put(self, v):\n        self.held = v`,
    `${one} = ${two}(${three})\n${one}.put(${random(5)})\n${one}.get()`,
    `if ${one}:\n    ${two} = [${three}]`,
    `for ${one} in ${two}:\n    ${three}.append(${one})`,
    `try:\n    ${one} = ${two}\nexcept NameError as ${three}:\n    ${one} = [${three}]`,
    `with open('${one}.txt', 'w') as ${two}:\n    ${two}.write(str(${three}))`,
    `${one} = open('${two}.txt').read()`,
    `import numpy as np\nnp.random.seed(${random(3)})\n${one} = np.random.rand(${two})`,
    `import random\n${one} = random.random()`,
    `import pandas as pd\n${one} = pd.DataFrame({'v': ${two}})\n${two} = ${one}.v.map(${three})`,
    `from math import *\n${one} = sqrt(${two})`,
    `import os\nos.environ['${one}'] = str(${two})`,
    `@${one}.register\ndef ${two}(v):\n    return ${three}`,
    `exec("${one} = ${two}")`,
    `import functools\n@functools.cache\ndef ${one}(v=0):\n    return [${two}, v]\n${three} = ${one}()`,
    `${one}`,
    `${one} = _`,
    `for ${one} in range(30):\n    ${two} = [${two}, ${three}, object()]\n    ${three} = unknown(${two})`
  ]);
}

function makeCell(random: Random, steps: number): TestCell {
  const source = Array.from({ length: 1 + random(4) }, () => makeLine(random)).join('\n');
  return { tags: makeTags(random, steps), source };
}

const makeTags = (random: Random, steps: number): string[] =>
  random(3) > 0
    ? []
    : [
        pick(random, [
          `step:s${random(steps)}`,
          `step:s${random(steps)}`,
          'imports',
          'functions',
          'pipeline-parameters',
          'skip'
        ])
      ];

type Cells = readonly (TestCell & { readonly id: string })[];

/** One edit: a cell comes, goes, moves, is tagged anew, or has a line more, less or another. */
function edit(cells: Cells, random: Random, makeCell: () => TestCell, id: string): Cells {
  const at = random(cells.length);
  const cell = cells[at]!;
  const replace = (changed: Partial<TestCell>): Cells => spliced(cells, at, 1, { ...cell, ...changed });
  const lines = cell.source.split('\n');
  const line = random(lines.length + 1);
  switch (random(9)) {
    case 0:
      return spliced(cells, at, 0, { ...makeCell(), id });
    case 1:
      return cells.length > 2 ? spliced(cells, at, 1) : cells;
    case 2: {
      const others = spliced(cells, at, 1);
      return spliced(others, random(others.length + 1), 0, cell);
    }
    case 3:
      return replace({ tags: makeCell().tags });
    case 4:
      return replace({ source: spliced(lines, line, 1).join('\n') });
    case 5:
      return replace({ source: `# ${id}\n${cell.source}` });
    case 6:
      return replace({ source: cell.source.replace(/\d+/, number => String(Number(number) + 1)) });
    default:
      return replace({ source: spliced(lines, line, 0, makeLine(random)).join('\n') });
  }
}

/** Half-typed cells differ by design: a fresh analyzer does not know what they were. */
function expectSame(followed: Analysis, fresh: Analyzer, cells: Cells): void {
  if (followed.stale.length === 0) expect(followed).toEqual(fresh.analyze(notebookOf(cells)));
}

function follow(
  seed: number,
  start: (random: Random) => readonly TestCell[],
  make: (random: Random) => TestCell
): void {
  const random = randomFrom(seed);
  const analyzer = makeAnalyzer(parse);
  let cells: Cells = start(random).map((cell, index) => ({ ...cell, id: `c${index}` }));
  analyzer.analyze(notebookOf(cells));
  for (let round = 0; round < 12; round++) {
    const before = cells;
    cells = edit(cells, random, () => make(random), `e${round}`);
    const followed = analyzer.analyze(notebookOf(cells));
    expectSame(followed, makeAnalyzer(parse), cells);
    // Taking an edit back is an edit as well.
    if (random(4) > 0) continue;
    cells = before;
    expectSame(analyzer.analyze(notebookOf(cells)), makeAnalyzer(parse), cells);
  }
}

const seeds = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);

test.each(seeds(Number(process.env['SLUICE_SEEDS'] ?? 60)))(
  'notebooks of lines about the same names, seed %i',
  seed => {
    follow(
      seed,
      random => Array.from({ length: 8 + random(12) }, () => makeCell(random, 6)),
      random => makeCell(random, 6)
    );
  }
);

test.each(seeds(Number(process.env['SLUICE_SEEDS'] ?? 60)))('notebooks of known hard cells, seed %i', seed => {
  const some = (random: Random): readonly TestCell[] => pick(random, cases);
  follow(
    seed,
    random => [...some(random), ...some(random), ...some(random)],
    random => pick(random, some(random))
  );
});
