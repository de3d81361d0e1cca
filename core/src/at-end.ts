// A step tagged ‘at-end’ runs when all others have ended, however they did. So it is the notebook's last step, and takes nothing from steps
// that may have failed.
import type { CellRange, Diagnostic } from './diagnostic.js';
import type { Outline, StepOutline } from './outline.js';
import { toRange } from './python/effects/place.js';
import type { StepPlan } from './stepPlan.js';

export function checkAtEnd({ steps }: Outline, plans: readonly StepPlan[]): readonly Diagnostic[] {
  return steps.flatMap((step, index) =>
    step.settings.atEnd ? [...checkPlace(step, steps), ...checkNeeds(step, plans[index]!, steps)] : []
  );
}

function checkPlace(step: StepOutline, steps: readonly StepOutline[]): readonly Diagnostic[] {
  const error = (message: string): Diagnostic[] => [
    { code: 'at-end', severity: 'error', message, range: headOf(step) }
  ];
  const last = steps.at(-1)!;
  if (steps.length === 1)
    return error(`Step ‘${step.name}’ is to run after all others, but there are none. Take its tag ‘at-end’ away.`);
  if (step === last) return [];
  return last.settings.atEnd
    ? error(`Steps ‘${step.name}’ and ‘${last.name}’ are both to run at the end. Make one step of them.`)
    : error(
        `Step ‘${step.name}’ is to run at the end, but step ‘${last.name}’ stands below it. Move the cells of ‘${step.name}’ to the end of the notebook.`
      );
}

function checkNeeds(step: StepOutline, { needs }: StepPlan, steps: readonly StepOutline[]): readonly Diagnostic[] {
  return needs
    .filter(({ slot }) => slot.kind === 'value' && steps[slot.step] !== undefined)
    .map(({ slot, range }) => ({
      code: 'at-end',
      severity: 'error',
      message: `Step ‘${step.name}’ runs at the end whatever happens, but reads ‘${slot.name}’ of step ‘${steps[slot.step]!.name}’, which may have failed by then. Write it to a file there and read the file here, or make it a parameter.`,
      range: toRange(range)
    }));
}

function headOf({ cells }: StepOutline): CellRange {
  return { cell: cells[0] ?? 0, from: 0, to: 0 };
}
