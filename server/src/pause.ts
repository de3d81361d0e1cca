// Waiting that ends at once when it is called off.

/** Node waits no longer at a time */
const longestMs = 2 ** 31 - 1;

/** Resolves after so long, or when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, longestMs));
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
