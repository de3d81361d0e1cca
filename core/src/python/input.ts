// What IPython takes off a cell before it reads it: prompts of a pasted session, and indentation that all lines share.
import { withoutLineStarts, wholeOf, type Excerpt } from './excerpt.js';

const classicPrompt = /^[ \t]*(?:>>>|\.\.\.)(?: |$)/;
const classicStart = /^[ \t]*>>>(?: |$)/;
const numberedPrompt = /^(?:(?:\[nav\]|\[ins\])? ?In \[\d+\]: ?|\s*\.{3,}: ?)/;

/** The Python of a cell, as IPython runs it (its `leading_indent`, `classic_prompt` and `ipython_prompt`). */
export function readInput(source: string): Excerpt {
  return withoutIndent(withoutPrompts(withoutIndent(wholeOf(source))));
}

function withoutPrompts(excerpt: Excerpt): Excerpt {
  const lines = excerpt.text.split('\n');
  const first = lines.find(line => line.trim() !== '') ?? '';
  const prompt = classicStart.test(first) ? classicPrompt : numberedPrompt.test(first) ? numberedPrompt : undefined;
  if (!prompt) return excerpt;
  return withoutLineStarts(
    excerpt,
    lines.map(line => prompt.exec(line)?.[0].length ?? 0)
  );
}

function withoutIndent(excerpt: Excerpt): Excerpt {
  if (!/^\s*[ \t]\S/.test(excerpt.text)) return excerpt;
  const lines = excerpt.text.split('\n');
  const margin = lines
    .filter(line => line.trim() !== '')
    .map(line => /^[ \t]*/.exec(line)![0])
    .reduce(commonStart);
  return withoutLineStarts(
    excerpt,
    lines.map(line => (line.startsWith(margin) ? margin.length : line.length))
  );
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
