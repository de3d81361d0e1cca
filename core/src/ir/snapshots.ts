// Kubeflow has no task that makes an object in the cluster. Snapshots of the volumes that steps mount are taken by small tasks between the
// steps: containers that run one program of the standard library, with the rights of the pod's own service account (decision 0021).
import { freeName, toLabelValue, toObjectName } from '../cluster/names.js';
import type { WorkspaceSpec } from '../workspace.js';
import type {
  ComponentSpecJson,
  PipelineDeploymentConfig_ExecutorSpecJson as ExecutorSpec,
  PipelineTaskSpecJson as TaskSpec
} from './gen/pipeline_spec_pb.js';

/** What takes one snapshot and waits until it can be restored from. */
export interface SnapshotProgram {
  /**
   * Python; `--claim`, `--name`, `--class`, `--clone yes`, `--label KEY=VALUE` and `--annotation KEY=VALUE` are its arguments; with
   * `--after-failure … -- COMMAND` it runs the command, and keeps the volumes where that fails
   */
  readonly program: string;
  readonly image: string;
}

const component = 'comp-sluice-snapshot';
const executor = 'exec-sluice-snapshot';

/** KFP's own id of the run; whoever submits it may put another one there. */
const runOfKubeflow = '{{$.pipeline_job_uuid}}';

/** A volume of which snapshots are taken, and when. */
export interface Kept {
  readonly claim: string;
  readonly policy: 'start' | 'each-step';
}

// A step does not see the volume that holds the notebook's folder unless it mounts it: there, nothing changes after the start.
/** The volumes of which a pipeline's own tasks take snapshots. */
export function findKept({ snapshots, volume, kept = {} }: WorkspaceSpec): readonly Kept[] {
  const others = Object.entries(kept).map(([claim, policy]) => ({ claim, policy }));
  const isKept = volume !== undefined && kept[volume.claim] === undefined && (snapshots?.policy ?? 'off') !== 'off';
  return isKept ? [{ claim: volume.claim, policy: 'start' }, ...others] : others;
}

/** Of what snapshots are taken, around which steps, and how. */
export interface Keeping {
  readonly kept: readonly Kept[];
  /** by task: the claims that its step mounts. Tasks that are no steps stay as they are */
  readonly mounts: ReadonlyMap<string, readonly string[]>;
  readonly snapshots: WorkspaceSpec['snapshots'];
}

/** The tasks with those that take snapshots among them, in order. */
export function withSnapshots(tasks: Tasks, { kept, mounts, snapshots }: Keeping): Record<string, TaskSpec> {
  const taken = new Set(Object.keys(tasks));
  const make = (claim: string, moment: Moment, after: readonly string[], of?: string): [string, TaskSpec] => {
    const name = freeName(`${of ?? 'snapshot'}-${moment}-${toObjectName(claim)}`, taken);
    taken.add(name);
    const step = of === undefined ? undefined : tasks[of]!.taskInfo!.name!;
    return [name, toTask({ name, claim, moment, after, step }, snapshots)];
  };
  const starts = kept.filter(({ policy }) => policy === 'start').map(({ claim }) => make(claim, 'start', []));
  const around = new Map(
    [...mounts].map(([task, claims]) => {
      const own = keptAround(claims, kept);
      return [task, { own, after: own.map(claim => make(claim, 'after', [task], task)) }] as const;
    })
  );
  const found: [string, TaskSpec][] = [...starts];
  for (const [task, spec] of Object.entries(tasks)) {
    const step = around.get(task);
    if (step === undefined) {
      found.push([task, spec]);
      continue;
    }
    const { own, after } = step;
    const needed = spec.dependentTasks ?? [];
    const made = needed.flatMap(other => around.get(other)?.after ?? []).map(([name]) => name);
    const isFirst = needed.every(other => !around.has(other)); // what it needs may be another volume's snapshot
    const waits = [...needed, ...(isFirst ? starts.map(([name]) => name) : made)];
    const before = own.map(claim => make(claim, 'before', waits, task));
    const dependentTasks = [...waits, ...before.map(([name]) => name)];
    found.push(...before, [task, { ...spec, ...(dependentTasks.length === 0 ? {} : { dependentTasks }) }]);
    found.push(...after);
  }
  return Object.fromEntries(found);
}

type Tasks = Readonly<Record<string, TaskSpec>>;

/** Those of a step's claims of which snapshots are taken around it. */
export function keptAround(claims: readonly string[], kept: readonly Kept[]): readonly string[] {
  return kept.filter(({ policy, claim }) => policy === 'each-step' && claims.includes(claim)).map(({ claim }) => claim);
}

type Moment = 'start' | 'before' | 'after';

