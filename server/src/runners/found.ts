// Runs that were started elsewhere get a record here like any other. Nobody owns it: whoever follows runs comes upon it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { JsonValue, RunSummary } from '@sluice/core';
import type { Store } from '../store.js';
import type { Place } from './engine.js';
import { layoutOf } from './layout.js';

export interface FoundRun {
  readonly runner: string;
  readonly pipeline: string;
  /** its notebook's path or name, as it is called where the run was started */
  readonly notebook?: string;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** the engine's id, and where it is */
  readonly id: string;
  readonly place: Place;
  /** milliseconds since 1970 */
  readonly at: number;
  readonly steps: readonly string[];
  /** where the engine has it, and Sluice can read it */
  readonly ir?: string;
}

/** `isKnown` is asked when the record is about to be made: another process may look for runs as well. */
export function recordFound(store: Store, found: FoundRun, isKnown: () => boolean): void {
  const { runner, pipeline, notebook, parameters, id, place, at, steps, ir } = found;
  store.sql.transaction(() => {
    if (isKnown()) return;
    const run = store.create({
      ...{ runner, pipeline, parameters, remote: { id, place, isFound: true } },
      ...(notebook === undefined ? {} : { notebook: nameHere(store, notebook) })
    });
    store.sql.run('UPDATE runs SET created_at = ? WHERE id = ?', at, run.id);
    store.append(run.id, { type: 'run-started', run: run.id, steps }, at);
    const layout = layoutOf(store.home, run.id);
    mkdirSync(layout.folder, { recursive: true });
    if (ir !== undefined) writeFileSync(layout.ir, ir);
    store.release(run.id);
  });
}

/** What the run's objects in the cluster are labelled with: one that was started elsewhere has the id that it got there. */
export const labelOf = ({ id, remote }: Pick<RunSummary, 'id' | 'remote'>): string => remote?.place.run ?? id;

/** The notebook here that is called so there: of this path, or the only one of its name that has been run. */
function nameHere(store: Store, there: string): string {
  if (existsSync(resolve(dirname(store.home), there))) return there;
  const known = store.sql
    .all('SELECT DISTINCT notebook FROM runs WHERE notebook IS NOT NULL')
    .map(row => row.notebook as string);
  const same = known.filter(notebook => basename(notebook) === basename(there));
  return same.length === 1 ? same[0]! : there;
}
