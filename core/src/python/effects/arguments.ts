// What a call hands over to what is called.
import type { Value } from './thing.js';

/** What a call hands over. `name` undefined stands for `**mapping`; a `*sequence` is in `positional` as its elements. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly keywords: readonly { readonly name?: string; readonly value: Value }[];
}

export const noArguments: Arguments = { positional: [], keywords: [] };
