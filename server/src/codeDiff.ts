// In which steps two runs of the store ran other source, by the IR that each keeps.
import { existsSync, readFileSync } from 'node:fs';
import { compareCode, type CodeChange, type RunSummary } from '@sluice/core';
import { layoutOf } from './runners/layout.js';
import { readPlan } from './runners/plans.js';
import type { Store } from './store.js';

/** Undefined where one of them has not kept its IR. */
export async function diffCode(
  { home }: Store,
  before: RunSummary,
  after: RunSummary
): Promise<readonly CodeChange[] | undefined> {
  const [old, now] = [layoutOf(home, before.id).ir, layoutOf(home, after.id).ir];
  if (!existsSync(old) || !existsSync(now)) return undefined;
  return compareCode(await readPlan(readFileSync(old, 'utf8')), await readPlan(readFileSync(now, 'utf8')));
}
