// How a step's process ended, in words, where the runtime could not say it itself: it was killed, it crashed, or the user's code ended it.
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { quoteNames, type Failure } from '@sluice/core';
import type { LimitReport, Limits } from '../limits.js';
import type { ProcessEnd } from '../process.js';
import { formatSize } from '../words.js';

/** `cell` is the one that ran last, by index; `lastWords` is the end of what went to stderr. */
export function describeEnd(end: ProcessEnd, cell: number | undefined, lastWords: string): Failure {
  const traceback = findTraceback(lastWords);
  const at = { ...(cell !== undefined && { cell }), ...(traceback && { traceback }) };
  const place = cell === undefined ? '' : ` in cell ${cell + 1}`;
  if (end.error !== undefined) return describeStart(end.error);
  if (end.signal !== null) {
    const guess =
      {
        SIGSEGV: ' (a crash in native code)',
        SIGABRT: ' (a crash in native code)',
        SIGBUS: ' (a crash in native code, or a file that shrank)'
      }[end.signal as string] ?? '';
    return { name: 'signal', message: `The step’s process was ended by ${end.signal}${place}${guess}.`, ...at };
  }
  const error = /^[\w.]*(Error|Exception)\b.*/.exec(traceback?.at(-1) ?? '')?.[0];
  if (end.status !== 0 && error !== undefined)
    return {
      name: 'exit-status',
      message: `The step’s process ended with status ${end.status}${place}: ${error}`,
      ...at
    };
  const how = end.status === 0 ? ', before it had given its outputs' : '';
  return {
    name: 'exit-status',
    message: `The step’s process ended with status ${end.status} by os._exit or a crash${place}${how}.`,
    ...at
  };
}

function describeStart({ code, path = '', message }: NodeJS.ErrnoException): Failure {
  const start = 'The step’s process could not be started:';
  if (code === 'E2BIG')
    return { name: 'start', message: `${start} its source is longer than the system takes. Split the step.` };
  if (code === 'ENOENT' && isAbsolute(path) && !existsSync(path))
    return {
      name: 'kernel-missing',
      message: `${start} the kernel’s Python ‘${path}’ is gone. Install it again, or choose another kernel for the notebook.`
    };
  return { name: 'start', message: `${start} ${message}.` };
}

/**
 * What really ended a step that ran into its limits, or into a full disk outside of the user's code: the exception that it raised then, or
 * the signal, is only how it showed.
 */
export function blameLimits(failure: Failure, limits: Limits, report: LimitReport): Failure {
  const { name, message, cell } = failure;
  const place = cell === undefined ? '' : ` in cell ${cell + 1}`;
  const { memoryBytes, isCounted } = limits;
  const wasRefused = memoryBytes !== undefined && !isCounted && /MemoryError$/.test(name);
  const wasKilled = report.memoryKills > 0 && (isCounted || message.includes('SIGKILL'));
  if (wasRefused || wasKilled) {
    const peak = report.peakMemoryBytes === undefined ? '' : ` (its peak was ${formatSize(report.peakMemoryBytes)})`;
    const what =
      memoryBytes === undefined
        ? `The system ran out of memory${place} and ended the step${peak}. Give the step less to do, or run fewer steps at once (SLUICE_JOBS).`
        : `The step needed more than its memory limit of ${formatSize(memoryBytes)}${place}${peak}. Raise ‘memory_limit’, or give the step less to do.`;
    return { ...failure, name: 'out-of-memory', message: what };
  }
  if (report.processRefusals > 0)
    return {
      ...failure,
      name: 'too-many-processes',
      message: `The step reached its limit of ${limits.processes} processes and threads${place}: ${name}: ${message}`
    };
  if (name === 'runtime-error' && /\[Errno (28|122)\]/.test(message))
    return {
      ...failure,
      name: 'disk-full',
      message: 'The disk is full: the step could not write what it gives. Free some space and resume the run.'
    };
  return failure;
}

/** Python's report of a crash has the innermost call first, any other traceback has it last. */
function findTraceback(lastWords: string): readonly string[] | undefined {
  if (lastWords.trim() === '') return undefined;
  const fatal = lastWords.lastIndexOf('Fatal Python error');
  if (fatal >= 0) return lastWords.slice(fatal).split('\n').slice(0, 10);
  return lastWords.trimEnd().split('\n').slice(-20);
}

export function describeTimeout(seconds: number, cell: number | undefined): Failure {
  const place = cell === undefined ? '' : `, in cell ${cell + 1}`;
  const message = `The step ran longer than its timeout of ${seconds} s${place}. Raise the timeout, or give the step less to do.`;
  return cell === undefined ? { name: 'timeout', message } : { name: 'timeout', message, cell };
}

/** Why a run failed. */
export function describeFailed(steps: readonly string[]): string {
  return `${steps.length === 1 ? 'Step' : 'Steps'} ${quoteNames(steps)} failed.`;
}

/** One line: class, message and place. */
export function describeFailure({ name, message, cell, line }: Failure): string {
  const isException = /^[A-Z_]/.test(name) || name.includes('.');
  const first = message.split('\n')[0]!;
  if (!isException) return first;
  const place = cell === undefined ? '' : ` (cell ${cell + 1}${line === undefined ? '' : `, line ${line}`})`;
  return `${name}${first === '' ? '' : `: ${first}`}${place}`;
}
