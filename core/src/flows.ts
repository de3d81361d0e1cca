// Why one step comes after another: each flow with its reason, in words for people.
import { position } from './diagnostic.js';
import type { CellRange } from './diagnostic.js';
import type { Dependencies } from './dependencies.js';
import { groupBy } from './group.js';
import type { Notebook } from './notebook.js';
import type { Outline } from './outline.js';
import type { Flow, FlowKind } from './pipeline.js';
import type { StepPlan } from './stepPlan.js';
import { stateOf } from './python/effects/ambient.js';
import { comesBefore, toRange } from './python/effects/place.js';
import type { FileUse, Need, StepRecord } from './python/effects/report.js';

export function findFlows(
  notebook: Notebook,
  outline: Outline,
  { records, files }: Dependencies,
  plans: readonly StepPlan[]
): Flow[] {
  const names = outline.steps.map(({ name }) => name);
  const flows: Flow[] = [];
  const uses = indexUses(files);
  plans.forEach(({ needs }, step) => {
    for (const need of needs) flows.push(toFlow(notebook, names, step, need));
    flows.push(...settingFlows(notebook, names, step, records[step]!));
    flows.push(...fileFlows(notebook, names, step, uses));
    for (const previous of outline.steps[step]!.previous) flows.push(orderFlow(outline, step, previous));
  });
  return flows;
}

function toFlow(
  notebook: Notebook,
  names: readonly string[],
  step: number,
  { slot, range, through, certainty }: Need
): Flow {
  const state = stateOf(slot.name);
  if (state !== undefined) return stateFlow(notebook, names, step, state, { slot, range, through, certainty });
  const kind: FlowKind = slot.kind === 'definition' || slot.kind === 'import' ? slot.kind : 'value';
  const chain = through.length > 0 ? `, through ${through.join(' → ')}` : '';
  const to = names[step]!;
  const isStar = slot.name === '*';
  const what = isStar ? `a name` : slot.name;
  const by = isStar ? `, which may be one of ‘from ${slot.value.things[0]?.path} import *’` : '';
  return {
    name: slot.name,
    from: names[slot.step]!,
    to,
    kind,
    certainty,
    reason: {
      range: toRange(range),
      origin: toRange(slot.written),
      ...(comesBefore(slot.origin, slot.written) ? { isChanged: true } : {}),
      through,
      text: `${to} reads ${what} in ${place(notebook, range)}${chain}${by}.`
    }
  };
}

function stateFlow(notebook: Notebook, names: readonly string[], step: number, state: string, need: Need): Flow {
  const { slot, range, through, certainty } = need;
  const [to, from] = [names[step]!, names[slot.step]!];
  const text = `${to} draws random numbers from ${state} in ${place(notebook, range)}, after ${from} in ${place(notebook, slot.written)}.`;
  return {
    name: state,
    from,
    to,
    kind: 'ambient',
    certainty,
    reason: { range: toRange(range), origin: toRange(slot.written), through, text }
  };
}

/** A step that uses a library follows the steps that set its options. */
function settingFlows(notebook: Notebook, names: readonly string[], step: number, record: StepRecord): Flow[] {
  const flows = new Map<string, Flow>();
  for (const { topic, step: setter, range } of record.settings) {
    const root = topic.replace('%', '').split(/[.[]/)[0]!;
    const isFolder = /^(os\.chdir|%cd)$/.test(topic);
    const isUsed = record.uses.has(root) || (root === 'matplotlib' && record.uses.has('seaborn'));
    if (!isFolder && !isUsed) continue;
    const [to, from] = [names[step]!, names[setter]!];
    const name = topic.replace(/\[\]$/, '');
    const text = `${to} runs with ${name} as ${from} sets it in ${place(notebook, range)}.`;
    flows.set(`${from} ${name}`, {
      name,
      from,
      to,
      kind: 'ambient',
      certainty: 'possible',
      reason: { range: toRange(range), through: [], text }
    });
  }
  return [...flows.values()];
}

const place = (notebook: Notebook, range: CellRange): string =>
  `cell ${range.cell + 1} line ${position(notebook.cells[range.cell]?.source ?? '', range.from).line}`;

/** A file that an earlier step wrote last and this one uses, or one that it writes over. */
function fileFlows(notebook: Notebook, names: readonly string[], step: number, { ofStep, under }: Uses): Flow[] {
  const flows: Flow[] = [];
  const done = new Set<string>();
  for (const use of ofStep.get(step) ?? []) {
    const there = under.get(use.path)!;
    const earlier = there.slice(0, there.indexOf(use));
    const writer = earlier.filter(other => other.role !== 'reads').at(-1);
    if (use.role !== 'writes' && (!writer || writer.step === step)) continue;
    for (const other of use.role === 'reads' ? [writer!] : earlier) {
      const key = `${use.path} ${other.step}`;
      if (other.step < 0 || other.step === step || done.has(key)) continue;
      done.add(key);
      const [to, from] = [names[step]!, names[other.step]!];
      const did = use.role === 'reads' ? 'reads' : 'writes';
      flows.push({
        name: use.path,
        from,
        to,
        kind: 'file',
        certainty: use.certainty === 'certain' && other.certainty === 'certain' ? 'certain' : 'possible',
        reason: {
          range: toRange(use.range),
          origin: toRange(other.range),
          through: use.through,
          text: `${to} ${did} the file ${use.path} in ${place(notebook, use.range)}, after ${from} ${other.role === 'reads' ? 'reads' : 'writes'} it in ${place(notebook, other.range)}.`
        }
      });
    }
  }
  return flows;
}

/** Uses of files in the order of the notebook. */
interface Uses {
  readonly ofStep: ReadonlyMap<number, readonly FileUse[]>;
  /** by the path of the file, or of a folder that it is in */
  readonly under: ReadonlyMap<string, readonly FileUse[]>;
}

function indexUses(files: readonly FileUse[]): Uses {
  const places = files.flatMap(use =>
    [...use.path.matchAll(/\/|$/g)].map(({ index }) => ({ at: use.path.slice(0, index), use }))
  );
  const under = [...groupBy(places, ({ at }) => at)].map(([at, there]) => [at, there.map(({ use }) => use)] as const);
  return { ofStep: groupBy(files, ({ step }) => step), under: new Map(under) };
}

function orderFlow(outline: Outline, step: number, previous: string): Flow {
  const { name, cells } = outline.steps[step]!;
  return {
    name: previous,
    from: previous,
    to: name,
    kind: 'order',
    certainty: 'certain',
    reason: {
      range: { cell: cells[0] ?? 0, from: 0, to: 0 },
      through: [],
      text: `${name} comes after ${previous}, as its tag ‘prev:${previous}’ says.`
    }
  };
}
