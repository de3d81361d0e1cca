// From a cell's source to its syntax tree. What is broken does not take the rest with it: where the cell as a whole does
// not parse, it is cut into its top-level statements, each parsed by itself, and the broken ones become errors.
import { findProblem, nestedTooDeeply, topLevelChunks } from './broken.js';
import { copyTree, type Concrete, type StandIn } from './concrete.js';
import { partOf, rangeIn, type Excerpt } from './excerpt.js';
import { readInput } from './input.js';
import { blankCommands, readCellMagic } from './ipython.js';
import { lowerModule, type Lowered } from './lower.js';
import { toCellMagic, toCommand } from './magics.js';
import type { PythonParser } from './parser.js';
import type { Problem } from './scan.js';
import type { ParsedCell } from './syntax.js';
import { blankTypeDefaults } from './typeDefaults.js';

/** Parse one cell. Never throws: whatever is wrong with it stands in `errors`. */
export function parseCell(parser: PythonParser, source: string): ParsedCell {
  return { source, ...parseExcerpt(parser, readInput(source)) };
}

/** Magics may run magics, but not without end. */
const nestingLimit = 20;

/** Parse the Python and IPython of an excerpt, in which a cell magic may come first. */
function parseExcerpt(parser: PythonParser, excerpt: Excerpt, nesting = 0): Lowered {
  if (nesting > nestingLimit) return broken(excerpt, nestedTooDeeply(excerpt.text));
  const parse = (part: Excerpt): Lowered => parseExcerpt(parser, part, nesting + 1);
  const head = readCellMagic(excerpt);
  if (head) return toCellMagic(head, excerpt, parse);

  const { text, commands, names, isSound } = blankCommands(excerpt.text);
  const meanings = commands.map(command => toCommand(command, excerpt, parse));
  const standIns = new Map<number, StandIn>();
  commands.forEach((command, i) => standIns.set(command.from, meanings[i]!.node));
  names.forEach(({ id, from, to }) => standIns.set(from, { type: 'Name', id, ...rangeIn(excerpt, from, to) }));
  const { body, errors } = parsePython(parser, partOf(excerpt, 0, text.length, text), standIns, isSound);
  return { body, errors: [...meanings.flatMap(meaning => meaning.errors), ...errors].sort((a, b) => a.from - b.from) };
}

/** Parse Python, as a whole or, where that fails or its characters are not sound, chunk by chunk. */
function parsePython(parser: PythonParser, excerpt: Excerpt, standIns: StandIns, isSound: boolean): Lowered {
  const whole = isSound ? readTree(parser, excerpt, standIns) : undefined;
  if (whole) return lowerModule(whole);
  const chunks = topLevelChunks(excerpt.text).map(({ from, to, problem }) => {
    if (problem) return broken(excerpt, problem);
    const inside = [...standIns].filter(([at]) => at >= from && at < to);
    return parseChunk(parser, partOf(excerpt, from, to), new Map(inside.map(([at, node]) => [at - from, node])));
  });
  return { body: chunks.flatMap(chunk => chunk.body), errors: chunks.flatMap(chunk => chunk.errors) };
}

function parseChunk(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Lowered {
  const root = readTree(parser, excerpt, standIns);
  if (root) return lowerModule(root);
  const { text } = excerpt;
  return parseWithTypeDefaults(parser, excerpt, standIns) ?? broken(excerpt, findProblem(parser, text));
}

function broken(excerpt: Excerpt, { from, to, message }: Problem): Lowered {
  return { body: [], errors: [{ ...rangeIn(excerpt, from, to), message }] };
}

/** Parse a chunk whose type parameters have defaults (`class A[T = int]`, Python 3.13), which the grammar does not know. */
function parseWithTypeDefaults(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Lowered | undefined {
  const { text, defaults } = blankTypeDefaults(excerpt.text);
  if (defaults.length === 0) return undefined;
  const replaced = new Map(standIns);
  for (const { name, from, to } of defaults) {
    const [statement] = parsePython(parser, partOf(excerpt, from, to), new Map(), true).body;
    if (statement?.type === 'Expression') replaced.set(name, statement.value);
  }
  const root = readTree(parser, partOf(excerpt, 0, text.length, text), replaced);
  return root && lowerModule(root);
}

type StandIns = ReadonlyMap<number, StandIn>;

/** The tree of an excerpt; undefined where it does not parse. */
function readTree(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Concrete | undefined {
  const tree = parser(excerpt.text);
  try {
    const root = tree.rootNode;
    return root.hasError ? undefined : copyTree(root, excerpt, standIns);
  } finally {
    tree.delete();
  }
}
