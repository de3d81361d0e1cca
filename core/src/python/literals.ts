// Literals and what they are worth: numbers, strings with their escapes, f-strings with their holes.
import { childOfType, field, nodesIn, Refusal, type Concrete } from './concrete.js';
import type { Constant, Expression, FormattedString } from './syntax.js';

export function toNumber(node: Concrete): Constant {
  const { from, to, text } = node;
  const digits = text.replaceAll('_', '').toLowerCase();
  if (/l$/.test(digits)) throw new Refusal(node, `‘${text}’ is Python 2: write it without the L`);
  if (/^0\d*[1-9]$/.test(digits)) throw new Refusal(node, `‘${text}’ starts with a zero: octal numbers start with 0o`);
  if (/^[^x]*j$/.test(digits)) return { type: 'Constant', kind: 'complex', text, from, to };
  const kind = node.type === 'float' ? 'float' : 'int';
  const value = Number(digits);
  const isExact = kind === 'int' ? Number.isSafeInteger(value) : Number.isFinite(value);
  return { type: 'Constant', kind, ...(isExact && { value }), text, from, to };
}

/** A string, or several side by side, which Python joins. `toExpression` lowers what stands in the holes of an f-string. */
export function toStringLiteral(
  node: Concrete,
  toExpression: (hole: Concrete) => Expression
): Constant | FormattedString {
  const { from, to, text } = node;
  const strings = node.type === 'concatenated_string' ? nodesIn(node) : [node];
  if (text.includes('`') && strings.some(isRepr)) throw new Refusal(node, '‘`’ is Python 2: write repr(…)');
  const prefixes = strings.map(prefixOf);
  const isBytes = prefixes.some(prefix => prefix.includes('b'));
  if (prefixes.some(prefix => prefix.includes('f'))) {
    const parts = strings.flatMap((string, i) => toParts(string, prefixes[i]!, toExpression));
    return { type: 'FormattedString', parts, from, to };
  }
  const values = strings.map((string, i) => decode(contentOf(string), prefixes[i]!));
  const value = values.every(value => value !== undefined) ? values.join('') : undefined;
  return { type: 'Constant', kind: isBytes ? 'bytes' : 'str', ...(value !== undefined && { value }), text, from, to };
}

/** Backquotes, which the grammar takes for quotes. */
function isRepr(string: Concrete): boolean {
  return childOfType(string, 'string_start')!.text.endsWith('`');
}

function prefixOf(string: Concrete): string {
  return childOfType(string, 'string_start')!
    .text.replace(/["']+$/, '')
    .toLowerCase();
}

/** What stands between the quotes. */
function contentOf(string: Concrete): string {
  return string.text.slice(childOfType(string, 'string_start')!.text.length, -quotesOf(string).length);
}

function quotesOf(string: Concrete): string {
  return /["']+$/.exec(childOfType(string, 'string_start')!.text)![0];
}

function toParts(
  string: Concrete,
  prefix: string,
  toExpression: (hole: Concrete) => Expression
): (string | Expression)[] {
  const isFormatted = prefix.includes('f');
  return string.children.flatMap((child): (string | Expression)[] => {
    if (child.type === 'interpolation') return toHoles(child, toExpression);
    // Backslashes at the end of a raw string come with its closing quotes.
    const content = child.type === 'string_end' ? child.text.slice(0, -quotesOf(string).length) : child.text;
    if (child.type === 'string_start' || content === '') return [];
    const text = isFormatted ? content.replace(/\{\{|\}\}/g, braces => braces[0]!) : content;
    return [decode(text, prefix) ?? text];
  });
}

/** The expression of one hole, and those in its format: `{value:>{width}}` has two. */
function toHoles(hole: Concrete, toExpression: (hole: Concrete) => Expression): Expression[] {
  const format = field(hole, 'format_specifier');
  const inner = format?.children.filter(child => child.type === 'format_expression') ?? [];
  return [toExpression(field(hole, 'expression')!), ...inner.flatMap(child => toHoles(child, toExpression))];
}

const simpleEscapes: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v'
};

/** The value of a literal's content. Undefined where it names a character (`\N{…}`) or one that does not exist. */
function decode(content: string, prefix: string): string | undefined {
  const text = content.replaceAll('\r\n', '\n');
  if (prefix.includes('r') || !text.includes('\\')) return text;
  const isBytes = prefix.includes('b');
  let isKnown = true;
  const value = text.replace(
    /\\(?:x([\da-fA-F]{2})|([0-7]{1,3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(N\{[^}]*\})|([^]))/g,
    (escape, hex?: string, octal?: string, short?: string, long?: string, named?: string, other?: string) => {
      if (hex) return String.fromCharCode(parseInt(hex, 16));
      if (octal) return String.fromCharCode(parseInt(octal, 8) & (isBytes ? 0xff : 0x1ff));
      if (isBytes && (short ?? long ?? named)) return escape;
      if (short ?? long) {
        const code = parseInt((short ?? long)!, 16);
        if (code <= 0x10ffff) return String.fromCodePoint(code);
      }
      if (other !== undefined) return simpleEscapes[other] ?? escape;
      isKnown = false;
      return escape;
    }
  );
  return isKnown ? value : undefined;
}
