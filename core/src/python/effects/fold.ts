// Constants that a reader works out in the head: file paths, keys and the text of dynamic code.
import type { Folded } from './thing.js';

export function foldBinary(operator: string, left: Folded, right: Folded): Folded | undefined {
  const [a, b] = [left.value, right.value];
  if (operator === '/' && typeof a === 'string' && typeof b === 'string' && (left.isPath || right.isPath))
    return { value: joinPaths([a, b]), isPath: true };
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') return { value: a + b };
  if (operator === '%' && typeof a === 'string') return foldPercent(a, b);
  if (typeof a !== 'number' || typeof b !== 'number') return undefined;
  switch (operator) {
    case '+':
      return { value: a + b };
    case '-':
      return { value: a - b };
    case '*':
      return { value: a * b };
    case '//':
      return b === 0 ? undefined : { value: Math.floor(a / b) };
    case '**':
      return { value: a ** b };
  }
  return undefined;
}

function foldPercent(format: string, value: Folded['value']): Folded | undefined {
  const holes = format.match(/%[sd]/g);
  return holes?.length === 1 && !/%[^sd]/.test(format) ? { value: format.replace(/%[sd]/, printed(value)) } : undefined;
}

/** What `str(value)` prints. */
export function printed(value: Folded['value']): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

/** `os.path.join`: an absolute part begins anew. */
export function joinPaths(parts: readonly string[]): string {
  let path = '';
  for (const part of parts) path = part.startsWith('/') || path === '' ? part : path.replace(/\/+$/, '') + '/' + part;
  return path;
}

/** Two spellings of one path compare equal: `./data//x.csv` and `data/x.csv`. */
export function normalPath(path: string): string {
  const isAbsolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return (isAbsolute ? '/' : '') + parts.join('/');
}
