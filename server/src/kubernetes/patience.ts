// What is waited for instead of told: a server that is away for a moment, and one that has just started and knows no Roles yet. Until it has read
// them it refuses (403) what it allows a moment later, so that a refusal is believed only when it lasts.
import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing, statusOf } from './access.js';

/** so long a refusal is doubted: of one who was allowed the same just before, and of others */
const doubtMs = { allowed: 30_000, others: 3000 };

/** Of one thing that is asked for again and again. */
export class Patience {
  private refusedSince: number | undefined;
  private wasAllowed = false;

  /** The server answered what was asked for. */
  answered(): void {
    this.wasAllowed = true;
    this.refusedSince = undefined;
  }

  /** Whether the same may well succeed a moment later. */
  mayPass(error: unknown): boolean {
    if (statusOf(error) !== 403) {
      this.refusedSince = undefined;
      return isPassing(error);
    }
    this.refusedSince ??= Date.now();
    return Date.now() - this.refusedSince < (this.wasAllowed ? doubtMs.allowed : doubtMs.others);
  }
}

/** Repeat until `end` what fails only because the server is away for a moment. */
export async function patiently<T>(work: () => Promise<T>, end: number): Promise<T> {
  const patience = new Patience();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!patience.mayPass(error) || Date.now() > end) throw error;
      await sleep(500);
    }
  }
}
