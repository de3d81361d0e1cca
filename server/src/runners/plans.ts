// Reading IR takes longer than anything else that a runner does before a run's first step. What was compiled here is not read again, and
// what reads it is loaded for IR from outside only.
import { planIr, type Ir, type Plan } from '@sluice/core';

let last: { readonly text: string; readonly plan: Plan } | undefined;

/** IR that was compiled here, and that is likely to be run next. */
export function rememberPlan(text: string, ir: Ir): void {
  last = { text, plan: planIr(ir) };
}

/** @throws IrError when the text is no IR, or can't be run on this machine */
export async function readPlan(text: string): Promise<Plan> {
  if (last?.text !== text) {
    const { readIr } = await import('@sluice/core/ir/read');
    last = { text, plan: planIr(readIr(text)) };
  }
  return last.plan;
}
