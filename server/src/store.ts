// The records of all runs, in one SQLite file that sidecar and command line share. Events are the only way that state changes: each is
// written together with what it changes.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import {
  endedStates,
  reduceRun,
  type ArtifactRecord,
  type JsonValue,
  type MetricValue,
  type RemoteRecord,
  type RunEvent,
  type RunEventBody,
  type RunState,
  type RunSummary,
  type StepRun
} from '@sluice/core';
import { Database, type Sql } from './database.js';
import { PipelineError } from './errors.js';
import type { LogSizes } from './logs.js';
import { isOwnerAlive, Silence, thisOwner } from './owner.js';
import { newestFirst, stepColumns, toJson, toStepRun, toSummary, type Row } from './rows.js';

export interface NewRun {
  readonly pipeline: string;
  readonly notebook?: string;
  readonly runner: string;
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** the run whose values this one takes */
  readonly parent?: string;
  /** where an engine will run it; such a run outlives the process that follows it */
  readonly remote?: RemoteRecord;
}

export type StepArtifact = ArtifactRecord & { readonly step: string };

const pollMs = 200;

export class Store {
  private readonly database: Database;
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly owner = thisOwner();
  private readonly silence = new Silence();

  /**
   * `path` may be `:memory:`, where there is no folder yet and none is to be made.
   * @throws PipelineError `storage` when the file can't be opened or was written by a later version
   */
  constructor(
    readonly home: string,
    path = join(home, 'sluice.db')
  ) {
    this.database = new Database(home, path);
    this.endOrphans();
  }

  close(): void {
    this.database.close();
  }

  /** The same file, for the tables that other modules keep in it. */
  get sql(): Sql {
    return this.database;
  }

  /** A new run, owned by this process, that has not started. */
  create(run: NewRun): RunSummary {
    return this.database.transaction(() => {
      const createdAt = Date.now();
      const { next } = this.database.get('SELECT coalesce(max(number), 0) + 1 AS next FROM runs')!;
      const id = this.newId(createdAt);
      this.database.run(
        `INSERT INTO runs (id, number, pipeline, notebook, runner, state, created_at, parameters, metrics, parent, remote,
           owner_pid, owner_place, owner_started, seen_at) VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, '{}', ?, ?, ?, ?, ?, ?)`,
        ...[id, next as number, run.pipeline, run.notebook ?? null, run.runner, createdAt],
        ...[JSON.stringify(run.parameters), run.parent ?? null, toJson(run.remote)],
        ...[this.owner.pid, this.owner.place, this.owner.startedAt, createdAt]
      );
      return this.read(id);
    });
  }

  /** Write an event and what it changes; the run's watchers hear of it. `at` is when it happened, in milliseconds since 1970. */
  append(run: string, body: RunEventBody, at = Date.now()): RunEvent {
    const event = this.database.transaction(() => {
      const { last } = this.database.get('SELECT last_seq AS last FROM runs WHERE id = ?', run)!;
      const seq = (last as number) + 1;
      const event: RunEvent = { ...body, seq, at };
      this.database.run(
        'INSERT INTO events (run, seq, at, json) VALUES (?, ?, ?, ?)',
        run,
        seq,
        at,
        JSON.stringify(body)
      );
      this.database.run('UPDATE runs SET last_seq = ? WHERE id = ?', seq, run);
      this.apply(run, event);
      return event;
    });
    this.changes.emit('change');
    return event;
  }

  /** @throws PipelineError `not-found` */
  read(id: string): RunSummary {
    const row = this.database.get('SELECT * FROM runs WHERE id = ?', id);
    if (row === undefined) throw new PipelineError(`There is no run ‘${id}’ in ${this.home}.`, 'not-found');
    return toSummary(row, this.stepRows('run = ? ORDER BY position', id).map(toStepRun));
  }

  /** The run that a person means by an id, the unique beginning of one, a number or `last`: of the notebook, where one is meant. */
  find(name: string, notebook?: string): RunSummary {
    const candidates =
      name === 'last'
        ? this.list({ limit: 1, ...(notebook === undefined ? {} : { notebook }) })
        : this.database.all(
            `SELECT id FROM runs WHERE id = ?1 OR number = CAST(?2 AS INTEGER)
             UNION SELECT id FROM runs WHERE ?2 = '' AND substr(id, 1, length(?1)) = ?1`,
            name,
            /^#?\d{1,7}$/.test(name) ? name.replace('#', '') : ''
          );
    const [first, second] = candidates.map(row => row.id as string);
    if (second !== undefined)
      throw new PipelineError(
        `‘${name}’ may be run ${first} or ${second}, or yet another. Write more of its id.`,
        'not-found'
      );
    if (first !== undefined) return this.read(first);
    throw new PipelineError(
      name === 'last'
        ? `There is no run${notebook === undefined ? '' : ` of ‘${notebook}’`} yet in ${this.home}.`
        : `There is no run ‘${name}’ in ${this.home}. \`sluice runs\` lists them.`,
      'not-found'
    );
  }

