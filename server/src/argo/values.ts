// Values that a run left on its volume, brought to this machine: a short-lived pod of the steps' own image reads them there.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { compileWorkflow, volumeFolder, type RunSummary } from '@sluice/core';
import { readIr } from '@sluice/core/ir/read';
import { PipelineError } from '../errors.js';
import { openCluster } from '../kubernetes/access.js';
import { withVolumePod } from '../kubernetes/transfer.js';
import { maybeReadClaim } from '../kubernetes/volumes.js';
import type { EngineOptions } from '../runners/engine.js';
import { layoutOf } from '../runners/layout.js';
import { readPlan } from '../runners/plans.js';
import { toPodSpec } from '../volumes/pod.js';

/** `files`: by its address, as in `pvc://team-a/claim/artifacts/load/rows`, where each goes here. */
export async function fetchValues(
  { env, store }: EngineOptions,
  run: RunSummary,
  files: ReadonlyMap<string, string>,
  signal: AbortSignal
): Promise<void> {
  const { place } = run.remote!;
  const cluster = await openCluster(place, env);
  const ir = readFileSync(layoutOf(store.home, run.id).ir, 'utf8');
  const { image } = (await readPlan(ir)).tasks[0]!;
  const { templates } = compileWorkflow(readIr(ir), { claim: 'x' }).spec;
  for (const [claim, ofClaim] of byClaim(files)) {
    if ((await maybeReadClaim(cluster, claim)) === undefined)
      throw new PipelineError(
        `The values of run ${run.number} are gone with its volume ‘${claim}’. Run the pipeline again, or load those of a later run; under ‘Keep volumes’, volumes of more runs stay.`,
        'no-values'
      );
    const name = `${claim}-load-${randomBytes(2).toString('hex')}`;
    const spec = toPodSpec({ ...run, place }, { templates, image, name, claim });
    await withVolumePod(cluster, spec, { notice: () => undefined, signal }, pod => pod.fetch(ofClaim));
  }
  const [lost] = [...files].find(([, path]) => !existsSync(path)) ?? [];
  if (lost !== undefined) throw new PipelineError(`There is nothing at ‘${lost}’ any more.`, 'no-values');
}

function byClaim(files: ReadonlyMap<string, string>): Map<string, Map<string, string>> {
  const claims = new Map<string, Map<string, string>>();
  for (const [address, path] of files) {
    const [, claim = '', file = ''] = /^pvc:\/\/[^/]+\/([^/]+)\/(.*)$/.exec(address) ?? [];
    const ofClaim = claims.get(claim) ?? new Map<string, string>();
    claims.set(claim, ofClaim.set(`${volumeFolder}/${file}`, path));
  }
  return claims;
}
