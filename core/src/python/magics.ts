// What IPython's commands mean to Python: the names that a shell line or magic looks up (`{x}`, `$x`), the Python that
// magics such as `%time` run, and the calls that `/f x` stands for.
import { partOf, rangeIn, type Excerpt } from './excerpt.js';
import type { CellMagicHead, Command } from './ipython.js';
import type { Lowered } from './lower.js';
import type { CellMagic, Expression, Help, MagicExpression, Node, Shell, Statement } from './syntax.js';

/** Parses an excerpt that is Python. */
export type Parse = (excerpt: Excerpt) => Lowered;

/** A command as a node of our tree, with the mistakes in the Python it holds. */
export interface Meaning {
  readonly node: Help | Expression;
  readonly errors: Lowered['errors'];
}

/**
 * Line magics whose argument is Python, with their options as IPython's `parse_options` has them: a letter each, a colon
 * behind those that take a value.
 */
const pythonMagics: Readonly<Record<string, string>> = {
  time: '',
  timeit: 'n:r:tcp:qov:',
  prun: 'D:l:rs:T:q',
  memit: 'r:t:i:coI',
  mprun: 'r:T:f:c',
  lprun: 'rsf:m:D:T:u:z'
};

/** Cell magics that run the rest of the cell here; of those with `true` the first line is run before it. */
const pythonCellMagics: Readonly<Record<string, boolean>> = {
  time: false,
  capture: false,
  timeit: true,
  prun: true,
  memit: true
};

/** Cell magics whose first line reaches them as it is written. */
const unexpanded = /^(time|timeit|prun|debug)$/;

/** Cell magics that run the rest of the cell as `!` does a line. */
const shellCellMagics = /^(!|sx|system)$/;

export function toCommand(command: Command, excerpt: Excerpt, parse: Parse): Meaning {
  const text = partOf(excerpt, command.from, command.to, command.text);
  const range = rangeIn(text, 0, command.text.length);
  switch (command.kind) {
    case 'help':
      return { node: { type: 'Help', text: command.text, ...range }, errors: [] };
    case 'shell':
      return { node: toShell(text, range, parse), errors: [] };
    case 'magic':
      return toMagic(text, range, parse);
    case 'call':
      return toAutoCall(text, range, parse);
  }
}

/** A cell magic with the rest of its cell. */
export function toCellMagic(head: CellMagicHead, excerpt: Excerpt, parse: Parse): Lowered {
  const { name } = head;
  const { text } = excerpt;
  const range = rangeIn(excerpt, head.from, text.length);
  const first = partOf(excerpt, head.arguments.from, head.arguments.to);
  const expanded = shellCellMagics.test(name) ? partOf(excerpt, head.arguments.from, text.length) : first;
  const node = {
    type: 'CellMagic' as const,
    name,
    arguments: text.slice(head.arguments.from, head.arguments.to).trim(),
    text: text.slice(head.body),
    holes: unexpanded.test(name) ? [] : toHoles(expanded, parse),
    ...range
  };
  const runsFirstLine = pythonCellMagics[name];
  if (runsFirstLine === undefined) return { body: [node satisfies CellMagic], errors: [] };
  const setup = runsFirstLine ? parse(afterOptions(first, pythonMagics[name] ?? '').rest) : { body: [], errors: [] };
  const rest = parse(partOf(excerpt, head.body, text.length));
  return {
    body: [{ ...node, body: [...setup.body, ...rest.body] }],
    errors: [...setup.errors, ...rest.errors]
  };
}

function toShell(command: Excerpt, range: Node, parse: Parse): Shell {
  const start = command.text.startsWith('!!') ? 2 : 1;
  const rest = partOf(command, start, command.text.length);
  return { type: 'Shell', command: rest.text.trim(), holes: toHoles(rest, parse), ...range };
}

function toMagic(command: Excerpt, range: Node, parse: Parse): Meaning {
  const nameAndBlanks = /^%(\S*)[ \t]*/.exec(command.text)!;
  const name = nameAndBlanks[1]!;
  const rest = partOf(command, nameAndBlanks[0].length, command.text.length);
  const magic: MagicExpression = { type: 'Magic', name, text: rest.text, holes: [], ...range };
  const options = pythonMagics[name];
  if (options === undefined) return { node: { ...magic, holes: toHoles(rest, parse) }, errors: [] };
  const { rest: python, functions } = afterOptions(rest, options);
  const { body, errors } = parse(python);
  const holes = functions.flatMap(text => toOnlyExpression(parse(text)) ?? []);
  return { node: { ...magic, holes, body }, errors };
}

