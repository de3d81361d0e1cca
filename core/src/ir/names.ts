// Steps are named by people; Kubernetes wants lower case letters, digits and dashes. This module derives the one from the other.

/** A DNS label of at most `length` characters; `fallback` where nothing of the name remains. */
export function toDnsLabel(name: string, length: number, fallback: string): string {
  const label = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, length)
    .replace(/^-+|-+$/g, '');
  return label === '' ? fallback : label;
}

/** For each step its task's name, all different: `train` and `Train` become `train` and `train-2`. */
export function toTaskNames(steps: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    steps.map(step => {
      // pods are called after the run and the task, and may have 63 characters
      const label = toDnsLabel(step, 40, 'step');
      let name = label;
      for (let n = 2; taken.has(name); n++) name = `${label}-${n}`;
      taken.add(name);
      return [step, name];
    })
  );
}
