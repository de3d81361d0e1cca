// Why a step failed, where only its log tells: the runtime's traceback is the end of it.
import type { Failure } from '@sluice/core';

/** Undefined where it printed nothing. */
export function readFailure(log: string): Failure | undefined {
  const lines = log.trimEnd().split('\n').slice(-60);
  const start = lines.lastIndexOf('Traceback (most recent call last):');
  if (start < 0) {
    const last = lines.at(-1)?.trim() ?? '';
    return last === '' ? undefined : { name: 'exit-status', message: last };
  }
  const traceback = lines.slice(start);
  const raised = traceback.findIndex((line, i) => i > 0 && /^\S/.test(line));
  if (raised < 0) return undefined;
  const [, name = 'Exception', message = ''] = /^([\w.]+)(?:: ([^]*))?$/.exec(traceback.slice(raised).join('\n')) ?? [];
  const place = traceback.map(line => /^\s*cell (\d+), line (\d+)/.exec(line)).filter(match => match !== null);
  const at = place.at(-1);
  return {
    name,
    message,
    ...(at === undefined ? {} : { cell: Number(at[1]) - 1, line: Number(at[2]) }),
    traceback
  };
}
