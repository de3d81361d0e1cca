// Which files a step's process read, wrote, listed and asked for, and which variables, as its runtime tells at its end (files.py).

export interface Trace {
  /** absolute paths, all of them */
  readonly read: readonly string[];
  readonly wrote: readonly string[];
  readonly listed: readonly string[];
  /** of which it asked no more than whether they are there */
  readonly asked: readonly string[];
  /** of the environment, by name */
  readonly variables: readonly string[];
  /** programs and libraries that open files without telling */
  readonly others: readonly string[];
}

/** Undefined where the event is no trace. */
export function readTrace(event: Readonly<Record<string, unknown>>): Trace | undefined {
  const { read, wrote, listed, others, asked = [], variables = [] } = event; // an older runtime does not tell all
  return isTexts(read) && isTexts(wrote) && isTexts(listed) && isTexts(others) && isTexts(asked) && isTexts(variables)
    ? { read, wrote, listed, asked, variables, others }
    : undefined;
}

/** What all attempts at a step did together. */
export function joinTraces(a: Trace | undefined, b: Trace): Trace {
  if (a === undefined) return b;
  const join = (x: readonly string[], y: readonly string[]) => [...new Set([...x, ...y])];
  return {
    read: join(a.read, b.read),
    wrote: join(a.wrote, b.wrote),
    listed: join(a.listed, b.listed),
    asked: join(a.asked, b.asked),
    variables: join(a.variables, b.variables),
    others: join(a.others, b.others)
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}
