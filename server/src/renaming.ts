// A notebook that is renamed or moved, alone or with its folder, keeps its runs and snapshots: records name it by its path, which is written anew.
import { posix } from 'node:path';
import type { Sql } from './database.js';

/** Both as records keep paths. A pipeline that was called as its file is called so again. */
export function renameInRecords(sql: Sql, from: string, to: string): void {
  const isMeant = `(notebook = ?1 OR substr(notebook, 1, length(?1) + 1) = ?1 || '/')`;
  const moved = `notebook = ?2 || substr(notebook, length(?1) + 1)`;
  sql.transaction(() => {
    sql.run('UPDATE runs SET pipeline = ?2 WHERE notebook = ?1 AND pipeline = ?3', from, stemOf(to), stemOf(from));
    for (const table of ['runs', 'snapshots']) sql.run(`UPDATE ${table} SET ${moved} WHERE ${isMeant}`, from, to);
  });
}

const stemOf = (path: string): string => posix.basename(path, '.ipynb');
