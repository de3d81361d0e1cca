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

/** What `printIrAsJson` has printed; text from anywhere else is for `readIr` to check. */
export function parsePrintedIr(text: string): Ir {
  const [pipeline, platform] = text.split(between).map(document => JSON.parse(document)) as [
    Ir['pipeline'],
    Ir['platform']
  ];
  return platform === undefined ? { pipeline } : { pipeline, platform };
}
