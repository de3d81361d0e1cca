// What a metric of a step is.
import type { JsonValue } from './pipeline.js';

/** A number, or anything a Jupyter output can show. */
export type MetricValue = number | string | boolean | { readonly [key: string]: JsonValue } | readonly JsonValue[];
