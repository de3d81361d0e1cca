// Folders among the records that live no longer than the process that made them. Where it was killed, whoever comes next deletes them.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOwnerAlive, thisOwner, type Owner } from './owner.js';

const prefix = 'verify-';
const ownerFile = 'owner.json';
/** after which a folder goes whose owner nobody can tell */
const oldMs = 24 * 3600_000;

/** Its maker deletes it. */
export function makeTemporaryFolder(home: string): string {
  const folder = mkdtempSync(join(home, prefix));
  writeFileSync(join(folder, ownerFile), JSON.stringify(thisOwner()));
  return folder;
}

/** Delete the folders whose makers are gone. */
export function sweepTemporaryFolders(home: string): void {
  for (const name of readdirSync(home)) {
    const folder = join(home, name);
    try {
      if (name.startsWith(prefix) && !isInUse(folder)) rmSync(folder, { recursive: true, force: true });
    } catch {
      // another process deletes it, too, or it is not ours to delete
    }
  }
}

function isInUse(folder: string): boolean {
  const isYoung = () => Date.now() - statSync(folder).mtimeMs < oldMs;
  let owner: Owner;
  try {
    owner = JSON.parse(readFileSync(join(folder, ownerFile), 'utf8')) as Owner;
  } catch {
    return isYoung(); // it is being made, or was by an earlier version
  }
  return isOwnerAlive(owner) ?? isYoung();
}
