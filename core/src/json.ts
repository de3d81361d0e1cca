// JSON from outside. Engines word a syntax error each in their own way and often leave out the place, so that we find it ourselves.

export type JsonReading = { readonly value: unknown } | { readonly message: string; readonly offset: number };

export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}

/** False for what people leave as it is: nothing, no, an empty text, an empty list. */
export function saysSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** The word for a JSON value's type in messages. */
export function describeType(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a text', number: 'a number', boolean: 'a boolean' }[typeof value as string] ?? 'an object';
}

export function readJson(text: string): JsonReading {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return findError(text);
  }
}

// What may stand at a place: `first` is a value or the end of a list just opened.
type Expected = 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'comma' | 'end';

const space = /[ \t\r\n]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The first place where `text` stops being JSON. Iterative, so that a deeply nested text cannot exhaust the stack. */
function findError(text: string): { message: string; offset: number } {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  const afterValue = (): Expected => (open.length > 0 ? 'comma' : 'end');
  for (;;) {
    at = skip(space, text, at);
    const char = text[at];
    if (char === undefined) return { message: 'it ends too early', offset: at };
    const closes = open.at(-1) === '{' ? '}' : ']';
    const mayClose = expected === 'comma' || expected === (closes === '}' ? 'first-key' : 'first-value');
    if (open.length > 0 && char === closes && mayClose) {
      open.pop();
      expected = afterValue();
      at++;
    } else if (expected === 'comma' && char === ',') {
      expected = open.at(-1) === '{' ? 'key' : 'value';
      at++;
    } else if (expected === 'colon' && char === ':') {
      expected = 'value';
      at++;
    } else if (expected === 'key' || expected === 'first-key') {
      const end = endOfString(text, at);
      if (end === undefined) return { message: 'a name in double quotes is expected', offset: at };
      expected = 'colon';
      at = end;
    } else if (expected === 'value' || expected === 'first-value') {
      if (char === '{' || char === '[') {
        open.push(char);
        expected = char === '{' ? 'first-key' : 'first-value';
        at++;
        continue;
      }
      const end = char === '"' ? endOfString(text, at) : skip(scalar, text, at);
      if (end === undefined) return { message: 'a text does not end', offset: at };
      if (end === at) return { message: 'a value is expected', offset: at };
      expected = afterValue();
      at = end;
    } else {
      const wanted = { colon: '‘:’ is', comma: `‘,’ or ‘${closes}’ is`, end: 'the end is' }[expected];
      return { message: `${wanted} expected`, offset: at };
    }
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function endOfString(text: string, at: number): number | undefined {
  if (text[at] !== '"') return undefined;
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i + 1;
    if (code === 0x5c) {
      if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(i + 1, i + 6))) return undefined;
      i++;
    } else if (code < 0x20) return undefined;
  }
  return undefined;
}
