// The tables of the records, and the steps from each version to the next. `user_version` says how far a file has come.
import type { DatabaseSync } from 'node:sqlite';
import { PipelineError } from './errors.js';

const migrations = [
  `CREATE TABLE runs (
     id TEXT PRIMARY KEY,
     number INTEGER NOT NULL UNIQUE,
     pipeline TEXT NOT NULL,
     notebook TEXT,
     runner TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     created_at INTEGER NOT NULL,
     ended_at INTEGER,
     parameters TEXT NOT NULL,
     metrics TEXT NOT NULL,
     parent TEXT,
     last_seq INTEGER NOT NULL DEFAULT 0,
     owner_pid INTEGER NOT NULL,
     owner_place TEXT NOT NULL,
     owner_started TEXT NOT NULL,
     seen_at INTEGER NOT NULL,
     cancel_requested INTEGER NOT NULL DEFAULT 0
   );
   CREATE INDEX runs_by_notebook ON runs (notebook, number);
   CREATE INDEX open_runs ON runs (id) WHERE ended_at IS NULL;
   CREATE TABLE steps (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     position INTEGER NOT NULL,
     name TEXT NOT NULL,
     state TEXT NOT NULL,
     started_at INTEGER,
     duration_ms REAL,
     error TEXT,
     failure TEXT,
     reason TEXT,
     cell INTEGER,
     PRIMARY KEY (run, position)
   );
   CREATE TABLE events (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     json TEXT NOT NULL,
     PRIMARY KEY (run, seq)
   ) WITHOUT ROWID;
   CREATE TABLE metrics (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     step TEXT NOT NULL,
     name TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (run, step, name)
   );
   CREATE TABLE artifacts (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     step TEXT NOT NULL,
     name TEXT NOT NULL,
     kind TEXT NOT NULL,
     path TEXT NOT NULL,
     size_bytes INTEGER NOT NULL,
     variables TEXT,
     PRIMARY KEY (run, step, name)
   );
   CREATE TABLE logs (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     step TEXT NOT NULL,
     path TEXT NOT NULL,
     size_bytes INTEGER NOT NULL,
     lines INTEGER NOT NULL,
     PRIMARY KEY (run, step)
   );`,
  `ALTER TABLE steps ADD COLUMN uncached TEXT;
   ALTER TABLE steps ADD COLUMN usage TEXT;
   ALTER TABLE steps ADD COLUMN cells_done INTEGER;
   ALTER TABLE runs ADD COLUMN workspace TEXT;`,
  `CREATE TABLE snapshots (
     id TEXT PRIMARY KEY,
     run TEXT REFERENCES runs ON DELETE CASCADE,
     notebook TEXT,
     moment TEXT NOT NULL,
     step TEXT,
     at INTEGER NOT NULL,
     files INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     tree TEXT NOT NULL,
     base TEXT NOT NULL
   );
   CREATE INDEX snapshots_by_run ON snapshots (run);
   CREATE INDEX snapshots_by_notebook ON snapshots (notebook, at);
   CREATE TABLE collections (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
   INSERT INTO collections VALUES (1, 0);`,
  `CREATE TABLE outcomes (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     step TEXT NOT NULL,
     number INTEGER NOT NULL,
     execution TEXT NOT NULL,
     key TEXT,
     depends TEXT,
     wrote TEXT NOT NULL,
     folder TEXT NOT NULL,
     PRIMARY KEY (run, step)
   );
   CREATE INDEX outcomes_by_key ON outcomes (key) WHERE key IS NOT NULL;
   CREATE INDEX outcomes_by_step ON outcomes (step);
   CREATE TABLE file_hashes (path TEXT PRIMARY KEY, identity TEXT NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE environments (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE kernels (
     kernel TEXT PRIMARY KEY,
     folders TEXT NOT NULL,
     marks TEXT NOT NULL,
     environment TEXT NOT NULL
   ) WITHOUT ROWID;`,
  `ALTER TABLE runs ADD COLUMN cancel_reason TEXT;`,
  `ALTER TABLE runs ADD COLUMN remote TEXT;
   ALTER TABLE runs ADD COLUMN notice TEXT;
   CREATE TABLE remote_positions (
     run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
     source TEXT NOT NULL,
     position TEXT NOT NULL,
     PRIMARY KEY (run, source)
   ) WITHOUT ROWID;`,
  `CREATE TABLE images (reference TEXT PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, json TEXT NOT NULL);`
];

/** Bring the file to this version. Safe when two processes open a new file at once. */
export function migrate(db: DatabaseSync): void {
  if (version(db) === migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const from = version(db);
    if (from > migrations.length)
      throw new PipelineError(
        'The records were written by a later version of Sluice. Update Sluice, or set SLUICE_HOME to another folder.',
        'storage'
      );
    for (const sql of migrations.slice(from)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function version(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()!.user_version);
}
