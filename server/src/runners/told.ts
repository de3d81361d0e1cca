// What a step's process tells through its event descriptor is user territory: any code there may write to it. Each line is checked here, once.
import {
  endedStates,
  type Failure,
  isRecord,
  type MetricValue,
  type Output,
  type RunEventBody,
  type RunState
} from '@sluice/core';
import { readTrace, type Trace } from '../cache/trace.js';

export type Told =
  | RunEventBody
  | { readonly type: 'failure'; readonly failure: Failure }
  | { readonly type: 'files'; readonly trace: Trace };

const states: ReadonlySet<unknown> = new Set([...endedStates, 'pending', 'running', 'paused']);
/** outputs larger than this are in the executed notebook only */
const outputChars = 1_000_000;

/** Undefined for what is no event of the step contract. */
export function readTold(step: string, value: unknown): Told | undefined {
  if (!isRecord(value)) return undefined;
  const { type, cell } = value;
  if (type === 'files') {
    const trace = readTrace(value);
    return trace && { type, trace };
  }
  if (type === 'failure') return isFailure(value.failure) ? { type, failure: value.failure } : undefined;
  if (type === 'metric' && typeof value.name === 'string' && isMetric(value.value))
    return { type, step, name: value.name, value: value.value };
  if (typeof cell !== 'number') return undefined;
  if (type === 'cell' && states.has(value.state)) return { type, step, cell, state: value.state as RunState };
  if (type === 'output' && isRecord(value.output) && typeof value.output.output_type === 'string')
    return { type, step, cell, output: toShort(value.output as Output) };
  return undefined;
}

function toShort(output: Output): Output {
  const length = JSON.stringify(output).length;
  if (length <= outputChars) return output;
  const text = `This output takes ${Math.round(length / 1e6)} MB. It is in the step’s executed notebook.\n`;
  return { output_type: 'stream', name: 'stderr', text };
}

function isFailure(value: unknown): value is Failure {
  return (
    isRecord(value) &&
    typeof value.name === 'string' &&
    typeof value.message === 'string' &&
    ['undefined', 'number'].includes(typeof value.cell) &&
    ['undefined', 'number'].includes(typeof value.line) &&
    (value.traceback === undefined ||
      (Array.isArray(value.traceback) && value.traceback.every(l => typeof l === 'string')))
  );
}

function isMetric(value: unknown): value is MetricValue {
  return ['number', 'string', 'boolean'].includes(typeof value) || (typeof value === 'object' && value !== null);
}
