// IR for programs: JSON, which is YAML as well, made in a twentieth of the time.
import type { Ir } from './ir.js';

/** between two documents */
export const between = '---\n';

export function printIrAsJson(ir: Ir): string {
  return documentsOf(ir)
    .map(document => `${JSON.stringify(document)}\n`)
    .join(between);
}

/** One document, or two where the IR has a platform's. */
export function documentsOf(ir: Ir): object[] {
  return ir.platform === undefined ? [ir.pipeline] : [ir.pipeline, ir.platform];
}
