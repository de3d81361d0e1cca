// What a notebook says of the cluster that it runs on, beside the runner's name: where that is, and how its volume is treated. It stands in
// `sluice.runner` as an object, and for snapshots in `sluice.snapshots`; what is not said there is found where the server runs.
import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { ClusterContext, RunnerInfo } from '@sluice/core';
import { toObject, type SettingField } from './stepSettings';

/** In the words of the server: `context`, `namespace`, `url` and more. */
export type Place = Readonly<Record<string, string>>;

export const snapshotsKey = 'snapshots';

/** What the notebook says beside the runner's name. */
export function readPlace(metadata: object): Place {
  const runner = toObject(toObject((metadata as PartialJSONObject)['sluice'])['runner']);
  const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string';
  return Object.fromEntries(Object.entries(without(runner, 'name')).filter(isText));
}

/** `sluice.runner` with another name; what it says beside that stays. */
export function withRunner(runner: unknown, name: string | undefined): Written {
  const place = without(toObject(runner), 'name');
  return Object.keys(place).length === 0 ? name : { name: name ?? 'local', ...place };
}

/** `sluice.runner` with one more said of the place, or with that taken away. */
export function withPlace(runner: unknown, key: string, value: string | undefined): Written {
  const { name } = typeof runner === 'string' ? { name: runner } : toObject(runner);
  const others = without(toObject(runner), key);
  const said = value === undefined ? others : { ...others, [key]: value };
  return withRunner(said, typeof name === 'string' ? name : undefined);
}

/** `sluice.snapshots` is a policy, or an object with one. */
export function readPolicy(snapshots: unknown): string | undefined {
  const policy = typeof snapshots === 'string' ? snapshots : toObject(snapshots)['policy'];
  return typeof policy === 'string' ? policy : undefined;
}

export function withPolicy(snapshots: unknown, policy: string | undefined): Written {
  const others = without(toObject(snapshots), 'policy');
  if (Object.keys(others).length === 0) return policy;
  return policy === undefined ? others : { policy, ...others };
}

/** A text alone where there is nothing beside it; undefined where there is nothing at all. */
type Written = string | PartialJSONObject | undefined;

function without(object: PartialJSONObject, key: string): PartialJSONObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

export function placeFields(info: RunnerInfo, place: Place, trans: TranslationBundle): readonly SettingField[] {
  const { contexts = [], setUp = {} } = info;
  const elsewhere = trans.__('as set up');
  const context: SettingField = {
    ...{ key: 'context', kind: 'choice', label: trans.__('Context'), without: contexts[0]?.name ?? elsewhere },
    choices: contexts.slice(1).map(({ name }) => [name, name]),
    hint: trans.__('Of the kubeconfig: which cluster, and who you are there.')
  };
  const namespace: SettingField = {
    ...{
      key: 'namespace',
      kind: 'text',
      label: trans.__('Namespace'),
      without: namespaceOf(contexts, place, elsewhere)
    },
    hint: trans.__('Where the runs are.')
  };
  const snapshots: SettingField = {
    ...{ key: snapshotsKey, kind: 'choice', label: trans.__('Snapshots'), without: trans.__('none') },
    choices: [
      ['start', trans.__('at the start')],
      ['each-step', trans.__('around each step')]
    ],
    hint: trans.__('Of the run’s volume, on the cluster.')
  };
  const kept: NonNullable<SettingField['choices']> = [
    ['last', trans.__('of the last run')],
    ['failed', trans.__('of failed runs')],
    ['always', trans.__('of all runs')],
    ['never', trans.__('of none')]
  ];
  if (info.name === 'kubeflow')
    return [
      {
        ...{ key: 'url', kind: 'text', label: trans.__('Address'), without: 'https://…' },
        hint: trans.__(
          'Of Kubeflow, such as https://kubeflow.example.org/pipeline; without it, it is reached through a cluster.'
        )
      },
      ...(place['url'] === undefined ? [context] : []),
      { ...namespace, without: elsewhere, hint: trans.__('Of your profile, where Kubeflow has several users.') },
      {
        ...{ key: 'experiment', kind: 'text', label: trans.__('Experiment'), without: trans.__('pipeline’s name') },
        hint: trans.__('Under which Kubeflow lists the runs.')
      },
      snapshots
    ];
  return [
    context,
    namespace,
    snapshots,
    {
      ...{ key: 'size', kind: 'text', label: trans.__('Volume size'), without: setUp['size'] ?? '10Gi' },
      hint: trans.__('Of the run’s volume, on which are the folder and the values between steps.')
    },
    {
      ...{ key: 'storageClass', kind: 'text', label: trans.__('Storage class') },
      without: setUp['storageClass'] ?? trans.__('the default'),
      hint: trans.__('Of the run’s volume.')
    },
    {
      ...{
        key: 'serviceAccount',
        kind: 'text',
        label: trans.__('Account'),
        without: setUp['serviceAccount'] ?? 'default'
      },
      hint: trans.__('The service account of the steps’ pods.')
    },
    {
      ...{ key: 'accessMode', kind: 'choice', label: trans.__('Access') },
      without: setUp['accessMode'] ?? 'ReadWriteOnce',
      choices: ['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'].map(mode => [mode, mode]),
      hint: trans.__('With ReadWriteMany, steps of a run may be on several nodes.')
    },
    {
      ...{ key: 'keep', kind: 'choice', label: trans.__('Keep volumes'), choices: kept },
      without: kept.find(([value]) => value === (setUp['keep'] ?? 'last'))?.[1] ?? elsewhere,
      hint: trans.__('Which runs’ volumes stay, so that one can go on from there.')
    }
  ];
}

/** What is wrong with a text, before the server is asked. */
export function checkPlace(key: string, value: unknown, trans: TranslationBundle): string | undefined {
  if (key === 'namespace' && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(String(value)))
    return trans.__('‘%1’ cannot be a namespace: it has small letters, digits and hyphens.', String(value));
  if (key === 'size' && !/^\d+(\.\d+)?([kMGTPE]|[KMGTPE]i)?$/.test(String(value)))
    return trans.__('‘%1’ is no size. Write it like 20Gi.', String(value));
  return undefined;
}

function namespaceOf(contexts: readonly ClusterContext[], { context }: Place, elsewhere: string): string {
  const used = context === undefined ? contexts[0] : contexts.find(({ name }) => name === context);
  return used?.namespace ?? elsewhere;
}
