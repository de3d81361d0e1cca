// `sluice cluster snapshots`: the snapshots of volumes that runs on a cluster left there, and those taken by hand.
import type { SnapshotDiff } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { isElsewhere } from '../kfp/check.js';
import { openCluster, type Cluster } from '../kubernetes/access.js';
import { collectSnapshots } from '../kubernetes/collect.js';
import { compareSnapshots, readFiles } from '../kubernetes/contents.js';
import {
  listSnapshots,
  readSnapshot,
  removeSnapshot,
  restoreSnapshot,
  takeSnapshot,
  waitForSnapshot,
  type VolumeSnapshot
} from '../kubernetes/snapshots.js';
import type { ClusterSettings } from '../kubernetes/settings.js';
import { findSnapshotWay } from '../kubernetes/storage.js';
import { defaultImage } from '../pipelines.js';
import { isNamed } from '../runners/naming.js';
import { formatSize, formatTable } from '../words.js';
import { clusterSettingsOf } from './cluster-settings.js';
import { chooseAction, readArgs, write, type Action, type Command, type Io } from './command.js';
import { toCount, toMs } from './gc.js';

const options = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
  run: { type: 'string' },
  step: { type: 'string' },
  notebook: { type: 'string' },
  name: { type: 'string' },
  class: { type: 'string' },
  to: { type: 'string' },
  size: { type: 'string' },
  'storage-class': { type: 'string' },
  'access-mode': { type: 'string' },
  keep: { type: 'string' },
  'older-than': { type: 'string' },
  'dry-run': { type: 'boolean' },
  image: { type: 'string' }
} as const;

type Values = ReturnType<typeof readArgs<typeof options>>['values'];

/** What an action answers: an object for programs, and the same for people. */
interface Answer {
  readonly json: unknown;
  readonly text: string;
}

interface ClusterAction extends Action {
  run(cluster: Cluster, values: Values, ...operands: string[]): Promise<Answer>;
}

const actions: Record<string, ClusterAction> = {
  list: { operands: '', least: 0, most: 0, run: list },
  show: { operands: 'NAME', least: 1, most: 1, run: show },
  take: { operands: 'CLAIM', least: 1, most: 1, run: take },
  files: { operands: 'NAME', least: 1, most: 1, run: files },
  diff: { operands: 'NAME NAME', least: 2, most: 2, run: diff },
  restore: { operands: 'NAME --to CLAIM', least: 1, most: 1, run: restore },
  remove: { operands: 'NAME...', least: 1, most: Infinity, run: remove },
  gc: { operands: '', least: 0, most: 0, run: collect }
};

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(args, options);
  const { action, operands } = chooseAction('cluster snapshots', actions, positionals);
  const settings = clusterSettingsOf(values, io);
  checkNamed(settings, io.env);
  const cluster = await openCluster(settings, io.env);
  const { json, text } = await action.run(cluster, { image: io.env.SLUICE_IMAGE, ...values }, ...operands);
  await write(io.stdout, values.json === true ? `${JSON.stringify(json)}\n` : text);
  return 0;
}

// the kubeconfig's current cluster may be quite another one, which has none of the run's
/** @throws PipelineError `usage` where only a Kubeflow with a URL is named */
function checkNamed(settings: ClusterSettings, env: NodeJS.ProcessEnv): void {
  if (!isNamed(env, 'kubeflow') || settings.namespace !== undefined || !isElsewhere({}, settings, env)) return;
  throw new PipelineError(
    `Snapshots are kept by the cluster, and which one Kubeflow is on is not known here. Name it: --context CONTEXT -n NAMESPACE, or SLUICE_CONTEXT and SLUICE_NAMESPACE.`,
    'usage'
  );
}

async function list(cluster: Cluster, { run, step, notebook }: Values): Promise<Answer> {
  const belonging = { ...(run && { run }), ...(step && { step }), ...(notebook && { notebook }) };
  const snapshots = (await listSnapshots(cluster, belonging)).reverse();
  const rows = [['snapshot', 'of', 'run', 'moment', 'taken', 'size', ''], ...snapshots.map(describe)];
  const text = formatTable(rows).map(line => `${line.trimEnd()}\n`);
  const where = `namespace ‘${cluster.namespace}’`;
  return {
    json: { snapshots },
    text: snapshots.length === 0 ? `Sluice has no snapshot in ${where}.\n` : text.join('')
  };
}

async function show(cluster: Cluster, _: Values, name: string): Promise<Answer> {
  const snapshot = await readSnapshot(cluster, name);
  const { at, run, step, moment, notebook, claim, size, storageClass, accessModes = [] } = snapshot;
  const rows = [
    [
      'volume',
      `${claim ?? 'unknown'}${storageClass === undefined ? '' : `, ${storageClass}`} ${accessModes.join(', ')}`
    ],
    ['run', run],
    ['moment', [moment, step].filter(Boolean).join(' ')],
    ['notebook', notebook],
    ['taken', new Date(at).toLocaleString('sv')],
    ['size', size],
    ['state', stateOf(snapshot) || 'ready']
  ];
  const told = rows.filter((row): row is [string, string] => Boolean(row[1]));
  return {
    json: snapshot,
    text: formatTable([[name, ''], ...told])
      .map(line => `${line.trimEnd()}\n`)
      .join('')
  };
}

