// The SQLite file that the records are in: opened and brought to this version, its statements kept, its transactions nested.
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { PipelineError } from './errors.js';
import type { Row } from './rows.js';
import { migrate } from './schema.js';

/** What modules that keep tables of their own in the file see of it. */
export interface Sql {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  run(sql: string, ...values: SQLInputValue[]): void;
  /** Nested calls belong to the outermost one. */
  transaction<T>(work: () => T): T;
}

export class Database implements Sql {
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  /** @throws PipelineError `storage` when the file can't be opened or was written by a later version */
  constructor(home: string, path: string) {
    try {
      // its owner's alone, also where SLUICE_HOME is open to others; SQLite gives the files beside it the same mode
      if (path !== ':memory:' && !existsSync(path)) closeSync(openSync(path, 'a', 0o600));
      this.db = new DatabaseSync(path, { timeout: 10_000 });
      this.db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
      migrate(this.db);
    } catch (cause) {
      if (cause instanceof PipelineError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PipelineError(
        `The records in ‘${path}’ can’t be opened: ${reason}. See that the disk has space; else move the folder ‘${home}’ away, or set SLUICE_HOME to another one.`,
        'storage',
        { cause }
      );
    }
  }

  close(): void {
    this.statements.clear();
    this.db.close();
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.statement(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.statement(sql).all(...values);
  }

  /** Rows as arrays of their columns. */
  arrays(sql: string, ...values: SQLInputValue[]): SQLOutputValue[][] {
    const statement = this.statement(sql);
    statement.setReturnArrays(true);
    return statement.all(...values) as unknown as SQLOutputValue[][];
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.statement(sql).run(...values);
  }

  transaction<T>(work: () => T): T {
    if (this.db.isTransaction) return work();
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) this.statements.set(sql, (statement = this.db.prepare(sql)));
    return statement;
  }
}
