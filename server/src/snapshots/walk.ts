// All objects there are, and those that a snapshot needs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readChunkIds } from './blob.js';
import type { ObjectStore } from './objects.js';
import { walkTree } from './tree.js';

export interface StoredObject {
  readonly id: string;
  readonly path: string;
}

/** Files with names that objects don't have are left out. */
export function listObjects(objects: ObjectStore): StoredObject[] {
  return namesIn(objects.folder)
    .filter(folder => /^[0-9a-f]{2}$/.test(folder))
    .flatMap(folder =>
      namesIn(join(objects.folder, folder)).flatMap(name => {
        const [, rest] = /^([0-9a-f]{62})(?:\.zst)?$/.exec(name) ?? [];
        return rest === undefined ? [] : [{ id: folder + rest, path: join(objects.folder, folder, name) }];
      })
    );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Add the ids of all objects that the tree below `id` needs. What is in `needed` already has been walked.
 * @throws PipelineError `damaged`
 */
export async function markSnapshot(objects: ObjectStore, id: string, needed: Set<string>): Promise<void> {
  await walkTree(objects, id, {
    folder(_, id) {
      if (needed.has(id)) return false;
      needed.add(id);
      return true;
    },
    async entry(_, entry) {
      if (entry.kind !== 'file') return;
      if (entry.isChunked && !needed.has(entry.id))
        for (const chunk of await readChunkIds(objects, entry.id)) needed.add(chunk);
      needed.add(entry.id);
    }
  });
}
