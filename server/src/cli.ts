// The `sluice` command's entry. All that it is made of is read after Node knows where to keep what it compiles, as Python does beside its
// sources: that shortens each start. It is one CommonJS file, which Node reads in half the time that it takes for many modules.
import { createRequire, enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { findCaches } from './caches.js';

const caches = findCaches(process.env);
// what a command's first run has compiled is kept, so each command has a folder of its own; where it can't be written, nothing is kept
const first = process.argv[2] ?? '';
const command = first === '--wait' ? 'run' : (/^[a-z]+$/.exec(first)?.[0] ?? 'none');
if (caches !== undefined) enableCompileCache(join(caches, 'compiled', command));
createRequire(import.meta.url)('./command.cjs');
