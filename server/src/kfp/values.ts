// Values that a run left in Kubeflow's object store, brought to this machine by Kubeflow's UI.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RunSummary } from '@sluice/core';
import { PipelineError } from '../errors.js';
import type { EngineOptions } from '../runners/engine.js';
import { readAccess } from './access.js';
import { connect } from './connect.js';
import { readArtifact } from './files.js';

/** `files`: by its address in the store, where each goes here. */
export async function fetchValues(
  { env }: EngineOptions,
  run: RunSummary,
  files: ReadonlyMap<string, string>,
  signal: AbortSignal
): Promise<void> {
  const { url, context, namespace } = run.remote!.place;
  const given = { ...(url && { url }), ...(context && { context }), ...(namespace && { namespace }) };
  const connection = await connect(readAccess(given, env), env);
  try {
    for (const [address, path] of files) {
      const bytes = await readArtifact(connection.ui, address, connection.namespace, signal);
      if (bytes === undefined)
        throw new PipelineError(
          `Kubeflow’s UI does not hand out ‘${address}’: it is not there any more, or larger than 64 MB, or the UI may not read it.`,
          'no-values'
        );
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
  } finally {
    await connection.close();
  }
}
