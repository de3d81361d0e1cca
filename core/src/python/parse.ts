// From a cell's source to its syntax tree. What is broken does not take the rest with it: where the cell as a whole does
// not parse, it is cut into its top-level statements, each parsed by itself, and the broken ones become errors.
import { findProblem, topLevelChunks } from './broken.js';
import { copyTree, type Concrete, type StandIn } from './concrete.js';
import { partOf, rangeIn, type Excerpt } from './excerpt.js';
import { readInput } from './input.js';
import { blankCommands, readCellMagic } from './ipython.js';
import { lowerModule, type Lowered } from './lower.js';
import { toCellMagic, toCommand } from './magics.js';
import type { PythonParser } from './parser.js';
import type { Problem } from './scan.js';
import type { Expression, ParsedCell } from './syntax.js';
import { blankTypeDefaults } from './typeDefaults.js';

/** Parse one cell. Never throws: whatever is wrong with it stands in `errors`. */
export function parseCell(parser: PythonParser, source: string): ParsedCell {
  return { source, ...parseExcerpt(parser, readInput(source)) };
}

/** Parse the Python and IPython of an excerpt, in which a cell magic may come first. */
function parseExcerpt(parser: PythonParser, excerpt: Excerpt): Lowered {
  const parse = (part: Excerpt): Lowered => parseExcerpt(parser, part);
  const head = readCellMagic(excerpt);
  if (head) return toCellMagic(head, excerpt, parse);

  const { text, commands, names } = blankCommands(excerpt.text);
  const meanings = commands.map(command => toCommand(command, excerpt, parse));
  const standIns = new Map<number, StandIn>();
  commands.forEach((command, i) => standIns.set(command.from, meanings[i]!.node));
  names.forEach(({ id, from, to }) => standIns.set(from, { type: 'Name', id, ...rangeIn(excerpt, from, to) }));
  const { body, errors } = parsePython(parser, partOf(excerpt, 0, text.length, text), standIns);
  return { body, errors: [...meanings.flatMap(meaning => meaning.errors), ...errors].sort((a, b) => a.from - b.from) };
}

/** Parse Python, as a whole or, where that fails, chunk by chunk. */
function parsePython(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Lowered {
  const whole = readTree(parser, excerpt, standIns);
  if (whole.root) return lowerModule(whole.root);
  const chunks = topLevelChunks(excerpt.text).map(([from, to]) => {
    const inside = [...standIns].filter(([at]) => at >= from && at < to);
    return parseChunk(parser, partOf(excerpt, from, to), new Map(inside.map(([at, node]) => [at - from, node])));
  });
  return { body: chunks.flatMap(chunk => chunk.body), errors: chunks.flatMap(chunk => chunk.errors) };
}

function parseChunk(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Lowered {
  const { root, problem } = readTree(parser, excerpt, standIns);
  if (root) return lowerModule(root);
  return (
    parseWithTypeDefaults(parser, excerpt, standIns) ?? {
      body: [],
      errors: [{ ...problem, ...rangeIn(excerpt, problem.from, problem.to) }]
    }
  );
}

/** Parse a chunk whose type parameters have defaults (`class A[T = int]`, Python 3.13), which the grammar does not know. */
function parseWithTypeDefaults(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Lowered | undefined {
  const { text, defaults } = blankTypeDefaults(excerpt.text);
  if (defaults.length === 0) return undefined;
  const values = defaults.map(({ name, from, to }) => {
    const { body } = parsePython(parser, partOf(excerpt, from, to), new Map());
    return [name, body[0]?.type === 'Expression' ? body[0].value : undefined] as const;
  });
  const known = values.filter((entry): entry is [number, Expression] => entry[1] !== undefined);
  const { root } = readTree(parser, partOf(excerpt, 0, text.length, text), new Map([...standIns, ...known]));
  return root && lowerModule(root);
}

type StandIns = ReadonlyMap<number, StandIn>;

type Reading =
  { readonly root: Concrete; readonly problem?: undefined } | { readonly root?: undefined; readonly problem: Problem };

/** The tree of an excerpt that parses without error. Else what is wrong, at offsets into its text. */
function readTree(parser: PythonParser, excerpt: Excerpt, standIns: StandIns): Reading {
  const tree = parser(excerpt.text);
  try {
    if (tree.rootNode.hasError) return { problem: findProblem(tree, excerpt.text) };
    const root = copyTree(tree, excerpt, standIns);
    return root ? { root } : { problem: { from: 0, to: excerpt.text.length, message: 'nested too deeply' } };
  } finally {
    tree.delete();
  }
}
