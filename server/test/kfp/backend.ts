// What Kubeflow does with a run, as far as its REST API shows: a pipeline's tasks become nodes of a workflow, whose states and times are told;
// each step really runs, in a folder of its own as in a pod, by KFP's executor contract; what it gives is in an object store. This is not
// KFP's backend, which cannot be built here.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readIr } from '@sluice/core/ir/read';
import { startProcess, type StepProcess } from '../../src/process';
import type { Artifact, Execution } from './metadata';

type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

export interface Node {
  readonly id: string;
  readonly name: string;
  state: string;
  readonly startedAt: Date;
  endedAt?: Date;
  readonly children: string[];
}

export interface Run {
  readonly run_id: string;
  readonly experiment_id: string;
  readonly display_name: string;
  readonly spec: Json;
  readonly asked: Json;
  readonly createdAt: Date;
  state: string;
  finishedAt?: Date;
  readonly history: { update_time: string; state: string }[];
  readonly nodes: Map<string, Node>;
  readonly executions: Execution[];
  readonly artifacts: Artifact[];
  /** by task: what it gave */
  readonly given: Map<string, Record<string, Json>>;
  /** by pod's name */
  readonly logs: Map<string, string>;
  readonly processes: Set<StepProcess>;
  isTerminated: boolean;
  done: Promise<void>;
}

export interface BackendOptions {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  /** a folder with what Kubernetes puts into each pod: `token`, `ca.crt`, `namespace` */
  readonly account?: string;
  /** see to it that a pod finds the claim's volume, or that part of it, at this path */
  readonly mount?: (claim: string, path: string, subPath?: string) => void;
}

/** where it is in a pod */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A step that was executed before with the same text and inputs, for KFP's own cache. */
const cacheKey = (task: Json, input: Json, { container: { image, command, args } }: Json) =>
  JSON.stringify([task.componentRef, input.inputs, image, command, args]);

const launcher = (text: string) => `I1121 16:20:31.482914       1 launcher_v2.go:218] ${text}\n`;

export class Backend {
  readonly experiments = new Map<string, Json>();
  readonly runs = new Map<string, Run>();
  readonly recurring = new Map<string, Json>();
  private readonly cache = new Map<string, Record<string, Json>>();
  private ids = 0;

  constructor(
    readonly folder: string,
    private readonly options: BackendOptions
  ) {}

  /** @throws Error where KFP would refuse the pipeline */
  create(asked: Json, experiment: string): Run {
    const wrapped = asked.pipeline_spec as Json;
    const pipeline = wrapped.pipeline_spec ?? wrapped;
    const documents = [pipeline, ...(wrapped.platform_spec === undefined ? [] : [wrapped.platform_spec])];
    const { pipeline: spec } = readIr(documents.map(part => JSON.stringify(part)).join('\n---\n'));
    const run: Run = {
      run_id: randomUUID(),
      experiment_id: experiment,
      display_name: asked.display_name,
      ...{ spec, asked, createdAt: new Date(), state: 'PENDING', isTerminated: false, done: Promise.resolve() },
      ...{ history: [], nodes: new Map(), executions: [], artifacts: [] },
      ...{ given: new Map(), logs: new Map(), processes: new Set() }
    };
    this.runs.set(run.run_id, run);
    this.turn(run, 'PENDING');
    run.done = this.execute(run);
    return run;
  }

  terminate(run: Run): void {
    run.isTerminated = true;
    this.turn(run, 'CANCELING');
    for (const child of run.processes) child.stop();
  }

  /** As Argo does it: what has not succeeded begins anew, under the same run. */
  retry(run: Run): void {
    for (const [name, node] of run.nodes) if (node.state !== 'SUCCEEDED') run.nodes.delete(name);
    run.isTerminated = false;
    delete run.finishedAt;
    this.turn(run, 'RUNNING');
    run.done = this.execute(run);
  }

  async close(): Promise<void> {
    for (const run of this.runs.values()) for (const child of run.processes) child.kill();
    await Promise.all([...this.runs.values()].map(run => run.done));
  }

