// How many steps work at once on this machine, whatever runs they belong to: as many as its cores and its memory allow. A step that waits is
// told for what. One step may always work, however much it needs.
import { availableParallelism } from 'node:os';
import { formatSize } from '@sluice/core';
import { readCount, readSize } from '../sizes.js';

/** What a step is expected to take. */
export interface Need {
  readonly cores: number;
  /** undefined where nobody knows */
  readonly memory?: { readonly bytes: number; readonly source: 'settings' | 'last run' };
}

export interface CapacityLimits {
  readonly cores: number;
  /** asked when no step is at work, as it changes with what else runs on the machine */
  memoryBytes(): number;
}

/** of sums of such as 0.1 */
const rounding = 1e-9;

type Resource = 'cores' | 'memory';

interface Waiting {
  readonly need: Need;
  readonly onWait: (reason: string) => void;
  readonly start: (leave: () => void) => void;
  /** what it was told last that it waits for */
  told?: Resource;
}

/** Steps that wait are looked at in the order in which they came; one that fits may pass one that does not. */
export class Capacity {
  private readonly working = new Set<Need>();
  private readonly waiting = new Set<Waiting>();
  private memoryBytes = 0;

  constructor(private readonly limits: CapacityLimits) {}

  /**
   * Resolves when the step may start, with what it calls at its end; with undefined when `signal` is aborted before. `onWait` is called
   * with a sentence when it has to wait, and again when it waits for something else.
   */
  enter(need: Need, onWait: (reason: string) => void, signal: AbortSignal): Promise<(() => void) | undefined> {
    return new Promise(resolve => {
      if (signal.aborted) return resolve(undefined);
      const giveUp = () => {
        this.waiting.delete(waiting);
        resolve(undefined);
      };
      const waiting: Waiting = {
        ...{ need, onWait },
        start: leave => {
          signal.removeEventListener('abort', giveUp);
          resolve(leave);
        }
      };
      signal.addEventListener('abort', giveUp);
      this.waiting.add(waiting);
      this.admit();
    });
  }

  private admit(): void {
    for (const waiting of this.waiting) {
      const { need, onWait, start } = waiting;
      const lack = this.findLack(need);
      if (lack === undefined) {
        this.waiting.delete(waiting);
        const place = { ...need };
        this.working.add(place);
        start(() => {
          if (this.working.delete(place)) this.admit();
        });
      } else if (waiting.told !== lack) {
        waiting.told = lack;
        onWait(this.describe(lack, need));
      }
    }
  }

  private findLack({ cores, memory }: Need): Resource | undefined {
    if (this.working.size === 0) {
      this.memoryBytes = this.limits.memoryBytes();
      return undefined;
    }
    if (this.sum(other => other.cores) + cores > this.limits.cores + rounding) return 'cores';
    const free = this.memoryBytes - this.sum(other => other.memory?.bytes ?? 0);
    return memory !== undefined && memory.bytes > free ? 'memory' : undefined;
  }

  private describe(lack: Resource, { cores, memory }: Need): string {
    const count = this.working.size === 1 ? '1 step is' : `${this.working.size} steps are`;
    const free = this.memoryBytes - this.sum(other => other.memory?.bytes ?? 0);
    if (lack === 'memory' && memory !== undefined) {
      const source = memory.source === 'settings' ? 'as its settings say' : 'as in its last run';
      return `Waits for memory: it takes ${formatSize(memory.bytes)}, ${source}, and ${free > 0 ? formatSize(Math.round(free)) : 'none'} is left while ${count} at work.`;
    }
    const wanted = cores === 1 ? 'a core' : `${cores} cores`;
    const all = this.limits.cores === 1 ? '1 core' : `${this.limits.cores} cores`;
    return `Waits for ${wanted}: ${count} at work on ${all}.`;
  }

  private sum(amount: (need: Need) => number): number {
    return [...this.working].reduce((total, need) => total + amount(need), 0);
  }
}

/** of the memory that is free, so much is planned with: the system's caches and the sidecar want some as well */
const planned = 0.9;

/**
 * SLUICE_JOBS and SLUICE_MEMORY, else what the machine, or the container, has.
 * @throws PipelineError `usage`
 */
export function machineLimits(env: NodeJS.ProcessEnv): CapacityLimits {
  const jobs = readCount(env, 'SLUICE_JOBS');
  const memory = readSize(env, 'SLUICE_MEMORY');
  return {
    cores: jobs ?? availableParallelism(),
    memoryBytes: () => memory ?? process.availableMemory() * planned
  };
}