  /** Newest first. */
  list(filter: { readonly notebook?: string; readonly limit?: number } = {}): RunSummary[] {
    const [ofNotebook, values] = filter.notebook === undefined ? ['', []] : ['WHERE notebook = ?', [filter.notebook]];
    const chosen = `FROM runs ${ofNotebook} ORDER BY ${newestFirst} LIMIT ?`;
    const limit = filter.limit ?? -1;
    const steps = new Map<string, StepRun[]>();
    const where = `run IN (SELECT id ${chosen}) ORDER BY run, position`;
    for (const columns of this.stepRows(where, ...values, limit)) {
      const run = columns.at(-1) as string;
      const known = steps.get(run);
      if (known === undefined) steps.set(run, [toStepRun(columns)]);
      else known.push(toStepRun(columns));
    }
    return this.database
      .all(`SELECT * ${chosen}`, ...values, limit)
      .map(row => toSummary(row, steps.get(row.id as string) ?? []));
  }

  events(run: string, after = 0, limit = 1000): RunEvent[] {
    const rows = this.database.all(
      'SELECT seq, at, json FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?',
      run,
      after,
      limit
    );
    return rows.map(row => ({ ...JSON.parse(row.json as string), seq: row.seq, at: row.at }) as RunEvent);
  }

  /** Events as they come, until `run-ended`; also those that another process writes. */
  async *watch(run: string, signal?: AbortSignal, after = 0): AsyncIterable<RunEvent> {
    this.read(run);
    for (let idle = 0; signal?.aborted !== true;) {
      const events = this.events(run, after);
      for (const event of events) {
        yield event;
        after = event.seq;
        if (event.type === 'run-ended') return;
      }
      idle = events.length > 0 ? 0 : idle + 1;
      if (idle % 10 === 9) this.endOrphans();
      if (events.length === 0) await this.changed(signal);
    }
  }

  artifacts(run: string): StepArtifact[] {
    return this.database.all('SELECT * FROM artifacts WHERE run = ? ORDER BY rowid', run).map(row => ({
      step: row.step as string,
      name: row.name as string,
      kind: row.kind as ArtifactRecord['kind'],
      path: row.path as string,
      sizeBytes: row.size_bytes as number,
      ...(row.variables === null ? {} : { variables: JSON.parse(row.variables as string) })
    }));
  }

  stepMetrics(run: string): { readonly step: string; readonly name: string; readonly value: MetricValue }[] {
    return this.database.all('SELECT step, name, value FROM metrics WHERE run = ? ORDER BY rowid', run).map(row => ({
      step: row.step as string,
      name: row.name as string,
      value: JSON.parse(row.value as string)
    }));
  }

  addLog(run: string, step: string, path: string, sizes: LogSizes): void {
    this.database.run(
      'INSERT OR REPLACE INTO logs (run, step, path, size_bytes, lines) VALUES (?, ?, ?, ?, ?)',
      ...[run, step, path, sizes.sizeBytes, sizes.lines]
    );
  }

  log(run: string, step: string): LogSizes | undefined {
    const row = this.database.get('SELECT size_bytes, lines FROM logs WHERE run = ? AND step = ?', run, step);
    return row && { sizeBytes: row.size_bytes as number, lines: row.lines as number };
  }

  /** Ask the run's owner, wherever it is, to cancel it, and say why. Nothing happens to a run that has ended. */
  requestCancel(run: string, why: string): void {
    this.read(run);
    this.database.run('UPDATE runs SET cancel_requested = 1, cancel_reason = ? WHERE id = ?', why, run);
    this.changes.emit('change');
  }

  /** The owner calls this now and then: it says that it lives, and learns whether it should cancel, and why. */
  checkIn(run: string): { readonly cancelReason?: string } {
    const row = this.database.get('SELECT cancel_requested, cancel_reason FROM runs WHERE id = ?', run)!;
    if (this.silence.isDue(run)) this.database.run('UPDATE runs SET seen_at = ? WHERE id = ?', Date.now(), run);
    return row.cancel_requested === 1 ? { cancelReason: (row.cancel_reason as string | null) ?? 'Canceled.' } : {};
  }

  /** End the runs whose owner is no more. Their steps have ended by themselves, unless an engine executes them elsewhere. */
  endOrphans(): void {
    for (const row of this.orphans('remote IS NULL'))
      this.interrupt(
        row.id as string,
        `the process that executed it (${row.owner_pid as number}) ended before the run did. Run the pipeline again.`
      );
  }

  /** Own the runs of an engine elsewhere that nobody follows any more. Of several processes that ask, one gets each. */
  adopt(runner: string): string[] {
    return this.database.transaction(() => {
      const found = this.orphans('remote IS NOT NULL AND runner = ?', runner).map(row => row.id as string);
      for (const run of found)
        this.database.run(
          'UPDATE runs SET owner_pid = ?, owner_place = ?, owner_started = ?, seen_at = ? WHERE id = ?',
          ...[this.owner.pid, this.owner.place, this.owner.startedAt, Date.now(), run]
        );
      return found;
    });
  }

