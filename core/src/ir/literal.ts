// A parameter's value on a command line may be written as JSON or as Python writes it: `[1, 2]`, `{'a': None}`, `(1, 'x')`.
import type { JsonValue } from '../pipeline.js';

const token =
  /\s*(?:([[\](){},:])|(-?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?)|([A-Za-z]+)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))/y;

const words: Readonly<Record<string, JsonValue>> = {
  None: null,
  null: null,
  True: true,
  true: true,
  False: false,
  false: false
};

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '0': '\0' };

/** The value of a literal; tuples are lists. Undefined where `text` is none, or JSON cannot hold it. */
export function parseLiteral(text: string): JsonValue | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  let at = 0;
  const take = (expected: string): boolean => tokens[at] === expected && ++at > 0;

  function value(depth = 0): JsonValue | undefined {
    const next = tokens![at++];
    if (next === undefined || depth > 100) return undefined;
    if (next === '[') return items(']', depth);
    if (next === '(') return items(')', depth);
    if (next === '{') return entries(depth);
    if (/^["']/.test(next)) return unquote(next);
    if (Object.hasOwn(words, next)) return words[next];
    const number = Number(next.replaceAll('_', ''));
    return /^[-.\d]/.test(next) && Number.isFinite(number) ? number : undefined;
  }

  function items(close: string, depth: number): JsonValue | undefined {
    const list: JsonValue[] = [];
    while (!take(close)) {
      const item = value(depth + 1);
      if (item === undefined || (!take(',') && tokens![at] !== close)) return undefined;
      list.push(item);
    }
    // `(1)` is a number in brackets, `(1,)` a tuple
    return close === ')' && list.length === 1 && tokens![at - 2] !== ',' ? list[0] : list;
  }

  function entries(depth: number): JsonValue | undefined {
    const pairs: [string, JsonValue][] = [];
    while (!take('}')) {
      const key = value(depth + 1);
      if (typeof key !== 'string' || !take(':')) return undefined;
      const item = value(depth + 1);
      if (item === undefined || (!take(',') && tokens![at] !== '}')) return undefined;
      pairs.push([key, item]);
    }
    return Object.fromEntries(pairs);
  }

  const result = value();
  return at === tokens.length ? result : undefined;
}

function tokenize(text: string): readonly string[] | undefined {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const match = token.exec(text);
    if (match === null) return undefined;
    tokens.push(match.slice(1).find(part => part !== undefined)!);
  }
  return tokens;
}

function unquote(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/gs, (_, code: string) =>
      code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : (escapes[code] ?? code)
    );
}
