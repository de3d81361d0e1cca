// A notebook of Kale's as one of Sluice's: the same cells and tags, its metadata in Sluice's words. Kale's notebooks open and run unchanged as
// well; converted, they can be changed in the panel.
import { isRecord, isStrings, type JsonRecord } from '../json.js';
import { readKale } from '../kale.js';
import type { Import } from './merge.js';

/** `json` is a whole notebook of nbformat 4. */
export function importKale(json: JsonRecord, name: string): Import {
  const metadata = isRecord(json.metadata) ? json.metadata : {};
  const { kubeflow_notebook: written, sluice, ...others } = metadata;
  const kale = readKale(isRecord(written) ? written : {});
  const { defaults, experiment, snapshots, katib } = kale;
  const own = {
    version: 1,
    name: kale.name ?? name,
    ...(kale.description === undefined ? {} : { description: kale.description }),
    ...(experiment === undefined ? {} : { experiment }),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
    ...(snapshots === undefined ? {} : { snapshots: { policy: snapshots } }),
    ...(katib === undefined ? {} : { katib: { run: katib.run, ...katib.metadata } }),
    // what was written in Sluice's words already wins
    ...(isRecord(sluice) ? sluice : {})
  };
  const cells = Array.isArray(json.cells) ? json.cells.map(toCell) : [];
  const steps = new Set(cells.flatMap(cell => tagsOf(cell)?.filter(tag => tag.startsWith('step:')) ?? []));
  const notes = [
    ...kale.problems,
    ...kale.lost,
    ...(kale.unneeded.length === 0
      ? []
      : [
          `${list(kale.unneeded)} ${kale.unneeded.length === 1 ? 'is' : 'are'} not needed: values go from step to step by themselves.`
        ])
  ];
  return {
    notebooks: [{ name, notebook: { ...json, cells, metadata: { ...others, sluice: own } }, steps: steps.size }],
    notes
  };
}

function tagsOf(cell: unknown): readonly string[] | undefined {
  const metadata = isRecord(cell) ? cell.metadata : undefined;
  return isRecord(metadata) && isStrings(metadata.tags) ? metadata.tags : undefined;
}

// Kale before 0.5 said `block:`.
function toCell(cell: unknown): unknown {
  const tags = tagsOf(cell);
  if (!isRecord(cell) || tags === undefined) return cell;
  return {
    ...cell,
    metadata: { ...(cell.metadata as JsonRecord), tags: tags.map(tag => tag.replace(/^block:/, 'step:')) }
  };
}

function list(words: readonly string[]): string {
  return words.map(word => `‘${word}’`).join(', ');
}