  /** Let whoever comes next adopt the run. */
  release(run: string): void {
    this.database.run(
      `UPDATE runs SET owner_pid = 0, owner_started = 'left' WHERE id = ? AND owner_pid = ? AND owner_started = ?`,
      ...[run, this.owner.pid, this.owner.startedAt]
    );
  }

  hasOrphans(runner: string): boolean {
    return this.orphans('remote IS NOT NULL AND runner = ?', runner).length > 0;
  }

  /** Open runs whose owner is no more. */
  private orphans(where: string, ...values: SQLInputValue[]): Row[] {
    const open = this.database.all(
      `SELECT id, owner_pid, owner_place, owner_started, seen_at FROM runs WHERE ended_at IS NULL AND ${where}`,
      ...values
    );
    return open.filter(row => {
      const owner = { pid: row.owner_pid, place: row.owner_place, startedAt: row.owner_started } as typeof this.owner;
      return !(isOwnerAlive(owner) ?? !this.silence.isLong(row.id as string, row.seen_at as number));
    });
  }

  /** End a run that nobody executes any more: what was at work in it has failed, with the reason `interrupted: …`. */
  interrupt(run: string, why: string): void {
    const reason = `interrupted: ${why}`;
    const failure = { name: 'interrupted', message: reason };
    this.end(run, 'failed', reason, wasRunning =>
      wasRunning ? { state: 'failed', error: reason, failure } : { state: 'skipped', reason }
    );
  }

  /** End a run at once, whatever its steps are at. */
  cancel(run: string, reason: string): void {
    this.end(run, 'canceled', reason, () => ({ state: 'canceled', reason }));
  }

  private end(
    run: string,
    state: RunState,
    reason: string,
    endStep: (wasRunning: boolean) => Omit<Extract<RunEventBody, { type: 'step' }>, 'type' | 'step'>
  ): void {
    this.database.transaction(() => {
      const before = this.read(run);
      if (endedStates.has(before.state)) return; // another process was quicker
      for (const { name: step, state } of before.steps)
        if (!endedStates.has(state)) this.append(run, { type: 'step', step, ...endStep(state === 'running') });
      this.append(run, { type: 'run-ended', run, state, reason, metrics: this.read(run).metrics });
    });
  }

  private apply(run: string, event: RunEvent): void {
    if (event.type === 'log' || event.type === 'output') return; // they change no state, and are many
    const before = this.read(run);
    const after = reduceRun(before, event);
    this.database.run(
      `UPDATE runs SET state = ?, reason = ?, ended_at = ?, metrics = ?, workspace = ?, remote = ?, notice = ?
       WHERE id = ?`,
      ...[after.state, after.reason ?? null, after.endedAt ?? null, JSON.stringify(after.metrics)],
      ...[toJson(after.workspace), toJson(after.remote), after.notice ?? null, run]
    );
    after.steps.forEach((step, position) => {
      if (step !== before.steps[position]) this.saveStep(run, position, step);
    });
    if (event.type === 'metric')
      this.database.run(
        'INSERT OR REPLACE INTO metrics (run, step, name, value) VALUES (?, ?, ?, ?)',
        ...[run, event.step, event.name, JSON.stringify(event.value)]
      );
    if (event.type === 'artifact') {
      const { name, kind, path, sizeBytes, variables } = event.artifact;
      this.database.run(
        'INSERT OR REPLACE INTO artifacts (run, step, name, kind, path, size_bytes, variables) VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[run, event.step, name, kind, path, sizeBytes, toJson(variables)]
      );
    }
  }

  private saveStep(run: string, position: number, step: StepRun): void {
    this.database.run(
      `INSERT OR REPLACE INTO steps (run, position, name, state, started_at, duration_ms, error, failure, reason, uncached,
         usage, cell, cells_done) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[run, position, step.name, step.state, step.startedAt ?? null, step.durationMs ?? null, step.error ?? null],
      ...[toJson(step.failure), step.reason ?? null, step.uncached ?? null, toJson(step.usage)],
      ...[step.cell ?? null, step.cellsDone ?? null]
    );
  }

  /** `YYYYMMDD-HHMMSS-xxxx` in local time, as people read it. */
  private newId(at: number): string {
    const date = new Date(at);
    const two = (n: number) => String(n).padStart(2, '0');
    const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
    const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
    for (;;) {
      const id = `${day}-${time}-${Math.random().toString(36).slice(2, 6).padEnd(4, '0')}`;
      if (this.database.get('SELECT 1 FROM runs WHERE id = ?', id) === undefined) return id;
    }
  }

  private changed(signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer);
        this.changes.off('change', done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, pollMs);
      this.changes.once('change', done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Of `toStepRun`’s columns, and the run’s id. As arrays they are here in half the time, and a list of runs has 20,000 of them. */
  private stepRows(where: string, ...values: SQLInputValue[]): SQLOutputValue[][] {
    return this.database.arrays(`SELECT ${stepColumns}, run FROM steps WHERE ${where}`, ...values);
  }
}
