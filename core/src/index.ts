// Core is everything that Sluice knows without touching the world: from a notebook's text to its pipeline, its IR and the state of its runs.
export * from './analyze.js';
export * from './diagnostic.js';
export * from './graph.js';
export * from './ir/index.js';
export * from './metadata.js';
export * from './notebook.js';
export * from './outline.js';
export * from './pipeline.js';
export * from './protocol.js';
export * from './python/parser.js';
export * from './reference.js';
export * from './report.js';
export * from './run.js';
export * from './step.js';
export * from './suggest.js';
export * from './tags.js';
export * from './verify.js';
