// What a verification found, put into words: one sentence, and below it what was not judged or where the difference may come from.
import type { Difference, Verification, VerifiedStep, VerifyStage } from '@sluice/core';

export interface Finding {
  readonly sentence: string;
  /** where the pipeline first does something else */
  readonly first?: Difference;
  readonly remarks: readonly string[];
}

export const stageWords: Readonly<Record<VerifyStage, string>> = {
  notebook: 'Running the notebook from top to bottom …',
  pipeline: 'Running its pipeline …',
  again: 'They differ. Running the notebook once more, to see whether it does the same each time …'
};

export function describeVerification({ outcome, steps, first }: Verification): Finding {
  if (outcome === 'different' && first !== null) {
    const found = steps.find(step => step.name === first.step);
    return { sentence: `Step ‘${first.step}’ does not do as the notebook does.`, first, remarks: found?.hints ?? [] };
  }
  const remarks = [...describeUnsteady(steps), ...describeNotCompared(steps)];
  if (outcome === 'failed') {
    const failed = steps.find(step => step.state === 'failed')?.name;
    const where = failed === undefined ? '' : ` in step ‘${failed}’`;
    return { sentence: `The notebook itself fails${where}, and its pipeline fails alike. Correct it first.`, remarks };
  }
  return { sentence: `The pipeline does as the notebook does: ${describeEqual(steps)}`, remarks };
}

function describeEqual(steps: readonly VerifiedStep[]): string {
  const values = sum(steps, step => step.values);
  const outputs = sum(steps, step => step.outputs);
  const parts = [
    ...(values > 0 ? [counted(values, 'value')] : []),
    ...(outputs > 0 ? [counted(outputs, 'output')] : [])
  ];
  if (parts.length === 0) return 'neither leaves values or outputs.';
  return `${parts.join(' and ')} ${values + outputs === 1 ? 'is' : 'are'} equal.`;
}

/** What differs between two runs of the notebook, too: times, or random numbers without a seed. */
function describeUnsteady(steps: readonly VerifiedStep[]): readonly string[] {
  const what = steps.flatMap(step =>
    step.unsteady.map(one =>
      one.name === undefined
        ? `what cell ${one.cell + 1} ${one.kind === 'shown' ? 'shows' : 'prints'}`
        : `‘${one.name}’`
    )
  );
  return what.length === 0 ? [] : [`Not judged, since it differs each time the notebook runs: ${listed(what)}.`];
}

function describeNotCompared(steps: readonly VerifiedStep[]): readonly string[] {
  return steps.flatMap(step => step.notCompared.map(one => `Not compared: ‘${one.name}’, since ${one.reason}.`));
}

function listed(what: readonly string[]): string {
  const names = [...new Set(what)];
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
