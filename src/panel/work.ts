// Something that a part of the panel has the server do, and that takes a while: what it is at, and what came of it.
import * as React from 'react';

/** Undefined: not begun, or stopped. */
export type Work<T> =
  | { readonly kind: 'running'; readonly notice?: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'done'; readonly result: T }
  | undefined;

type Act<T> = (notice: (text: string) => void, signal: AbortSignal) => Promise<T>;

/** With what starts the next, or stops the one under way; so does the end of the part. */
export function useWork<T>(): readonly [Work<T>, (act: Act<T> | undefined) => void] {
  const [work, setWork] = React.useState<Work<T>>();
  const stop = React.useRef<AbortController>(undefined);
  React.useEffect(() => () => stop.current?.abort(), []);
  const start = (act: Act<T> | undefined): void => {
    stop.current?.abort();
    const { signal } = (stop.current = new AbortController());
    const show = (next: Work<T>): void => {
      if (!signal.aborted) setWork(next);
    };
    setWork(act && { kind: 'running' });
    act?.(notice => show({ kind: 'running', notice }), signal).then(
      result => show({ kind: 'done', result }),
      (error: unknown) => show({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    );
  };
  return [work, start];
}
