// Names that Argo takes beyond what Kubernetes asks for.
import { freeName } from '../cluster/names.js';

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
