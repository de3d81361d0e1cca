// What lies beside the bundle: the parser's two programs, the Python runtime, the version. Tests hand in the same from the source tree.
import type { ParserPrograms } from '@sluice/core';
import { fileURLToPath } from 'node:url';
import { readPrograms } from './programs.js';

export interface Install {
  readonly version: string;
  /** the bundle's file; another one has other code. Undefined where the source itself is run */
  readonly program?: string;
  readonly runtimeFolder: string;
  readonly warmFolder: string;
  readonly packagesFolder: string;
  readPrograms(): Promise<ParserPrograms>;
}

declare const VERSION: string;

export function bundledInstall(): Install {
  return {
    version: VERSION,
    program: fileURLToPath(import.meta.url),
    runtimeFolder: fileURLToPath(new URL('../runtime/', import.meta.url)),
    warmFolder: fileURLToPath(new URL('../warm/', import.meta.url)),
    packagesFolder: fileURLToPath(new URL('../packages/', import.meta.url)),
    readPrograms
  };
}