  /** of an artifact's uri */
  fileOf(uri: string): string {
    return join(this.folder, 'store', uri.replace(/^\w+:\/\//, ''));
  }

  private turn(run: Run, state: string): void {
    run.state = state;
    run.history.push({ update_time: new Date().toISOString(), state });
  }

  private node(run: Run, key: string, name: string, state: string): Node {
    const known = run.nodes.get(key);
    if (known !== undefined) return known;
    const node = {
      id: `${run.display_name.slice(0, 20)}-${1000 + this.ids++}`,
      name,
      state,
      startedAt: new Date(),
      children: []
    };
    run.nodes.set(key, node);
    return node;
  }

  private end(node: Node, state: string): void {
    node.state = state;
    node.endedAt = new Date();
  }

  private async execute(run: Run): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, 30));
    this.turn(run, run.isTerminated ? 'CANCELING' : 'RUNNING');
    const root = this.node(run, 'root', 'root', 'RUNNING');
    this.end(this.node(run, 'root-driver', 'root-driver', 'RUNNING'), 'SUCCEEDED');
    const given = (run.asked.runtime_config?.parameters ?? {}) as Json;
    const defaults = Object.entries<Json>(run.spec.root.inputDefinitions?.parameters ?? {});
    const parameters = Object.fromEntries(
      defaults.map(([name, { defaultValue }]) => [name, given[name] ?? defaultValue])
    );
    const isDone = await this.executeDag(run, run.spec.root.dag.tasks, root, parameters);
    const state = run.isTerminated ? 'CANCELED' : isDone ? 'SUCCEEDED' : 'FAILED';
    this.end(root, state === 'SUCCEEDED' ? state : 'FAILED');
    run.finishedAt = new Date();
    this.turn(run, state);
  }

  /** Whether all of its tasks succeeded. `parameters` are those of the component that it is. */
  private async executeDag(run: Run, tasks: Json, parent: Node, parameters: Json): Promise<boolean> {
    const work = new Map<string, Promise<boolean>>();
    const perform = (key: string): Promise<boolean> => {
      let done = work.get(key);
      if (done === undefined) {
        const task = tasks[key] as Json;
        const needs = new Set<string>(task.dependentTasks ?? []);
        for (const { taskOutputArtifact } of Object.values<Json>(task.inputs?.artifacts ?? {}))
          needs.add(taskOutputArtifact.producerTask);
        const isAtEnd = task.triggerPolicy?.strategy === 'ALL_UPSTREAM_TASKS_COMPLETED';
        done = Promise.all([...needs].map(perform)).then(results => {
          if (results.every(Boolean) || (isAtEnd && !run.isTerminated))
            return this.executeTask(run, key, task, parent, parameters);
          this.end(this.node(run, key, key, 'SKIPPED'), 'SKIPPED');
          return false;
        });
        work.set(key, done);
      }
      return done;
    };
    return (await Promise.all(Object.keys(tasks).map(perform))).every(Boolean);
  }

  private async executeTask(run: Run, key: string, task: Json, parent: Node, scope: Json): Promise<boolean> {
    if (run.given.has(key)) return true;
    const driver = this.node(run, `${key}-driver`, `${key}-driver`, 'RUNNING');
    const node = this.node(run, key, key, 'RUNNING');
    parent.children.push(driver.id, node.id);
    const component = run.spec.components[task.componentRef.name] as Json;
    const parameters = this.parametersOf(run, task, scope);
    if (component.dag !== undefined) {
      this.end(driver, 'SUCCEEDED');
      const isDone = await this.executeDag(run, component.dag.tasks, node, parameters);
      this.end(node, isDone ? 'SUCCEEDED' : 'FAILED');
      return isDone;
    }
    const executor = run.spec.deploymentSpec.executors[component.executorLabel] as Json;
    this.end(driver, 'SUCCEEDED');
    if (executor.importer !== undefined) {
      this.import(run, key, component, executor.importer, task);
      this.end(node, 'SUCCEEDED');
      return true;
    }
    const input = this.makeInput(run, key, task, component, parameters);
    const cached = task.cachingOptions?.enableCache ? this.cache.get(cacheKey(task, input, executor)) : undefined;
    if (cached !== undefined) {
      this.execution(run, key, task, 5);
      this.keep(run, cached, key);
      node.children.push(this.node(run, `${key}/executor`, 'executor', 'SKIPPED').id);
      this.end(node, 'SUCCEEDED');
      return true;
    }
    const retries = task.retryPolicy?.maxRetryCount ?? 0;
    for (let attempt = 0; attempt <= retries && !run.isTerminated; attempt++) {
      const name = retries > 0 ? `executor(${attempt})` : 'executor';
      const pod = this.node(run, `${key}/${name}`, name, 'RUNNING');
      node.children.push(pod.id);
      const execution = this.execution(run, key, task, 2, pod.id);
      for (const { constant, mountPath, subPath } of mountsOf(run, component.executorLabel))
        this.options.mount?.(constant, mountPath, subPath);
      const status = await this.runPod(run, key, pod.id, input, executor.container);
      const isDone = status === 0 && !run.isTerminated;
      this.end(pod, isDone ? 'SUCCEEDED' : 'FAILED');
      execution.state = isDone ? 3 : 4;
      if (!isDone) continue;
      const given = readOutput(input.outputs.outputFile);
      this.cache.set(cacheKey(task, input, executor), given);
      this.keep(run, given, key);
      this.end(node, 'SUCCEEDED');
      return true;
    }
    this.end(node, 'FAILED');
    return false;
  }

  private execution(run: Run, key: string, task: Json, state: number, pod = ''): Execution {
    const properties = {
      task_name: key,
      display_name: task.taskInfo?.name ?? key,
      pod_name: pod,
      namespace: 'kubeflow'
    };
    const execution = { id: ++this.ids, state, properties };
    run.executions.push(execution);
    return execution;
  }

  private keep(run: Run, given: Record<string, Json>, key: string): void {
    run.given.set(key, given);
    for (const [name, artifact] of Object.entries(given))
      run.artifacts.push({
        id: ++this.ids,
        uri: artifact.uri,
        properties: { display_name: name, ...artifact.metadata }
      });
  }

  private import(run: Run, key: string, component: Json, importer: Json, task: Json): void {
    const { constant, runtimeParameter } = importer.artifactUri;
    const uri = constant ?? task.inputs.parameters[runtimeParameter].runtimeValue.constant;
    const [name] = Object.keys(component.outputDefinitions.artifacts);
    run.given.set(key, { [name!]: { name, uri, metadata: importer.metadata ?? {} } });
  }

  private parametersOf(run: Run, task: Json, scope: Json): Json {
    const parameters: Json = {};
    for (const [name, source] of Object.entries<Json>(task.inputs?.parameters ?? {})) {
      const from = source.componentInputParameter as string | undefined;
      const constant =
        source.runtimeValue?.constant === '{{$.pipeline_job_uuid}}' ? run.run_id : source.runtimeValue?.constant;
      const value = from === undefined ? constant : scope[from];
      if (value !== undefined) parameters[name] = value;
    }
    return parameters;
  }

  private makeInput(run: Run, key: string, task: Json, component: Json, parameters: Json): Json {
    const pipelineRoot = run.asked.runtime_config?.pipeline_root ?? 'minio://mlpipeline/v2/artifacts';
    const folder = `${pipelineRoot}/${run.spec.pipelineInfo.name}/${run.run_id}/${key}/${randomUUID()}`;
    const at = (uri: string) => ({ uri, customPath: this.fileOf(uri) });
    return {
      inputs: {
        parameterValues: parameters,
        artifacts: Object.fromEntries(
          Object.entries<Json>(task.inputs?.artifacts ?? {}).map(([name, { taskOutputArtifact: from }]) => {
            const made = run.given.get(from.producerTask)![from.outputArtifactKey]!;
            return [name, { artifacts: [{ name: made.name, metadata: made.metadata, ...at(made.uri) }] }];
          })
        )
      },
      outputs: {
        artifacts: Object.fromEntries(
          Object.entries<Json>(component.outputDefinitions?.artifacts ?? {}).map(([name, { artifactType: type }]) => [
            name,
            { artifacts: [{ name, type, ...at(`${folder}/${name}`) }] }
          ])
        ),
        outputFile: this.fileOf(`${folder}/output_metadata.json`)
      }
    };
  }

  private async runPod(run: Run, key: string, pod: string, input: Json, container: Json): Promise<number> {
    mkdirSync(dirname(input.outputs.outputFile), { recursive: true });
    const cwd = join(this.folder, 'pods', pod);
    mkdirSync(cwd, { recursive: true });
    const argv = [...container.command, ...container.args].map((part: string) =>
      part
        .replaceAll('{{$}}', () => JSON.stringify(input))
        .replaceAll(
          /\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}/g,
          (_, name: string) => input.inputs.parameterValues[name]
        )
        .replaceAll(serviceAccount, this.options.account ?? serviceAccount)
    );
    const write = (text: string) => run.logs.set(pod, (run.logs.get(pod) ?? '') + text);
    write(launcher(`input ComponentSpec:{${key}}`));
    const variables = inContainer(container.env ?? []).map(([name, value]) => `${name}=${value}`);
    const child = startProcess({
      // in a pod there is no pipe for events
      argv: ['env', '-u', 'SLUICE_EVENTS', `KFP_POD_NAME=${pod}`, ...variables, this.options.python, ...argv.slice(1)],
      env: this.options.env,
      cwd,
      onOutput: (_, chunk) => void write(chunk.toString('utf8')),
      onEvent: () => undefined // nobody listens in a pod
    });
    run.processes.add(child);
    const { status } = await child.ended;
    run.processes.delete(child);
    write(launcher(status === 0 ? 'publish success.' : `failed to execute component: exit status ${status}`));
    return status ?? 137;
  }
}

/** What the kubelet makes of a container's variables: `$(NAME)` is an earlier one's value, and of `$$` one is left. */
function inContainer(variables: readonly Json[]): readonly (readonly [string, string])[] {
  const known = new Map<string, string>();
  for (const { name, value = '' } of variables)
    known.set(
      name,
      value.replace(/\$(\$|\((.*?)\))/g, (all: string, next: string, key: string) =>
        next === '$' ? '$' : (known.get(key) ?? all)
      )
    );
  return [...known];
}

/** of claims that are named, and not given by a parameter */
const mountsOf = ({ asked }: Run, executor: string): readonly Json[] =>
  asked.pipeline_spec.platform_spec?.platforms.kubernetes.deploymentSpec.executors[executor]?.pvcMount ?? [];

function readOutput(path: string): Record<string, Json> {
  if (!existsSync(path)) return {};
  const { artifacts = {} } = JSON.parse(readFileSync(path, 'utf8')) as Json;
  return Object.fromEntries(Object.entries<Json>(artifacts).map(([key, list]) => [key, list.artifacts[0] as Json]));
}
