// Python 3.13 lets type parameters have defaults, `class A[T = int]`; the grammar does not know them. They are found by
// their characters and blanked, and come back as what the parameter's name stands for.

export interface TypeDefault {
  /** offset of the parameter's name */
  readonly name: number;
  /** of the default's expression */
  readonly from: number;
  readonly to: number;
}

const parameterList = /\b(?:class|def|type)[ \t]+[\p{XID_Start}_][\p{XID_Continue}]*[ \t]*\[/gu;
const parameter = /[\s,*]*([\p{XID_Start}_][\p{XID_Continue}]*)/uy;

export function blankTypeDefaults(text: string): { text: string; defaults: TypeDefault[] } {
  const defaults = [...text.matchAll(parameterList)].flatMap(head => readList(text, head.index + head[0].length));
  let blanked = text;
  for (const { from, to } of defaults) {
    const assignment = text.lastIndexOf('=', from);
    blanked = blanked.slice(0, assignment) + text.slice(assignment, to).replace(/[^\n]/g, ' ') + blanked.slice(to);
  }
  return { text: blanked, defaults };
}

/** The defaults in the type parameters that begin at an offset. Strings in them may hold no brackets or commas. */
function readList(text: string, start: number): TypeDefault[] {
  const defaults: TypeDefault[] = [];
  let name = nameAt(text, start);
  let value: number | undefined;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    const isEnd = depth === 0 && (character === ',' || character === ']');
    if (isEnd && value !== undefined && name !== undefined) defaults.push({ name, ...trimmed(text, value, at) });
    if (isEnd) {
      if (character === ']') return defaults;
      name = nameAt(text, at + 1);
      value = undefined;
    } else if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === '=' && depth === 0) value ??= at + 1;
  }
  return [];
}

function nameAt(text: string, at: number): number | undefined {
  parameter.lastIndex = at;
  const match = parameter.exec(text);
  return match ? at + match[0].length - match[1]!.length : undefined;
}

function trimmed(text: string, from: number, to: number): { from: number; to: number } {
  const start = from + /^\s*/.exec(text.slice(from, to))![0].length;
  return { from: start, to: start + text.slice(start, to).trimEnd().length };
}