interface Wanted {
  readonly name: string;
  readonly claim: string;
  readonly moment: Moment;
  readonly after: readonly string[];
  /** undefined at the start of the run */
  readonly step: string | undefined;
}

function toTask({ name, claim, moment, after, step }: Wanted, of: WorkspaceSpec['snapshots']): TaskSpec {
  const label = step === undefined ? '' : toLabelValue(step);
  const way = { class: of?.class ?? '', clone: of?.clone === true ? 'yes' : '' };
  const values = { run: runOfKubeflow, name, claim, moment, ...way, step: step ?? '', label };
  const parameters = Object.entries(values).map(([key, constant]) => [key, { runtimeValue: { constant } }]);
  const when = { start: 'at the start', before: `before ‘${step}’`, after: `after ‘${step}’` }[moment];
  return {
    taskInfo: { name: `Snapshot of ‘${claim}’ ${when}` },
    componentRef: { name: component },
    ...(after.length === 0 ? {} : { dependentTasks: [...after] }),
    inputs: { parameters: Object.fromEntries(parameters) },
    cachingOptions: {}
  };
}

const afterFailure = '--after-failure';

// A task that came after a failure would make the run succeed, to KFP: what the failed step left is kept by its own pod, before it ends.
/** The step's command, run by what takes snapshots of the claims where it fails. `kept` are the claims that it mounts and whose policy is ‘each-step’. */
export function withSnapshotAfterFailure(
  command: readonly string[],
  { program }: SnapshotProgram,
  { step, task, kept, snapshots }: FailureOf
): string[] {
  if (kept.length === 0) return [...command];
  const claims = kept.flatMap(claim => ['--claim', claim, '--name', `${task}-after-${toObjectName(claim)}`]);
  return [
    ...['python3', '-c', program, afterFailure, ...claims],
    ...(snapshots?.class === undefined ? [] : ['--class', snapshots.class]),
    ...(snapshots?.clone === true ? ['--clone', 'yes'] : []),
    ...['--label', 'sluice.dev/moment=after', '--label', `sluice.dev/step=${toLabelValue(step)}`],
    ...['--annotation', `sluice.dev/step=${step}`, '--', ...command]
  ];
}

export interface FailureOf {
  readonly step: string;
  readonly task: string;
  readonly kept: readonly string[];
  readonly snapshots: WorkspaceSpec['snapshots'];
}

/** Whether a step's command takes snapshots where it fails. */
export const keepsAfterFailure = (command: readonly string[]): boolean => command.includes(afterFailure);

/** The step's own command, for whoever keeps volumes in ways of its own. */
export function withoutSnapshotAfterFailure(command: readonly string[]): readonly string[] {
  const at = command.indexOf(afterFailure);
  return at < 3 ? command : [...command.slice(0, at - 3), ...command.slice(command.indexOf('--', at) + 1)];
}

/** What the tasks of a pipeline that takes snapshots refer to. */
export function snapshotParts({ program, image }: SnapshotProgram): {
  readonly components: Record<string, ComponentSpecJson>;
  readonly executors: Record<string, ExecutorSpec>;
} {
  const keys = ['run', 'name', 'claim', 'moment', 'class', 'clone', 'step', 'label'];
  const input = (key: string): string => `{{$.inputs.parameters['${key}']}}`;
  const args = [
    ...['--claim', input('claim'), '--name', `${input('run')}-${input('name')}`, '--class', input('class')],
    ...['--clone', input('clone')],
    ...['--label', `sluice.dev/run=${input('run')}`, '--label', `sluice.dev/moment=${input('moment')}`],
    ...['--label', `sluice.dev/step=${input('label')}`, '--annotation', `sluice.dev/step=${input('step')}`]
  ];
  const parameters = Object.fromEntries(keys.map(key => [key, { parameterType: 'STRING' as const }]));
  return {
    components: { [component]: { executorLabel: executor, inputDefinitions: { parameters } } },
    executors: { [executor]: { container: { image, command: ['python3', '-c', program], args } } }
  };
}

/** Whether an executor is the one of all tasks that take snapshots. */
export const isSnapshotExecutor = (label: string): boolean => label === executor;

/** The claim of which a task takes a snapshot. */
export function claimOfSnapshot({ inputs }: TaskSpec): string {
  return String(inputs?.parameters?.claim?.runtimeValue?.constant ?? '');
}

/** Whether a task takes a snapshot, and is nothing that a notebook says. */
export const isSnapshot = ({ componentRef }: TaskSpec): boolean => componentRef?.name === component;

/** The step around which a task takes a snapshot; '' at the start of the run. */
export function stepOfSnapshot({ inputs }: TaskSpec): string {
  const { constant } = inputs?.parameters?.step?.runtimeValue ?? {};
  return typeof constant === 'string' ? constant : '';
}
