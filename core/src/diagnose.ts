// What is wrong with a notebook as a pipeline, where, and what to do.
import { checkAtEnd } from './at-end.js';
import type { Dependencies } from './dependencies.js';
import type { CellRange, Diagnostic } from './diagnostic.js';
import { findCycles } from './graph.js';
import type { Notebook } from './notebook.js';
import type { Outline } from './outline.js';
import type { PipelineStep } from './pipeline.js';
import { describePlace } from './place.js';
import type { StepPlan } from './stepPlan.js';
import { toRange } from './python/effects/place.js';
import type { Unbound } from './python/effects/report.js';
import { address, ofItself } from './python/effects/tables/functions.js';
import { isContainer } from './python/effects/tables/methods.js';
import { contentsOf } from './python/effects/thing.js';
import type { Thing } from './python/effects/thing.js';

export function diagnose(
  notebook: Notebook,
  outline: Outline,
  dependencies: Dependencies,
  plans: readonly StepPlan[],
  steps: readonly PipelineStep[]
): Diagnostic[] {
  return [
    ...dependencies.diagnostics,
    ...dependencies.remarks.map(remark => ({ ...remark, range: toRange(remark.range) })),
    ...findUnbound(notebook, outline, dependencies),
    ...findUntravelling(notebook, outline, plans),
    ...findContradictions(notebook, outline, plans, steps),
    ...findUnused(outline, dependencies, steps),
    ...checkAtEnd(outline, plans)
  ];
}

function findUnbound(notebook: Notebook, outline: Outline, dependencies: Dependencies): Diagnostic[] {
  const found: Diagnostic[] = [];
  const keyOf = ({ step, name }: Unbound): string => `${step} ${name}`;
  const certain = new Set(dependencies.unbound.filter(({ certainty }) => certainty === 'certain').map(keyOf));
  const done = new Set<string>();
  for (const unbound of dependencies.unbound) {
    const key = keyOf(unbound);
    const isCertain = unbound.certainty === 'certain';
    if (done.has(key) || (!isCertain && certain.has(key))) continue;
    done.add(key);
    found.push({
      ...explainUnbound(notebook, outline, dependencies, unbound),
      severity: isCertain ? 'error' : 'warning',
      range: toRange(unbound.range)
    });
  }
  return found;
}

function explainUnbound(
  notebook: Notebook,
  outline: Outline,
  { slotAtEnd, skipped }: Dependencies,
  { name, step, deleted }: Unbound
): { code: string; message: string } {
  const reader = outline.steps[step] ? `Step ‘${outline.steps[step].name}’ reads` : 'This cell reads';
  if (deleted) {
    const by = outline.steps[deleted.step] ? `step ‘${outline.steps[deleted.step]!.name}’` : 'a cell above';
    return {
      code: 'no-longer-defined',
      message: `${reader} ‘${name}’, but ${by} deletes it in ${describePlace(deleted.written, notebook)}. Read it before, or do not delete it.`
    };
  }
  const later = slotAtEnd(name);
  if (later && !later.isDeleted && later.step !== step) {
    const owner = outline.steps[later.step];
    const where = `${owner ? `the later step ‘${owner.name}’` : 'a later cell'} defines it in ${describePlace(later.origin, notebook)}`;
    return {
      code: 'used-before-definition',
      message: `${reader} ‘${name}’, but only ${where}. Move that cell above, or the reading one below.`
    };
  }
  if (later && !later.isDeleted)
    return {
      code: 'used-before-definition',
      message: `${reader} ‘${name}’ before it is defined in ${describePlace(later.origin, notebook)}. Move the definition above.`
    };
  const cell = skipped.get(name);
  if (cell !== undefined)
    return {
      code: 'used-before-definition',
      message: `${reader} ‘${name}’, but only cell ${cell + 1}, which is tagged ‘skip’, defines it. Take the tag away, or make ‘${name}’ a pipeline parameter.`
    };
  return {
    code: 'undefined-name',
    message: `${reader} ‘${name}’, but no earlier step defines it. Tag the cell that creates ‘${name}’, or make it a pipeline parameter.`
  };
}

