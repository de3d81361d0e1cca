// The bundle's way to core: what a file imports from `@sluice/core` is taken from the module that has it. Through core's index a command
// would evaluate all of core, the analysis of Python included, before it does anything.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const names = /\{([^}]*)\}/;

/** An esbuild plugin; `index` is the path of core's index. */
export function takeFromModules(index) {
  const homes = new Map(findExports(index));
  const rewrite = (_, list) =>
    list
      .split(',')
      .map(entry => entry.trim())
      .filter(entry => entry !== '' && !entry.startsWith('type '))
      .map(entry => `import {${entry}} from ${JSON.stringify(homes.get(entry.split(' as ')[0]) ?? index)};`)
      .join('');
  return {
    name: 'core-modules',
    setup: ({ onLoad }) =>
      onLoad({ filter: /server\/src\/.*\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replace(/^import \{([^}]*)\} from '@sluice\/core';/gm, rewrite),
        loader: 'ts'
      }))
  };
}

/** Of each value that a module exports: its name, and the module that defines it. */
function findExports(path) {
  const source = readFileSync(path, 'utf8');
  const own = [...source.matchAll(/^export (?:async )?(?:function\*?|const|let|class) ([\w$]+)/gm)].map(([, name]) => [
    name,
    path
  ]);
  const passedOn = [...source.matchAll(/^export (\*|\{[^}]*\}) from '([^']+)\.js';/gm)].flatMap(([, what, from]) => {
    const theirs = findExports(`${join(dirname(path), from)}.ts`);
    const chosen = names
      .exec(what)?.[1]
      .split(',')
      .map(name => name.trim());
    return theirs.filter(([name]) => chosen === undefined || chosen.includes(name));
  });
  return [...own, ...passedOn];
}
