// What the running notebook server has at hand: its variables, and in a cluster the secrets and volumes of its pod. They can be taken over into
// a pipeline, whose steps on a cluster have none of them by themselves. Of a variable that looks secret only the name is told.
import { hostname } from 'node:os';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { SecretFolder, Surroundings, VolumeSpec } from '@sluice/core';
import { PipelineError } from './errors.js';

export async function findSurroundings(env: NodeJS.ProcessEnv): Promise<Surroundings> {
  if (env.KUBERNETES_SERVICE_HOST === undefined) return describeSurroundings(env);
  // what speaks to a cluster is loaded where there is one
  const { findOwnNamespace, readOwnPod } = await import('./kubernetes/own-pod.js');
  const namespace = findOwnNamespace(env);
  if (namespace === undefined) return describeSurroundings(env);
  try {
    return describeSurroundings(env, await readOwnPod(namespace, env.POD_NAME ?? hostname()));
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return { ...describeSurroundings(env, 'unknown'), problem: error.message };
  }
}

/** Of a pod that is unknown, any variable may be secret. */
export function describeSurroundings(env: NodeJS.ProcessEnv, of?: V1Pod | 'unknown'): Surroundings {
  const pod = of === 'unknown' ? undefined : of;
  const container = pod && ownContainer(pod, env);
  const declared = pod === undefined ? undefined : (container?.env ?? []);
  const references = new Map(
    (declared ?? []).flatMap(({ name, valueFrom }) => {
      const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
      return secret === undefined || key === undefined ? [] : [[name, { name: secret, key }] as const];
    })
  );
  const wholes = (container?.envFrom ?? []).flatMap(({ secretRef, prefix = '' }) =>
    secretRef?.name === undefined ? [] : [{ name: secretRef.name, prefix }]
  );
  // what a pod did not declare came with its image, unless it takes whole secrets or maps
  const isOffered = (name: string): boolean => {
    const one = declared?.find(other => other.name === name);
    if (isSystems(name) || one?.valueFrom?.fieldRef !== undefined) return false;
    return declared === undefined || one !== undefined || (container?.envFrom ?? []).length > 0;
  };
  const names = Object.keys(env).filter(isOffered).sort();
  const isSecret = (name: string): boolean =>
    of === 'unknown' ||
    references.has(name) ||
    looksSecret(name, env[name]!) ||
    // it may come from a secret that the pod takes as a whole
    (wholes.length > 0 && !declared!.some(one => one.name === name));
  return {
    ...(pod?.metadata?.name === undefined ? {} : { pod: pod.metadata.name }),
    env: names.filter(name => !isSecret(name)).map(name => ({ name, value: env[name]! })),
    secrets: names.filter(isSecret).map(name => ({ env: name, ...(references.get(name) ?? fromWhole(name, wholes)) })),
    secretFolders: pod === undefined || container === undefined ? [] : findSecretFolders(pod, container),
    volumes: pod === undefined || container === undefined ? [] : findVolumes(pod, container)
  };
}

/** Whether a variable is better not shown: by its name, or by the form of its value. */
export function looksSecret(name: string, value: string): boolean {
  return secretNames.test(name) || secretValues.test(value);
}

const secretNames =
  /SECRET|TOKEN|PASS(WORD|WD|PHRASE)?(_|$)|PWD(_|$)|CREDENTIAL|(^|_)(API|ACCESS|PRIVATE|ENCRYPTION|ACCOUNT|SIGNING)_?KEY|(^|_)KEY$|APIKEY|(^|_)AUTH(_|$|ORIZATION)|COOKIE|(^|_)(DSN|SAS)(_|$)|CONN(ECTION)?_?STR|(^|_)PAT$|SIGNATURE|WEBHOOK/i;
const secretValues =
  /:\/\/[^\s/@:]*:[^\s/@]+@|-----BEGIN|^eyJ[\w-]+\.[\w-]+\.|^(ghp|gho|ghs|glpat|hf|sk|xox[abp])[-_]\w{8}|^AKIA[A-Z0-9]{12}/;

// Those of the shell, the desktop, Jupyter, package managers and Kubernetes itself: each pod has its own, or needs none.
const systems = [
  /^(_|PATH|HOME|PWD|OLDPWD|SHELL|SHLVL|USER|USERNAME|LOGNAME|HOSTNAME|HOST|MAIL|TMPDIR|TEMP|TMP|DISPLAY|XAUTHORITY|WINDOWID|STY|KUBECONFIG)$/,
  /^(LANG|LANGUAGE|LS_COLORS|PAGER|EDITOR|VISUAL|MANPATH|INFOPATH|PS1|INVOCATION_ID|JOURNAL_STREAM|DEBIAN_FRONTEND|POD_NAME|NAMESPACE)$/,
  /^(_|BASH|LC_|LESS|TERM|COLORTERM|GIT_(AUTHOR|COMMITTER|ASKPASS|EDITOR|PAGER)|XDG_|DBUS_|WAYLAND_|SSH_|GPG_|TMUX|PROMPT_|VSCODE_|GNOME_|GTK_|QT_|KDE_|MAKE)/,
  /^(JUPYTER|JPY_|IPYTHON|NB_|CONDA|_CE_|MAMBA_|VIRTUAL_ENV|PYENV|PYTHON|PIP_|UV_|NODE_|NVM_|npm_|SLUICE_|KUBERNETES_|S6_|SUPERVISOR_)/,
  /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/
];

function isSystems(name: string): boolean {
  return systems.some(pattern => pattern.test(name)) || !/^[A-Za-z_]\w*$/.test(name);
}

/** The container whose variables are ours. */
function ownContainer({ spec }: V1Pod, env: NodeJS.ProcessEnv): V1Container | undefined {
  const shared = ({ env: declared = [] }: V1Container): number =>
    declared.filter(({ name }) => env[name] !== undefined).length;
  return [...(spec?.containers ?? [])].sort((a, b) => shared(b) - shared(a))[0];
}

// A pod that takes all of a secret does not say which variables that are; with one such secret it is plain.
function fromWhole(name: string, wholes: readonly { readonly name: string; readonly prefix: string }[]) {
  const [only, ...others] = wholes;
  if (only === undefined || others.length > 0 || !name.startsWith(only.prefix)) return {};
  return { name: only.name, key: name.slice(only.prefix.length) };
}

function findVolumes({ spec }: V1Pod, { volumeMounts = [] }: V1Container): readonly VolumeSpec[] {
  const claims = new Map((spec?.volumes ?? []).map(({ name, persistentVolumeClaim }) => [name, persistentVolumeClaim]));
  return volumeMounts.flatMap(({ name, mountPath, subPath, readOnly }) => {
    const claim = claims.get(name);
    if (claim === undefined) return [];
    return [
      {
        pvc_name: claim.claimName,
        path: mountPath,
        ...(subPath ? { sub_path: subPath } : {}),
        ...(readOnly || claim.readOnly ? { read_only: true } : {})
      }
    ];
  });
}

function findSecretFolders({ spec }: V1Pod, { volumeMounts = [] }: V1Container): readonly SecretFolder[] {
  const secrets = new Map((spec?.volumes ?? []).map(({ name, secret }) => [name, secret?.secretName]));
  return volumeMounts.flatMap(({ name, mountPath, subPath }) => {
    const secret = secrets.get(name);
    return secret === undefined || subPath ? [] : [{ name: secret, path: mountPath }];
  });
}
