// Whoever executes or follows a run shows up in its record, and learns there that somebody wants it canceled.
import type { Store } from '../store.js';

const everyMs = 200;

/** Abort `cancel`, with the reason, when the record asks for it. What is returned ends the looking. */
export function checkIn(store: Store, run: string, cancel: AbortController): () => void {
  const timer = setInterval(() => {
    try {
      const { cancelReason } = store.checkIn(run);
      if (cancelReason !== undefined) cancel.abort(cancelReason);
    } catch {
      // the records are locked or the disk is full; the next time may be better
    }
  }, everyMs);
  return () => clearInterval(timer);
}
