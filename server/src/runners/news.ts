// An engine that is followed again tells again what it told before. What a run's records know already is no news, and is dropped.
import { endedStates, type JsonValue, type RunEventBody, type RunSummary } from '@sluice/core';
import type { Store } from '../store.js';
import type { EngineEvent } from './engine.js';

/** How far what each source told has been kept, in the run's records. */
export class Positions {
  private readonly known = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly run: string
  ) {
    for (const row of store.sql.all('SELECT source, position FROM remote_positions WHERE run = ?', run))
      this.known.set(row.source as string, row.position as string);
  }

  get(source: string): string | undefined {
    return this.known.get(source);
  }

  isBeyond({ source, position }: NonNullable<EngineEvent['origin']>): boolean {
    const known = this.known.get(source);
    return known === undefined || position > known;
  }

  /** Call it in the transaction that keeps what was told; `committed` after it. */
  write({ source, position }: NonNullable<EngineEvent['origin']>): void {
    this.store.sql.run('INSERT OR REPLACE INTO remote_positions VALUES (?, ?, ?)', this.run, source, position);
  }

  committed({ source, position }: NonNullable<EngineEvent['origin']>): void {
    this.known.set(source, position);
  }
}

/** Whether an event that does not say where it comes from tells something new. */
export function isNews(event: RunEventBody, run: RunSummary, store: Store): boolean {
  switch (event.type) {
    case 'run-started':
      return run.state === 'pending';
    case 'run-ended':
      return !endedStates.has(run.state);
    case 'step': {
      const known = run.steps.find(step => step.name === event.step);
      if (known === undefined) return true;
      const [before, after] = [rank(known.state), rank(event.state)];
      return after > before || (after === before && before < 2 && known.reason !== event.reason);
    }
    case 'notice':
      return run.notice !== event.text;
    case 'remote':
      return !isSame(run.remote, event.remote);
    case 'workspace':
      return run.workspace === undefined;
    case 'metric':
      return !store
        .stepMetrics(run.id)
        .some(({ step, name, value }) => step === event.step && name === event.name && isSame(value, event.value));
    case 'artifact':
      return !store
        .artifacts(run.id)
        .some(({ step, ...artifact }) => step === event.step && isSame(artifact, event.artifact));
    case 'snapshot':
    case 'log':
    case 'cell':
    case 'output':
      return true;
  }
}

const rank = (state: RunSummary['state']) => (endedStates.has(state) ? 2 : state === 'pending' ? 0 : 1);

/** By content; the order of keys says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a as JsonValue)) === JSON.stringify(sorted(b as JsonValue));
}

function sorted(value: JsonValue | undefined): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)])
  );
}