function findUntravelling(notebook: Notebook, outline: Outline, plans: readonly StepPlan[]): Diagnostic[] {
  const found: Diagnostic[] = [];
  plans.forEach(({ needs }, step) => {
    for (const { slot, range, certainty } of needs) {
      if (slot.kind !== 'value') continue;
      const { things } = slot.value;
      const own = reasonsOf(things).at(0);
      const reason = own ?? reasonsOf(things.flatMap(displayed)).at(0);
      if (reason === undefined) continue;
      const isSure =
        certainty === 'certain' && ![address, ofItself].includes(reason) && reasonsOf(things).length === things.length;
      const what = own === undefined ? `holds ${reason}, and was` : `is ${reason},`;
      found.push({
        code: 'cannot-travel',
        severity: isSure ? 'error' : 'warning',
        message: `Step ‘${outline.steps[step]!.name}’ reads ‘${slot.name}’, but that ${what} made in ${describePlace(slot.origin, notebook)}, and cannot go from step ‘${outline.steps[slot.step]!.name}’ to another. Make it again in this step, or hand on its contents.`,
        range: toRange(range)
      });
    }
  });
  return found;
}

const reasonsOf = (things: readonly Thing[]): string[] => things.flatMap(({ untravelling }) => untravelling ?? []);

/** What a list, tuple, set or dictionary surely holds. */
const displayed = (thing: Thing): readonly Thing[] => (isContainer(thing.madeBy) ? contentsOf(thing).things : []);

/** Steps before the last one of which nothing comes. */
function findUnused(
  { steps: outlines }: Outline,
  { records }: Dependencies,
  steps: readonly PipelineStep[]
): Diagnostic[] {
  const used = new Set(steps.flatMap(({ after }) => after));
  return outlines.slice(0, -1).flatMap(({ name, cells, metricsCells }, step): Diagnostic[] => {
    if (used.has(name) || records[step]!.isSeen || metricsCells.length > 0) return [];
    return [
      {
        code: 'unused-step',
        severity: 'info',
        message: `Nothing comes of step ‘${name}’: no later step reads what it binds or changes, and it shows and writes nothing. Use its result, or tag its cells ‘skip’.`,
        range: headOf(cells)
      }
    ];
  });
}

function findContradictions(
  notebook: Notebook,
  outline: Outline,
  plans: readonly StepPlan[],
  steps: readonly PipelineStep[]
): Diagnostic[] {
  const found: Diagnostic[] = [];
  plans.forEach(({ needs }, step) => {
    for (const { slot, range } of needs)
      if (slot.step > step && slot.kind === 'value')
        found.push({
          code: 'order-contradiction',
          severity: 'error',
          message: `Step ‘${outline.steps[step]!.name}’ reads ‘${slot.name}’, which the later step ‘${outline.steps[slot.step]!.name}’ changes in ${describePlace(slot.written, notebook)} between the cells of ‘${outline.steps[step]!.name}’. Give the cell that reads it a step name of its own.`,
          range: toRange(range)
        });
  });
  const order = new Map(outline.steps.map(({ name }, step) => [name, step]));
  outline.steps.forEach(({ name, previous, cells }, step) => {
    for (const other of previous) {
      if (order.get(other)! < step) continue;
      found.push({
        code: 'order-contradiction',
        severity: 'error',
        message: `Step ‘${name}’ is tagged ‘prev:${other}’, but ‘${other}’ stands below it in the notebook. Move the cells of ‘${other}’ above, or take the tag away.`,
        range: headOf(cells)
      });
    }
  });
  for (const cycle of findCycles(steps))
    found.push({
      code: 'cycle',
      severity: 'error',
      message: `The steps ${[...cycle, cycle[0]].map(name => `‘${name}’`).join(' → ')} wait for each other. Rename the step of some of their cells, so that each step can end before the next begins.`,
      range: headOf(outline.steps.find(({ name }) => name === cycle[0])?.cells ?? [])
    });
  return found;
}

const headOf = (cells: readonly number[]): CellRange => ({ cell: cells[0] ?? 0, from: 0, to: 0 });