/** Skip a magic's options. `functions` are the values of `-f`, which profilers evaluate. */
function afterOptions(line: Excerpt, letters: string): { rest: Excerpt; functions: Excerpt[] } {
  const functions: Excerpt[] = [];
  let at = 0;
  for (;;) {
    const option = /^\s*(?:--[a-z][\w-]*|-([a-zA-Z])(\S*))(?:\s+|$)/.exec(line.text.slice(at));
    const letter = option?.[1];
    if (!option || (letter && !letters.includes(letter))) break;
    let end = at + option[0].length;
    if (letter && letters.includes(`${letter}:`)) {
      const valueFrom = option[2] ? at + option[0].indexOf(letter) + 1 : end;
      if (!option[2]) end += /^\S*\s*/.exec(line.text.slice(end))![0].length;
      if (letter === 'f') functions.push(partOf(line, valueFrom, end));
    }
    at = end;
  }
  return { rest: partOf(line, at, line.text.length), functions };
}

/** `/f a b` is f(a, b), `,f a b` is f("a", "b"), `;f a b` is f("a b"). */
function toAutoCall(command: Excerpt, range: Node, parse: Parse): Meaning {
  const escape = command.text[0]!;
  const [, name, blanks] = /^.(\S*)([ \t]*)/.exec(command.text)! as unknown as [string, string, string];
  const argumentsFrom = 1 + name.length + blanks.length;
  const words = [...command.text.slice(argumentsFrom).matchAll(/\S+/g)].map(word =>
    partOf(command, argumentsFrom + word.index, argumentsFrom + word.index + word[0].length)
  );
  const func = toOnlyExpression(parse(partOf(command, 1, 1 + name.length)));
  const args =
    escape === '/'
      ? words.map(word => toOnlyExpression(parse(partOf(word, 0, word.text.length, withoutComma(word.text)))))
      : (escape === ',' ? words : [partOf(command, argumentsFrom, command.text.length)]).map(toText);
  if (!func || args.includes(undefined)) {
    const node: Help = { type: 'Help', text: command.text, ...range };
    return { node, errors: [{ ...range, message: `unexpected ‘${escape}’` }] };
  }
  return { node: { type: 'Call', func, args: args as Expression[], keywords: [], ...range }, errors: [] };
}

function withoutComma(text: string): string {
  return text.replace(/,$/, ' ');
}

function toText(excerpt: Excerpt): Expression {
  const { text } = excerpt;
  const range = rangeIn(excerpt, 0, text.length);
  return { type: 'Constant', kind: 'str', value: text, text, ...range };
}

/**
 * The expressions that IPython's `var_expand` evaluates in a command: `{expression}`, `$name` and `$name.attr`. Where one
 * of them is no expression, as in `awk '{print $1}'`, IPython leaves the command alone: it has no holes.
 */
function toHoles(command: Excerpt, parse: Parse): Expression[] {
  const places = findHoles(command.text);
  const holes = places?.map(([from, to]) => toOnlyExpression(parse(partOf(command, from, to)))) ?? [];
  return holes.includes(undefined) ? [] : (holes as Expression[]);
}

type Span = readonly [from: number, to: number];

/** Places of a command's holes, read as Python's `string.Formatter` does. Undefined where it would raise. */
function findHoles(text: string): Span[] | undefined {
  const holes: Span[] = [];
  let literal = 0;
  let at = 0;
  while (at < text.length) {
    const character = text[at]!;
    if (character !== '{' && character !== '}') at++;
    else if (text[at + 1] === character) {
      holes.push(...findDollars(text, literal, at + 1));
      literal = at += 2;
    } else {
      const end = character === '{' ? endOfField(text, at + 1) : -1;
      if (end < 0) return undefined;
      holes.push(...findDollars(text, literal, at));
      const conversion = /![a-z]$/.exec(text.slice(at + 1, end))?.[0].length ?? 0;
      const from = at + 1 + /^\s*/.exec(text.slice(at + 1, end))![0].length;
      holes.push([Math.min(from, end - conversion), end - conversion]);
      literal = at = end + 1;
    }
  }
  return [...holes, ...findDollars(text, literal, text.length)];
}

/** Offset of the `}` that ends a field; -1 where there is none. Braces do not nest in it, brackets may hold anything. */
function endOfField(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    if (text[i] === '}') return i;
    if (text[i] === '{') return -1;
    if (text[i] === '[') {
      const end = text.indexOf(']', i);
      if (end < 0) return -1;
      i = end;
    }
  }
  return -1;
}

/** `$name` outside single quotes, that is, with an even number of them behind it; `$$name` stays as it is. */
function findDollars(text: string, from: number, to: number): Span[] {
  const literal = text.slice(from, to);
  return [...literal.matchAll(/\$(\$?[\w.]+)/g)].flatMap((match): Span[] => {
    const behind = match.index + match[0].length;
    const isQuoted = literal.slice(behind).split("'").length % 2 === 0;
    if (match[1]!.startsWith('$') || isQuoted) return [];
    return [[from + match.index + 1, from + behind]];
  });
}

function toOnlyExpression({ body, errors }: Lowered): Expression | undefined {
  const [statement, ...others] = body as [Statement?, ...Statement[]];
  return statement?.type === 'Expression' && others.length + errors.length === 0 ? statement.value : undefined;
}
