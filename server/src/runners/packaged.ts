// Steps that run elsewhere bring the packages of the notebook's kernel with them. It is the same for all engines: this one finds out before
// the run what the steps need, and hands the engine an IR that says so.
import { dirname, resolve } from 'node:path';
import type { Engine } from './engine.js';
import { findImage } from '../images/records.js';
import { findNeeds, withPackages, type Needs } from '../packages.js';
import type { RunnerRequest } from '../runner.js';
import type { Store } from '../store.js';

export interface PackagingOptions {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
  /** where the programs are that find and install packages; without it steps have what their images have */
  readonly packagesFolder?: string;
}

export function withPackaging(engine: Engine, { store, env, packagesFolder }: PackagingOptions): Engine {
  if (packagesFolder === undefined) return engine;
  const found = new WeakMap<RunnerRequest, Needs>();
  return {
    name: engine.name,
    async prepare(request, plan, execute, past) {
      const folder =
        plan.notebook === undefined ? request.workspace : dirname(resolve(request.workspace, plan.notebook));
      const [place, needs] = await Promise.all([
        engine.prepare(request, plan, execute, past),
        findNeeds(plan, { env, packagesFolder, folder })
      ]);
      found.set(request, needs);
      return place;
    },
    async start(run, signal) {
      const needs = found.get(run.request);
      if (needs === undefined) return engine.start(run, signal);
      for (const { text } of needs.problems) run.notice(text);
      const image = findImage(store.sql, needs);
      const ir = await withPackages(run.request.ir, needs, {
        packagesFolder,
        ...(image === undefined ? {} : { image })
      });
      return engine.start({ ...run, request: { ...run.request, ir } }, signal);
    },
    find: run => engine.find(run),
    follow: (id, run, signal) => engine.follow(id, run, signal),
    cancel: (id, run) => engine.cancel(id, run),
    ...(engine.move && { move: engine.move })
  };
}
