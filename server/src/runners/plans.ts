// Reading IR takes longer than anything else that a runner does before a run's first step, and the same text is often read twice.
import { planIr, readIr, type Plan } from '@sluice/core';

let last: { readonly ir: string; readonly plan: Plan } | undefined;

/** @throws IrError when the text is no IR, or can't be run on this machine */
export function readPlan(ir: string): Plan {
  if (last?.ir !== ir) last = { ir, plan: planIr(readIr(ir)) };
  return last.plan;
}
