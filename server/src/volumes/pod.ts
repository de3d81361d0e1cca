// The short-lived pod that fills a run's volume, or reads it.
import { volumeFolder, type Workflow } from '@sluice/core';
import type { ClusterSettings } from '../kubernetes/settings.js';
import type { VolumePodSpec } from '../kubernetes/transfer.js';
import type { RemoteRun } from '../runners/engine.js';
import { belongingOf } from './place.js';

/**
 * A pod that can be where the steps of this image can. An image that no step has is the one of a step that names none, before it got that of
 * the notebook's kernel: the pod has what the steps have, which the cluster pulls anyway.
 */
export function toPodSpec(
  run: Pick<RemoteRun, 'id' | 'notebook' | 'place'>,
  {
    templates,
    image: planned,
    name,
    claim
  }: { templates: Workflow['spec']['templates']; image: string; name: string; claim: string }
): VolumePodSpec {
  const containers = templates.filter(({ container }) => container !== undefined);
  const template = containers.find(({ container }) => container!.image === planned) ?? containers[0];
  const image = template?.container?.image ?? planned;
  const { serviceAccount } = run.place as ClusterSettings;
  const { nodeSelector, tolerations, podSpecPatch } = template ?? {};
  const { imagePullPolicy, securityContext } = template?.container ?? {};
  return {
    ...{ name, claim, mountPath: volumeFolder, image, belonging: belongingOf(run) },
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    pod: {
      ...(nodeSelector && { nodeSelector }),
      ...(tolerations && { tolerations }),
      ...(podSpecPatch === undefined ? {} : (JSON.parse(podSpecPatch) as object))
    },
    container: { ...(imagePullPolicy && { imagePullPolicy }), ...(securityContext && { securityContext }) }
  };
}
