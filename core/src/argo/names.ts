// Names that Kubernetes and Argo take. Most come from the IR's tasks, which are DNS labels already.
import { toDnsLabel } from '../ir/names.js';

/** Label of everything that Sluice makes in a cluster. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'sluice' } as const;

/** A label's value: 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit. */
export function toLabelValue(text: string, fallback: string): string {
  return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text) ? text : toDnsLabel(text, 63, fallback);
}

/** For each task a name that Argo takes where others depend on it: it may not begin with a digit. */
export function toTemplateNames(tasks: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(tasks.filter(task => !/^\d/.test(task)));
  return new Map(
    tasks.map(task => {
      if (!/^\d/.test(task)) return [task, task];
      const name = freeName(`step-${task}`, taken);
      taken.add(name);
      return [task, name];
    })
  );
}

/** `name`, or the first of `name-2`, `name-3`, … that is not taken. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}-${n}`;
  return free;
}
