// A run on Kubeflow whose steps find no files of the notebook's folder has values only. That is said before it, with the files that its steps name.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readStepArgument, type Plan } from '@sluice/core';

/** For the user. `why` is the rest of the sentence, or more; `folder` is the notebook's. */
export function describeWithoutFiles({ tasks }: Plan, folder: string, why: string): string {
  const named = tasks.flatMap(({ name, args }) => {
    const step = readStepArgument(args);
    const setup = (step?.setup ?? []).flatMap(item => (item.kind === 'source' ? [item.source] : []));
    const source = [...setup, ...(step?.cells ?? []).map(cell => cell.source)].join('\n');
    const files = [...new Set([...source.matchAll(literal)].map(([, , text]) => text!))];
    return files.filter(file => isFile(join(folder, file))).map(file => `‘${name}’ names ‘${file}’`);
  });
  const more = named.length > 3 ? ` and ${named.length - 3} more` : '';
  const which = named.length === 0 ? '' : ` (${named.slice(0, 3).join(', ')}${more})`;
  return `Steps find no files of the notebook’s folder${which}${why}`;
}

const literal = /(["'])([^"'\n]+)\1/g;

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
