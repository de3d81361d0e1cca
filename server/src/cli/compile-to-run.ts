// A notebook is compiled as it is to be run: what is wrong with it is said, and errors forbid the run.
import { basename } from 'node:path';
import { printDiagnostics } from '@sluice/core';
import { Pipelines } from '../pipelines.js';
import { packRuntime } from '../runtime.js';
import { hasErrors } from './check.js';
import type { Io } from './command.js';
import type { NamedFile } from './files.js';

export interface CompiledToRun {
  /** the diagnostics as people read them */
  readonly said: string;
  /** undefined where errors forbid the run */
  readonly ir: string | undefined;
  /** what it rests on besides the notebook's text: that none of these lies beside it; undefined where modules had to be looked into */
  readonly imports: readonly string[] | undefined;
}

export async function compileToRun(
  { path, text }: NamedFile,
  colors: boolean,
  { install, env }: Pick<Io, 'install' | 'env'>
): Promise<CompiledToRun> {
  const pipelines = new Pipelines(install, env);
  void packRuntime(install.runtimeFolder).catch(() => undefined); // beside the rest; `compile` takes it from there
  const reading = await pipelines.read(text, path);
  const { diagnostics, notebook, analysis, isOfItsTextAlone } = reading;
  return {
    said: diagnostics.length === 0 ? '' : `${printDiagnostics(diagnostics, notebook, { colors })}\n`,
    ir: hasErrors(reading) ? undefined : await pipelines.compile(reading, basename(path)),
    imports: isOfItsTextAlone ? [...new Set(analysis?.imports.map(name => name.split('.')[0]!))] : undefined
  };
}
