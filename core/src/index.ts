export * from './diagnostic.js';
export * from './notebook.js';
export * from './pipeline.js';
export * from './protocol.js';
export * from './step.js';
