// What a verification found, put into words: one sentence, and below it what was not judged or where the difference may come from.
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Difference, Verification, VerifiedStep, VerifyStage } from '@sluice/core';

export interface Finding {
  readonly sentence: string;
  /** where the pipeline first does something else */
  readonly first?: Difference;
  readonly remarks: readonly string[];
}

export function stageWords(stage: VerifyStage, trans: TranslationBundle): string {
  switch (stage) {
    case 'notebook':
      return trans.__('Running the notebook from top to bottom …');
    case 'pipeline':
      return trans.__('Running its pipeline …');
    case 'again':
      return trans.__('They differ. Running the notebook once more, to see whether it does the same each time …');
  }
}

export function describeVerification({ outcome, steps, first }: Verification, trans: TranslationBundle): Finding {
  if (outcome === 'different' && first !== null) {
    const found = steps.find(step => step.name === first.step);
    const sentence = trans.__('Step ‘%1’ does not do as the notebook does.', first.step);
    return { sentence, first, remarks: found?.hints ?? [] };
  }
  const remarks = [...describeUnsteady(steps, trans), ...describeNotCompared(steps, trans)];
  if (outcome === 'failed') {
    const failed = steps.find(step => step.state === 'failed')?.name;
    const sentence =
      failed === undefined
        ? trans.__('The notebook itself fails, and its pipeline fails alike. Correct it first.')
        : trans.__('The notebook itself fails in step ‘%1’, and its pipeline fails alike. Correct it first.', failed);
    return { sentence, remarks };
  }
  return { sentence: describeEqual(steps, trans), remarks };
}

function describeEqual(steps: readonly VerifiedStep[], trans: TranslationBundle): string {
  const values = sum(steps, step => step.values);
  const outputs = sum(steps, step => step.outputs);
  if (values + outputs === 0)
    return trans.__('The pipeline does as the notebook does: neither leaves values or outputs.');
  if (values + outputs === 1)
    return values === 1
      ? trans.__('The pipeline does as the notebook does: 1 value is equal.')
      : trans.__('The pipeline does as the notebook does: 1 output is equal.');
  const parts = [
    ...(values > 0 ? [trans._n('%1 value', '%1 values', values)] : []),
    ...(outputs > 0 ? [trans._n('%1 output', '%1 outputs', outputs)] : [])
  ];
  const both = parts.length === 1 ? parts[0] : trans.__('%1 and %2', ...parts);
  return trans.__('The pipeline does as the notebook does: %1 are equal.', both);
}

/** What differs between two runs of the notebook, too: times, or random numbers without a seed. */
function describeUnsteady(steps: readonly VerifiedStep[], trans: TranslationBundle): readonly string[] {
  const what = steps.flatMap(step =>
    step.unsteady.map(one => {
      if (one.name !== undefined) return `‘${one.name}’`;
      return one.kind === 'shown'
        ? trans.__('what cell %1 shows', one.cell + 1)
        : trans.__('what cell %1 prints', one.cell + 1);
    })
  );
  if (what.length === 0) return [];
  return [trans.__('Not judged, since it differs each time the notebook runs: %1.', listed(what, trans))];
}

function describeNotCompared(steps: readonly VerifiedStep[], trans: TranslationBundle): readonly string[] {
  return steps.flatMap(step =>
    step.notCompared.map(one => trans.__('Not compared: ‘%1’, since %2.', one.name, one.reason))
  );
}

function listed(what: readonly string[], trans: TranslationBundle): string {
  const names = [...new Set(what)];
  if (names.length <= 5) return names.join(', ');
  return trans.__('%1 and %2 more', names.slice(0, 5).join(', '), names.length - 5);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
