// IR as the YAML that Kubeflow reads and that a person can compare: steps in the notebook's order, long texts as blocks, nothing that YAML 1.1 and 1.2 read differently.
import { stringify, type ScalarTag } from 'yaml';
import type { Ir } from './ir.js';
import { between, documentsOf } from './json.js';

export function printIr(ir: Ir): string {
  return documentsOf(ir).map(printYaml).join(between);
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
