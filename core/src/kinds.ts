// What a setting may be. A kind accepts a value or says what is wrong, down to the entry of a list or the field of an object; all that
// Kubernetes would refuse later is refused here, where it was written.
import { describeType, isRecord } from './json.js';
import { didYouMean } from './suggest.js';

/** What is wrong with a value: `path` leads to the place in it, e.g. `[0].path`; `says` goes on from ‘SETTINGS have …’. */
export interface Fault {
  readonly path: string;
  readonly says: (name: string) => string;
}

export interface Kind {
  /** undefined where the value is of this kind */
  check(value: unknown): Fault | undefined;
}

/** One test, and the words for what passes it. */
function simple(name: string, accepts: (value: unknown) => boolean): Kind {
  return {
    check: value =>
      accepts(value) ? undefined : { path: '', says: place => `have ${show(value)} as ‘${place}’; it must be ${name}.` }
  };
}

function show(value: unknown): string {
  return describeType(value);
}

function matching(name: string, pattern: RegExp): Kind {
  return {
    check: value =>
      typeof value === 'string' && pattern.test(value)
        ? undefined
        : {
            path: '',
            says: place =>
              `have ${typeof value === 'string' && value !== '' ? `‘${value}’` : show(value)} as ‘${place}’; it must be ${name}.`
          }
  };
}

/** A list whose entries are all of one kind. */
function listOf(kind: Kind): Kind {
  return {
    check: value => {
      if (!Array.isArray(value)) return list.check(value);
      for (const [i, item] of value.entries()) {
        const fault = kind.check(item);
        if (fault !== undefined) return { ...fault, path: `[${i}]${fault.path}` };
      }
      return undefined;
    }
  };
}

/** An object with these fields and no others; those of `required` must be there. */
export function fields(kinds: Readonly<Record<string, Kind>>, ...required: readonly string[]): Kind {
  return {
    check: value => {
      if (!isRecord(value)) return object.check(value);
      for (const [key, item] of Object.entries(value)) {
        const fault =
          kinds[key] === undefined
            ? {
                path: '',
                says: (place: string) => `have ‘${place}’, which is none.${didYouMean(key, Object.keys(kinds))}`
              }
            : kinds[key].check(item);
        if (fault !== undefined) return { ...fault, path: `.${key}${fault.path}` };
      }
      const missing = required.find(key => value[key] === undefined);
      return missing === undefined ? undefined : { path: '', says: place => `lack ‘${missing}’ in ‘${place}’.` };
    }
  };
}

/** An object whose values, and whose names, are of one kind each. */
function mapOf(key: Kind, kind: Kind): Kind {
  return {
    check: value => {
      if (!isRecord(value)) return texts.check(value);
      for (const [name, item] of Object.entries(value)) {
        const fault = kind.check(item);
        if (fault !== undefined) return { ...fault, path: `.${name}${fault.path}` };
        const wrong = key.check(name);
        if (wrong !== undefined) return { path: '', says: place => wrong.says(place) };
      }
      return undefined;
    }
  };
}

/** A value of any of these kinds; the words are those of the kind that `choose` takes for it. */
function oneOf(choose: (value: unknown) => Kind): Kind {
  return { check: value => choose(value).check(value) };
}

export const text = simple('a text', value => typeof value === 'string');
export const yesOrNo = simple('true or false', value => typeof value === 'boolean');
export const count = simple(
  'a whole number, 0 or more',
  value => Number.isSafeInteger(value) && (value as number) >= 0
);
export const factor = simple('a number, 1 or more', value => typeof value === 'number' && value >= 1);
const weight = simple(
  'a whole number from 1 to 100',
  v => Number.isInteger(v) && (v as number) >= 1 && (v as number) <= 100
);
const list = simple('a list', Array.isArray);
const object = simple('an object', isRecord);
const texts = simple('an object with texts as values', isRecord);

