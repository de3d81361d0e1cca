// Work on many things, some of them at a time.

/** Rejects with the first error, after all that had begun has ended. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>
): Promise<void> {
  let next = 0;
  const errors: unknown[] = [];
  const workers = Array.from({ length: Math.min(width, items.length) }, async () => {
    while (next < items.length && errors.length === 0) await work(items[next++]!).catch(error => errors.push(error));
  });
  await Promise.all(workers);
  if (errors.length > 0) throw errors[0];
}

/** Let others have the thread when this has had it for a while. */
export function makeBreather(ms = 8): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < ms) return undefined;
    return new Promise(resolve =>
      setImmediate(() => {
        since = performance.now();
        resolve();
      })
    );
  };
}
