// What is kept of each step that succeeded, so that a later run can tell whether it would do the same again, and take what it gave.
import type { Sql } from '../database.js';
import { newestFirst } from '../rows.js';
import type { BundleContent } from './bundles.js';
import type { Given } from './given.js';
import type { Content, Kind } from './tree.js';

export interface Outcome {
  /** id of the run that has it, and number of the one that executed the step */
  readonly run: string;
  readonly number: number;
  readonly step: string;
  /** identifies the execution: runs that took the step from cache have the same */
  readonly execution: string;
  /** undefined where the step may not come from cache */
  readonly depends?: Depends;
  /** what the step left at the paths that it wrote to */
  readonly wrote: Readonly<Record<string, Content>>;
  /** the notebook's folder in the run's workspace, relative to the run's folder */
  readonly folder: string;
}

export interface Depends {
  readonly given: Given;
  /** paths are relative to the notebook's folder, or absolute outside of the workspace */
  readonly read: Readonly<Record<string, Content>>;
  /** hashes of the names in these folders */
  readonly listed: Readonly<Record<string, Content>>;
  /** of paths of which it asked no more, what was there; earlier versions did not know */
  readonly asked?: Readonly<Record<string, Kind>>;
  /** hashes of the variables of the environment that its code read; null where there was none */
  readonly variables?: Readonly<Record<string, string | null>>;
  /** hash of the whole workspace, for a step that starts other programs; and which they are */
  readonly whole?: { readonly content: Content; readonly because: string };
  /** why it can't be said what its outcome depends on: it never comes from cache */
  readonly unsure?: string;
  /** executions of the steps that it follows without taking anything from them */
  readonly after: Readonly<Record<string, string>>;
  /** what it gave, by artifact */
  readonly artifacts: Readonly<Record<string, BundleContent>>;
}

type Row = NonNullable<ReturnType<Sql['get']>>;

const columns = `o.run, o.step, o.number, o.execution, o.depends, o.wrote, o.folder FROM outcomes o JOIN runs ON runs.id = o.run
  JOIN steps s ON s.run = o.run AND s.name = o.step AND s.state IN ('succeeded', 'cached')`;

export class Outcomes {
  constructor(private readonly sql: Sql) {}

  add(outcome: Outcome, key: string | undefined): void {
    const { run, step, number, execution, depends, wrote, folder } = outcome;
    this.sql.run(
      'INSERT OR REPLACE INTO outcomes (run, step, number, execution, key, depends, wrote, folder) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[run, step, number, execution, key ?? null],
      ...[depends === undefined ? null : JSON.stringify(depends), JSON.stringify(wrote), folder]
    );
  }

  find(run: string, step: string): Outcome | undefined {
    const row = this.sql.get(`SELECT ${columns} WHERE o.run = ? AND o.step = ?`, run, step);
    return row && toOutcome(row);
  }

  /** In runs of the notebook, or of IR where there is none; newest first. */
  withKey(key: string, notebook: string | undefined): Outcome[] {
    return this.sql
      .all(
        `SELECT ${columns} WHERE o.key = ? AND runs.notebook IS ? ORDER BY ${newestFirst} LIMIT 20`,
        ...[key, notebook ?? null]
      )
      .map(toOutcome);
  }

  /** The newest of this step in any run of the notebook, or of the pipeline where it came from an IR. */
  latest(step: string, notebook: string | undefined, pipeline: string): Outcome | undefined {
    const row = this.sql.get(
      `SELECT ${columns} WHERE o.step = ?1 AND runs.notebook IS ?2 AND runs.pipeline = ?3 AND o.depends IS NOT NULL
       ORDER BY ${newestFirst} LIMIT 1`,
      ...[step, notebook ?? null, pipeline]
    );
    return row && toOutcome(row);
  }

  /** The number of the run in which the step failed, if that was the last time that it was executed. */
  failedLast(step: string, notebook: string | undefined, pipeline: string): number | undefined {
    const row = this.sql.get(
      `SELECT runs.number, s.state FROM steps s JOIN runs ON runs.id = s.run
       WHERE s.name = ?1 AND runs.notebook IS ?2 AND runs.pipeline = ?3 AND s.state IN ('succeeded', 'cached', 'failed')
       ORDER BY ${newestFirst} LIMIT 1`,
      ...[step, notebook ?? null, pipeline]
    );
    return row?.state === 'failed' ? (row.number as number) : undefined;
  }
}

function toOutcome(row: Row): Outcome {
  const { run, step, number, execution, depends, wrote, folder } = row as Record<string, string>;
  return {
    ...{ run: run!, step: step!, number: Number(number), execution: execution! },
    ...(depends === null ? {} : { depends: JSON.parse(depends!) as Depends }),
    wrote: JSON.parse(wrote!) as Outcome['wrote'],
    folder: folder!
  };
}