async function take(cluster: Cluster, values: Values, claim: string): Promise<Answer> {
  const way = await findSnapshotWay(cluster, claim, values.class);
  if (way.how === 'clone')
    throw new PipelineError(`${way.why} For a copy, make a claim with ‘${claim}’ as its data source.`, 'remote');
  const { name } = await takeSnapshot(cluster, {
    claim,
    class: way.class!,
    ...(values.name === undefined ? {} : { name: values.name })
  });
  const snapshot = await waitForSnapshot(cluster, name);
  return { json: snapshot, text: `${name} is a snapshot of ‘${claim}’.\n` };
}

async function files(cluster: Cluster, { image = defaultImage }: Values, name: string): Promise<Answer> {
  const files = await readFiles(cluster, name, { image });
  const rows = files.map(({ path, kind, bytes }) => [
    kind === 'file' ? formatSize(bytes) : '',
    kind === 'folder' ? `${path}/` : path
  ]);
  return {
    json: { files },
    text: formatTable(rows)
      .map(line => `${line}\n`)
      .join('')
  };
}

async function diff(
  cluster: Cluster,
  { image = defaultImage }: Values,
  before: string,
  after: string
): Promise<Answer> {
  const changes = await compareSnapshots(cluster, before, after, { image });
  const kinds = ['added', 'changed', 'removed'] as const satisfies readonly (keyof SnapshotDiff)[];
  const lines = kinds.flatMap(kind => changes[kind].map(path => `${kind.padEnd(7)}  ${path}\n`));
  return { json: changes, text: lines.join('') || 'Nothing differs.\n' };
}

async function restore(cluster: Cluster, values: Values, name: string): Promise<Answer> {
  if (values.to === undefined)
    throw new PipelineError('Write --to CLAIM: the name of the new volume’s claim.', 'usage');
  const { size, 'storage-class': storageClass, 'access-mode': mode } = values;
  await restoreSnapshot(cluster, name, {
    name: values.to,
    ...(size === undefined ? {} : { size }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(mode === undefined ? {} : { accessModes: [mode] })
  });
  return { json: { claim: values.to, snapshot: name }, text: `‘${values.to}’ holds what ‘${name}’ holds.\n` };
}

async function remove(cluster: Cluster, _: Values, ...names: string[]): Promise<Answer> {
  const ours = new Map((await listSnapshots(cluster)).map(snapshot => [snapshot.name, snapshot]));
  const others = names.filter(name => !ours.has(name));
  if (others.length > 0)
    throw new PipelineError(
      `Sluice has no snapshot ${others.map(name => `‘${name}’`).join(', ')} in namespace ‘${cluster.namespace}’. Nothing was removed.`,
      'not-found'
    );
  for (const name of names) await removeSnapshot(cluster, ours.get(name)!);
  return { json: { removed: names }, text: names.map(name => `removed  ${name}\n`).join('') };
}

async function collect(cluster: Cluster, values: Values): Promise<Answer> {
  const keepRuns = values.keep === undefined ? undefined : toCount(values.keep);
  const olderThanMs = values['older-than'] === undefined ? undefined : toMs(values['older-than']);
  if (keepRuns === undefined && olderThanMs === undefined)
    throw new PipelineError('Write --keep N, or --older-than AGE such as 30d, or both.', 'usage');
  const isDryRun = values['dry-run'] === true;
  const { removed, kept } = await collectSnapshots(
    cluster,
    values.run === undefined ? {} : { run: values.run },
    { ...(keepRuns === undefined ? {} : { keepRuns }), ...(olderThanMs === undefined ? {} : { olderThanMs }) },
    { now: Date.now(), isDryRun }
  );
  const lines = removed.map(({ name }) => `${isDryRun ? 'would remove' : 'removed'}  ${name}\n`);
  const sum = isDryRun
    ? `${removed.length} would be removed, ${kept} would stay`
    : `${removed.length} removed, ${kept} kept`;
  return { json: { removed, kept, dryRun: isDryRun }, text: `${lines.join('')}${sum}\n` };
}

function describe(snapshot: VolumeSnapshot): string[] {
  const { name, claim = '', run = '', moment = '', step = '', at, size = '' } = snapshot;
  const taken = new Date(at).toLocaleString('sv');
  return [name, claim, run, [moment, step].filter(Boolean).join(' '), taken, size, stateOf(snapshot)];
}

function stateOf({ isReady, error }: VolumeSnapshot): string {
  return isReady ? '' : error === undefined ? 'not ready yet' : `failed: ${error}`;
}

export const clusterSnapshots: Pick<Command, 'run'> = { run: execute };
