// IR as the YAML that Kubeflow reads and that a person can compare: steps in the notebook's order, long texts as blocks, nothing that YAML 1.1 and 1.2 read differently.
import { stringify, type ScalarTag } from 'yaml';
import type { Ir } from './ir.js';

/** One document, or two where the IR has a platform's. */
/** between two documents */
export const between = '---\n';

/** For people. */
export function printIr(ir: Ir): string {
  const documents = ir.platform === undefined ? [ir.pipeline] : [ir.pipeline, ir.platform];
  return documents.map(printYaml).join(between);
}

/** For programs: YAML as well, and made in a twentieth of the time. */
export function printIrAsJson(ir: Ir): string {
  const documents = ir.platform === undefined ? [ir.pipeline] : [ir.pipeline, ir.platform];
  return documents.map(document => `${JSON.stringify(document)}\n`).join(between);
}

/** Stable: the same object gives the same text. */
export function printYaml(document: object): string {
  return stringify(document, {
    version: '1.1', // quotes what PyYAML and Go's reader would take for a number, a date or a boolean
    lineWidth: 0,
    aliasDuplicateObjects: false,
    singleQuote: true,
    blockQuote: 'literal',
    customTags: tags => [exponent, ...tags]
  });
}

// PyYAML takes `1e-7` for a text; it wants a point before the exponent.
const exponent: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: value => typeof value === 'number' && String(value).includes('e'),
  resolve: text => Number(text),
  test: /^[-+]?\d+\.\d*e[-+]?\d+$/i,
  stringify: ({ value }) => String(value).replace(/^(-?\d+)e/, '$1.0e')
};
