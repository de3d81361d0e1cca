// Pipelines that other tools keep, as notebooks with steps. What reads files and writes notebooks is `sluice import`.
export { readElyra, type ElyraPipeline } from './elyra.js';
export { importKale } from './kale.js';
export { importElyra, type Import, type ImportedNotebook } from './merge.js';
