// What two runs ran, side by side: for each step whose source differs, the lines that are gone and those that are new. A step's source is its
// cells, and before them what it borrows from others: imports, functions and classes.
import { readStepArgument } from './ir/argument.js';
import type { Plan, PlanTask } from './ir/plan.js';

export interface CodeChange {
  readonly step: string;
  readonly change: 'changed' | 'added' | 'removed';
  /** the lines that differ with a few around them; none for a step that only one of the runs has */
  readonly lines: readonly CodeLine[];
}

export interface CodeLine {
  /** `gap` stands for lines that are equal and not told */
  readonly kind: 'same' | 'removed' | 'added' | 'gap';
  readonly text: string;
}

const shownAround = 2;
/** so many pairs of lines are compared one by one; more differ as a whole */
const mostPairs = 4_000_000;

/** Steps whose source is equal are left out. */
export function compareCode(before: Plan, after: Plan): readonly CodeChange[] {
  const [old, now] = [sourcesOf(before), sourcesOf(after)];
  const removed = [...old.keys()].filter(step => !now.has(step));
  return [
    ...[...now].flatMap(([step, source]): readonly CodeChange[] => {
      const was = old.get(step);
      if (was === undefined) return [{ step, change: 'added', lines: [] }];
      const lines = compareLines(was, source);
      return lines.every(({ kind }) => kind === 'same') ? [] : [{ step, change: 'changed', lines: shorten(lines) }];
    }),
    ...removed.map((step): CodeChange => ({ step, change: 'removed', lines: [] }))
  ];
}

/** The lines of each step. */
function sourcesOf({ tasks }: Plan): ReadonlyMap<string, readonly string[]> {
  return new Map(tasks.map(task => [task.name, sourceOf(task)]));
}

function sourceOf({ command, args }: PlanTask): readonly string[] {
  const step = readStepArgument(args);
  const borrowed = step?.setup?.flatMap(item => (item.kind === 'source' ? [item.source] : [])) ?? [];
  const cells = step?.cells?.map(({ source }) => source) ?? [];
  // A task that is no step of a notebook's is what its container is told.
  const texts = step ? [...borrowed, ...cells] : [...command, ...args];
  return texts.flatMap(text => text.replace(/\n+$/, '').split('\n'));
}

/** The longest common lines stay; what stands between them is removed, then added. */
function compareLines(a: readonly string[], b: readonly string[]): readonly CodeLine[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const same = (lines: readonly string[]): readonly CodeLine[] => lines.map(text => ({ kind: 'same', text }));
  return [
    ...same(a.slice(0, start)),
    ...compareRest(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end))
  ];
}

function compareRest(a: readonly string[], b: readonly string[]): readonly CodeLine[] {
  const removed = (text: string): CodeLine => ({ kind: 'removed', text });
  const added = (text: string): CodeLine => ({ kind: 'added', text });
  if (a.length * b.length > mostPairs) return [...a.map(removed), ...b.map(added)];
  // common[i][j]: how many lines a from i and b from j have in common, in their order
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const lines: CodeLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length)
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i++]! });
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!))
      lines.push(removed(a[i++]!));
    else lines.push(added(b[j++]!));
  return lines;
}

/** Equal lines that are not near one that differs become a gap. */
function shorten(lines: readonly CodeLine[]): readonly CodeLine[] {
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - shownAround), at + shownAround + 1).some(({ kind }) => kind !== 'same')
  );
  return lines.flatMap((line, at): readonly CodeLine[] => {
    if (isNear[at]) return [line];
    return at === 0 || isNear[at - 1] ? [{ kind: 'gap', text: '' }] : [];
  });
}
