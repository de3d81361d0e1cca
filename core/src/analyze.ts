// From a notebook to its pipeline, fast enough to run on each edit: cells that did not change are not read again.
import type { Notebook } from './notebook.js';
import type { Outline } from './outline.js';
import type { Pipeline } from './pipeline.js';

export interface Analysis {
  readonly outline: Outline;
  readonly pipeline: Pipeline;
}

export interface Analyzer {
  analyze(notebook: Notebook): Analysis;
}
