// Modules beside the notebook: they are read, never run. What they keep while steps run is found in their source.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Analyzer, ModuleText, OwnModules } from '@sluice/core';

/** Undefined where there is none of this dotted name. */
export async function readModule(folder: string, module: string): Promise<ModuleText | undefined> {
  const path = join(folder, ...module.split('.'));
  const asPackage = await readFile(join(path, '__init__.py'), 'utf8').catch(() => undefined);
  if (asPackage !== undefined) return { source: asPackage, isPackage: true };
  const source = await readFile(`${path}.py`, 'utf8').catch(() => undefined);
  return source === undefined ? undefined : { source, isPackage: false };
}

/** What is told of one notebook's modules; the same object as last time where none of them has changed. */
export class OwnLibrary {
  private readonly told = new Map<string, { readonly key: string; readonly found: OwnModules }>();

  constructor(private readonly analyzer: Analyzer) {}

  /** What was found last for that folder; it may be out of date. */
  known(folder: string): OwnModules | undefined {
    return this.told.get(folder)?.found;
  }

  /** Of these and the modules that they import; undefined where none of them lies in the folder. */
  async find(imports: readonly string[], folder: string): Promise<OwnModules | undefined> {
    const names = new Set((await readdir(folder).catch(() => [])).map(name => name.replace(/\.py$/, '')));
    const mayBeHere = (module: string): boolean => names.has(module.split('.')[0]!);
    const sources = new Map<string, ModuleText>();
    const asked = new Set<string>();
    let answer: ReturnType<Analyzer['ownModules']> | undefined;
    for (
      let open = imports.filter(mayBeHere);
      open.length > 0;
      open = answer?.more.filter(module => mayBeHere(module) && !asked.has(module)) ?? []
    ) {
      for (const module of open) asked.add(module);
      const read = await Promise.all(open.map(async module => [module, await readModule(folder, module)] as const));
      const here = read.flatMap(([module, text]) => (text === undefined ? [] : [[module, text] as const]));
      for (const [module, text] of here) sources.set(module, text);
      if (here.length > 0) answer = this.analyzer.ownModules(sources);
    }
    if (answer === undefined) {
      this.told.delete(folder);
      return undefined;
    }
    const key = JSON.stringify(answer.found);
    const before = this.told.get(folder);
    if (before?.key === key) return before.found;
    this.told.set(folder, { key, found: answer.found });
    return answer.found;
  }
}
