// Names that Kubernetes takes. Most come from the IR's tasks, which are DNS labels already.

/** Label of everything that Sluice makes in a cluster. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'sluice' } as const;

/**
 * A label's value: at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit. What had to be changed ends with a
 * hash, so that it stays itself: who makes an object and who selects it come to the same value, and two names never do.
 */
export function toLabelValue(text: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/.test(text)) return text;
  return withHash(text, withoutAccents(text), /[^A-Za-z0-9_.]+/g);
}

/** An object's name from its parts: lower case letters, digits and `-`, at most 63 of them; with a hash as well where it had to be changed. */
export function toObjectName(...parts: readonly (string | undefined)[]): string {
  const text = parts.filter(Boolean).join('-');
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  return withHash(text, withoutAccents(text).toLowerCase(), /[^a-z0-9]+/g);
}

/** `name`, or the first of `name-2`, `name-3`, … that is not taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
  return free;
}

const withoutAccents = (text: string): string => text.normalize('NFKD').replace(/\p{M}+/gu, '');

function withHash(original: string, text: string, unwanted: RegExp): string {
  const hash = hashText(original);
  const rest = text
    .replace(unwanted, '-')
    .slice(0, 62 - hash.length)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
  return rest === '' ? `x-${hash}` : `${rest}-${hash}`;
}

// FNV-1a, which is enough to tell the names of one notebook apart
function hashText(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0;
  return hash.toString(36).padStart(7, '0');
}
