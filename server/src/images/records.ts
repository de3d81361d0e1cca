// Which images were built, of what and for which notebook: a run on a cluster takes the one that has what its steps import.
import type { Needs } from '../packages.js';
import type { Sql } from '../database.js';

export interface ImageRecord {
  /** of what went into it */
  readonly hash: string;
  /** by tag */
  readonly reference: string;
  /** undefined where it is on this machine only */
  readonly digest?: string;
  readonly base: string;
  readonly tool: string;
  readonly notebook: string;
  readonly python: string;
  readonly requirements: readonly string[];
  /** milliseconds since 1970 */
  readonly at: number;
}

export function recordImage(sql: Sql, image: ImageRecord): void {
  sql.run(
    'INSERT OR REPLACE INTO images (reference, hash, at, json) VALUES (?, ?, ?, ?)',
    ...[image.reference, image.hash, image.at, JSON.stringify(image)]
  );
}

/** Newest first. */
export function listImages(sql: Sql): ImageRecord[] {
  return sql.all('SELECT json FROM images ORDER BY at DESC').map(row => JSON.parse(row.json as string) as ImageRecord);
}

/** The newest image in a registry that has all of it, by its digest; undefined where none was pushed. */
export function findImage(sql: Sql, { python, requirements }: Needs): string | undefined {
  const found = listImages(sql).find(
    image =>
      image.digest !== undefined &&
      image.python === python &&
      requirements.every(requirement => image.requirements.includes(requirement))
  );
  return found && `${withoutTag(found.reference)}@${found.digest}`;
}

/** A registry's port is no tag. */
const withoutTag = (reference: string): string => reference.replace(/:[^/:]+$/, '');
