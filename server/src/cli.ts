// The `sluice` command's entry. All that it is made of is read after Node knows where to keep what it compiles, as Python does beside its
// sources: that shortens each start.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const { HOME, XDG_CACHE_HOME } = process.env;
const caches = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
if (caches) enableCompileCache(join(caches, 'sluice', 'compiled')); // where it can't be written, nothing is kept
await import('./cli/start.js');
