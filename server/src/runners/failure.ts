// How a step's process ended, in words, where the runtime could not say it itself: it was killed, it crashed, or the user's code ended it.
import type { Failure } from '@sluice/core';
import type { ProcessEnd } from '../process.js';

/** `cell` is the one that ran last, by index; `lastWords` is the end of what went to stderr. */
export function describeEnd(end: ProcessEnd, cell: number | undefined, lastWords: string): Failure {
  const traceback = findTraceback(lastWords);
  const at = { ...(cell !== undefined && { cell }), ...(traceback && { traceback }) };
  const place = cell === undefined ? '' : ` in cell ${cell + 1}`;
  if (end.error !== undefined) {
    const isTooLong = (end.error as NodeJS.ErrnoException).code === 'E2BIG';
    return {
      name: 'start',
      message: isTooLong
        ? 'The step’s process could not be started: its source is longer than the system takes. Split the step.'
        : `The step’s process could not be started: ${end.error.message}.`
    };
  }
  if (end.signal !== null) {
    const guess =
      {
        SIGKILL: ' (out of memory?)',
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

/** One line: class, message and place. */
export function describeFailure({ name, message, cell, line }: Failure): string {
  const isException = /^[A-Z_]/.test(name) || name.includes('.');
  const first = message.split('\n')[0]!;
  if (!isException) return first;
  const place = cell === undefined ? '' : ` (cell ${cell + 1}${line === undefined ? '' : `, line ${line}`})`;
  return `${name}${first === '' ? '' : `: ${first}`}${place}`;
}