// Kubernetes' quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
export const quantity = matching(
  'a quantity such as ‘500m’ or ‘4Gi’',
  /^\d+(\.\d*)?([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/
);
// names of Kubernetes' objects, of labels and their values, of variables: https://kubernetes.io/docs/concepts/overview/working-with-objects/
const objectName = (what: string): Kind =>
  matching(
    `the name of ${what}: lower case letters, digits, ‘-’ and ‘.’`,
    /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
  );
const key = matching(
  'a key of at most 63 letters, digits, ‘-’, ‘_’ and ‘.’, which may have a domain and ‘/’ before it',
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
);
const labelValue = matching(
  'at most 63 letters, digits, ‘-’, ‘_’ and ‘.’, with a letter or digit at both ends',
  /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
);
const variable = matching('the name of a variable: letters, digits and ‘_’', /^[A-Za-z_][A-Za-z0-9_]*$/);
const folder = matching('a folder such as ‘/data’', /^\/[^:]*[^:/]$/);
const subFolder = matching('a folder in the volume such as ‘raw/2024’', /^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/);
const choice = (...words: readonly string[]): Kind =>
  matching(words.map(word => `‘${word}’`).join(' or '), new RegExp(`^(${words.join('|')})$`));

export const image = matching('an image such as ‘python:3.12’', /^\S*$/);
export const accelerator = matching('a resource such as ‘nvidia.com/gpu’', /^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/);
export const env = mapOf(variable, text);
export const labels = mapOf(key, labelValue);
export const annotations = mapOf(key, text);
export const pullPolicy = choice('Always', 'IfNotPresent', 'Never');
export const pullSecrets = listOf(objectName('a secret'));

/** Elyra's words: a claim's folder in the pod. */
export const volumes = listOf(
  fields(
    {
      ...{ pvc_name: objectName('a claim'), path: folder, sub_path: subFolder, read_only: yesOrNo },
      snapshot: choice('off', 'start', 'each-step')
    },
    'pvc_name',
    'path'
  )
);
/** The volume that the notebook's folder is on. */
export const workspaceVolume = fields(
  {
    ...{ pvc_name: objectName('a claim'), path: folder, sub_path: subFolder },
    workspace: matching(
      'the notebook’s folder below ‘path’, such as ‘project’ or ‘.’',
      /^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/
    )
  },
  'pvc_name',
  'path',
  'workspace'
);

const secretVariable = fields(
  { name: objectName('a secret'), key: text, env: variable, optional: yesOrNo },
  'name',
  'key',
  'env'
);
const secretFolder = fields({ name: objectName('a secret'), path: folder, optional: yesOrNo }, 'name', 'path');
/** A key of a secret as a variable; or a whole secret as a folder of files. */
export const secrets = listOf(oneOf(value => (isRecord(value) && 'path' in value ? secretFolder : secretVariable)));

export const tolerations = listOf(
  fields({
    key,
    operator: choice('Equal', 'Exists'),
    value: text,
    effect: choice('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
    tolerationSeconds: count
  })
);

/** What KFP can say of Kubernetes' security context. */
export const securityContext = fields({ runAsUser: count, runAsGroup: count, runAsNonRoot: yesOrNo });

// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Affinity
const requirement = (...operators: readonly string[]): Kind =>
  fields({ key, operator: choice(...operators), values: listOf(text) }, 'key', 'operator');
const nodeRequirements = listOf(requirement('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'));
const nodeTerm = fields({ matchExpressions: nodeRequirements, matchFields: nodeRequirements });
const selector = fields({
  matchLabels: labels,
  matchExpressions: listOf(requirement('In', 'NotIn', 'Exists', 'DoesNotExist'))
});
const podTerm = fields(
  { labelSelector: selector, topologyKey: key, namespaces: listOf(text), namespaceSelector: selector },
  'topologyKey'
);
const podRules = fields({
  requiredDuringSchedulingIgnoredDuringExecution: listOf(podTerm),
  preferredDuringSchedulingIgnoredDuringExecution: listOf(
    fields({ weight, podAffinityTerm: podTerm }, 'weight', 'podAffinityTerm')
  )
});
/** Kubernetes' own words. */
export const affinity = fields({
  nodeAffinity: fields({
    requiredDuringSchedulingIgnoredDuringExecution: fields(
      { nodeSelectorTerms: listOf(nodeTerm) },
      'nodeSelectorTerms'
    ),
    preferredDuringSchedulingIgnoredDuringExecution: listOf(
      fields({ weight, preference: nodeTerm }, 'weight', 'preference')
    )
  }),
  podAffinity: podRules,
  podAntiAffinity: podRules
});
