// A run's snapshots: at its start, and before and after each of its steps. Where nothing has run since the last one, the next is the same,
// and nothing is looked at.
import { posix } from 'node:path';
import type { SnapshotRecord } from '@sluice/core';
import type { Store } from '../store.js';
import type { Workspace } from '../workspace.js';
import type { ObjectStore } from './objects.js';
import { addSnapshot, findSnapshot } from './records.js';
import type { Taken } from './take.js';
import { readTree } from './tree.js';
import { findWritten, type Contents } from './written.js';

export class RunSnapshots {
  /** what the workspace is known to be; undefined while a step may be writing */
  private state: Taken | undefined;
  private readonly running = new Set<string>();
  private readonly began = new Map<string, Taken>();
  /** one looks at the workspace at a time */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: {
      readonly store: Store;
      readonly objects: ObjectStore;
      readonly run: string;
      readonly notebook?: string;
      /** the user's folder */
      readonly base: string;
      readonly workspace: Workspace;
    }
  ) {
    this.state = options.workspace.start;
  }

  /** Of the user's folder. */
  start(): Promise<SnapshotRecord> {
    return this.inTurn(() => this.add('start', this.options.workspace.start));
  }

  /** Of an attempt after the first: the workspace is put back to where the first one began, unless other steps are at work in it. */
  before(step: string): Promise<void> {
    return this.inTurn(async () => {
      const first = this.began.get(step);
      this.running.delete(step);
      if (first === undefined) {
        const taken = await this.look();
        await this.add('before', taken, step);
        this.began.set(step, taken);
      } else if (this.running.size === 0) await this.options.workspace.restore(first.tree);
      this.running.add(step);
      this.state = undefined;
    });
  }

  /** Also of a step that failed: what it left behind may tell why. */
  after(step: string): Promise<SnapshotRecord> {
    return this.inTurn(async () => {
      this.running.delete(step);
      return this.add('after', await this.look(), step);
    });
  }

  /** Somebody else than a step writes to the workspace. */
  changing<T>(work: () => Promise<T>): Promise<T> {
    return this.inTurn(() => {
      this.state = undefined;
      return work();
    });
  }

  /** Put the workspace back to a snapshot of this run or another. Steps that run meanwhile lose what they wrote. */
  restore(snapshot: string): Promise<number> {
    const { store, objects, workspace } = this.options;
    return this.changing(async () =>
      workspace.restore(await readTree(objects, findSnapshot(store.sql, snapshot).tree))
    );
  }

  /** Write what a step of a past run left at these paths. False where no snapshot has it. */
  async takeOver(run: string, step: string, wrote: Contents): Promise<boolean> {
    const { store, workspace } = this.options;
    const { inside } = workspace;
    const written = await findWritten(store, { run, step, wrote, inside });
    if (written === undefined) return false;
    const removed = Object.keys(wrote).filter(path => wrote[path] === null);
    const before = new Map(removed.map(path => [posix.join(inside, path), { kind: 'unreadable' } as const]));
    await this.changing(() => workspace.apply(before, written));
    return true;
  }

  private async look(): Promise<Taken> {
    const taken = this.state ?? (await this.options.workspace.take());
    if (this.running.size === 0) this.state = taken;
    return taken;
  }

  private add(moment: SnapshotRecord['moment'], taken: Taken, step?: string): Promise<SnapshotRecord> {
    const { store, objects, run, notebook, base } = this.options;
    return addSnapshot(store, objects, taken, {
      ...{ run, moment, base },
      ...(step === undefined ? {} : { step }),
      ...(notebook === undefined ? {} : { notebook })
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}
