// Python is parsed from excerpts: a cell without its prompts or indentation, a chunk of a broken cell, the `f(x)` of
// `%time f(x)`. An excerpt is its text and the way back: where in the cell's source each of its characters stands.

export interface Excerpt {
  readonly text: string;
  /** From an offset into `text` to the offset into the cell's source. */
  readonly toSource: (offset: number) => number;
}

export function wholeOf(source: string): Excerpt {
  return { text: source, toSource: offset => offset };
}

/** The part of `excerpt` between two offsets; `text` may stand in for its characters, at the same length. */
export function partOf(excerpt: Excerpt, from: number, to: number, text = excerpt.text.slice(from, to)): Excerpt {
  return { text, toSource: from === 0 ? excerpt.toSource : offset => excerpt.toSource(from + offset) };
}

/** The range in the cell's source of the characters between two offsets. */
export function rangeIn({ toSource }: Excerpt, from: number, to: number): { from: number; to: number } {
  return { from: toSource(from), to: to > from ? toSource(to - 1) + 1 : toSource(from) };
}

/** `excerpt` without the first `counts[i]` characters of each line i. */
export function withoutLineStarts(excerpt: Excerpt, counts: readonly number[]): Excerpt {
  if (counts.every(count => count === 0)) return excerpt;
  const lines = excerpt.text.split('\n').map((line, i) => line.slice(counts[i]));
  const starts: number[] = [];
  const shifts: number[] = [];
  let start = 0;
  let shift = 0;
  lines.forEach((line, i) => {
    starts.push(start);
    shifts.push((shift += counts[i] ?? 0));
    start += line.length + 1;
  });
  return {
    text: lines.join('\n'),
    toSource: offset => excerpt.toSource(offset + shifts[lastAtMost(starts, offset)]!)
  };
}

/** Index of the last of the rising `values` that is not above `limit`; 0 where there is none. */
function lastAtMost(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle]! <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}
