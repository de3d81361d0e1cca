// Small steps through a text by physical lines and characters.

export function skipBlanks(text: string, at: number): number {
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\f') at++;
  return at;
}

export function endOfLine(text: string, at: number): number {
  const lineBreak = text.indexOf('\n', at);
  return lineBreak < 0 ? text.length : lineBreak;
}

/** Match a sticky expression at an offset. */
export function matchAt(expression: RegExp, text: string, at: number): string | undefined {
  expression.lastIndex = at;
  return expression.exec(text)?.[0];
}

export function nextLine(text: string, at: number): number {
  return Math.min(endOfLine(text, at) + 1, text.length);
}
