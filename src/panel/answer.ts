// What a part of the panel asks the server for, once for each thing that it shows.
import * as React from 'react';

export type Answer<T> = { readonly value: T } | { readonly error: string } | undefined;

/** What the server says, once for each `key`; undefined until it has. When only `again` changes, its answer stands until the next has come. */
export function useAnswer<T>(ask: () => Promise<T>, key: string, again?: string): Answer<T> {
  const [answer, setAnswer] = React.useState<{ readonly key: string; readonly answer: Answer<T> }>();
  React.useEffect(() => {
    let isWanted = true;
    const show = (given: Answer<T>): void => {
      if (isWanted) setAnswer({ key, answer: given });
    };
    ask().then(
      value => show({ value }),
      (error: unknown) => show({ error: error instanceof Error ? error.message : String(error) })
    );
    return () => {
      isWanted = false;
    };
  }, [key, again]);
  return answer?.key === key ? answer.answer : undefined;
}
