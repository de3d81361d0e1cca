// `sluice run`: submit to the runner in this very process, show what happens, and end as the run ended.
import { dirname } from 'node:path';
import {
  parseParameter,
  splitAssignment,
  type JsonValue,
  type Plan,
  type RunState,
  type Selection
} from '@sluice/core';
import { PipelineError } from '../errors.js';
import { findHome, openHome } from '../home.js';
import { storedPath } from '../paths.js';
import type { RunnerRequest, RunTarget } from '../runner.js';
import { readPlan } from '../runners/plans.js';
import { checkRunner, Runners } from '../runners/runners.js';
import { Store } from '../store.js';
import { readArgs, type Command, type Io } from './command.js';
import { isIr, readNamedFile } from './files.js';
import { compileOnce } from './kept.js';
import { showRun } from './show-run.js';

const help = `sluice run NOTEBOOK|IR [options]

Run the notebook's pipeline, or a compiled one, on this machine or in a cluster. Steps work in a copy of its folder, independent steps at
once. Ctrl+C cancels the run; it goes on when the terminal is closed. Its records and outputs are kept: see \`sluice runs\`.

  -p, --param NAME=VALUE   give a parameter a value; lists and dicts as JSON; may be repeated
      --step STEP          run this step only, with what a past run made for it
      --from STEP          run this step and all that depend on it
      --to STEP            run this step and all that it depends on
      --resume RUN         take values from this run (an id, a number, or ‘last’: the notebook's last one); alone: run what did not
                           succeed in it, or has changed
      --runner NAME        where to run: local (the default), argo or kubeflow
      --context CONTEXT    of the kubeconfig, for a runner in a cluster
  -n, --namespace NAME     in the cluster; on Kubeflow, the profile's
      --url URL            of Kubeflow Pipelines, instead of a context
      --experiment NAME    of Kubeflow, for the run; else it is the pipeline's name
      --no-cache           execute every step, also those that nothing has changed for
      --json               print one event a line as JSON

Exit status: 0 succeeded, 1 failed, 2 wrong usage or invalid notebook, 130 canceled.
`;

const options = {
  param: { type: 'string', short: 'p', multiple: true },
  step: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  resume: { type: 'string' },
  runner: { type: 'string' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  url: { type: 'string' },
  experiment: { type: 'string' },
  'no-cache': { type: 'boolean' },
  json: { type: 'boolean' }
} as const;

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(args, options, { names: 'NOTEBOOK', least: 1, most: 1 });
  checkRunner(values.runner ?? 'local');
  const file = await readNamedFile(positionals[0]!, io.cwd);
  const ir = isIr(file.path) ? file.text : await compileOnce(file, io);
  if (ir === undefined) return 2;
  const plan = await readPlan(ir);
  const home = openHome(findHome(io.env, dirname(file.path), io.cwd));
  const store = new Store(home);
  const runners = new Runners({ store, env: io.env, ...io.install });
  try {
    const selection = toSelection(values);
    const request: RunnerRequest = {
      ir,
      parameters: parseParameters(plan, values.param ?? []),
      workspace: dirname(file.path),
      ...(isIr(file.path) ? {} : { notebook: storedPath(home, file.path), source: file.text }),
      ...(selection === undefined ? {} : { selection }),
      ...(values.resume === undefined ? {} : { resume: values.resume }),
      cache: !values['no-cache'],
      ...toTarget(values)
    };
    const state = await follow(request, plan, runners, store, values.json === true, io);
    if (io.env.SLUICE_LAB_HINT && !values.json)
      io.stdout.write(`Open it in JupyterLab: make lab NOTEBOOK=${positionals[0]}\n`);
    return state === 'succeeded' ? 0 : state === 'canceled' ? 130 : 1;
  } finally {
    await runners.leave();
    store.close();
  }
}

/** From `NAME=VALUE` texts; names that the pipeline does not have are the runner's to refuse. */
function parseParameters({ parameters }: Plan, texts: readonly string[]): Record<string, JsonValue> {
  return Object.fromEntries(
    texts.map(text => {
      const assignment = splitAssignment(text);
      if (assignment === undefined)
        throw new PipelineError(`‘${text}’ sets no parameter. Write -p NAME=VALUE.`, 'usage');
      const parameter = parameters.find(({ name }) => name === assignment[0]);
      if (parameter === undefined) return assignment;
      const reading = parseParameter(parameter, assignment[1]);
      if ('problem' in reading) throw new PipelineError(reading.problem, 'invalid-parameter');
      return [parameter.name, reading.value];
    })
  );
}

function toSelection({ step, from, to }: Selection): Selection | undefined {
  if (step === undefined && from === undefined && to === undefined) return undefined;
  return { ...(step !== undefined && { step }), ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function toTarget(values: {
  readonly [name in 'runner' | keyof RunTarget]?: string | undefined;
}): Pick<RunnerRequest, 'runner' | 'target'> {
  const { runner, context, namespace, url, experiment } = values;
  return {
    ...(runner === undefined ? {} : { runner }),
    target: {
      ...(context === undefined ? {} : { context }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(url === undefined ? {} : { url }),
      ...(experiment === undefined ? {} : { experiment })
    }
  };
}

async function follow(
  request: RunnerRequest,
  plan: Plan,
  runner: Runners,
  store: Store,
  json: boolean,
  io: Io
): Promise<RunState> {
  const interrupt = new AbortController();
  let run: string | undefined;
  let interrupts = 0;
  const stopListening = io.onInterrupt(signal => {
    if (signal === 'SIGHUP') return; // the terminal was closed: the run goes on, and `sluice runs` shows it
    const by = signal === 'SIGINT' ? 'with Ctrl+C' : `by ${signal}`;
    interrupts++;
    interrupt.abort();
    if (run === undefined) return;
    if (interrupts === 1) void runner.cancel(run, `Canceled ${by}.`);
    else runner.abandon(`Canceled ${by}, twice.`);
  });
  try {
    run = await runner.submit(request, interrupt.signal).catch((error: unknown) => {
      if (interrupt.signal.aborted) return undefined;
      throw error;
    });
    if (run === undefined) return 'canceled';
    const after = new Map(plan.tasks.map(task => [task.name, task.after]));
    return await showRun(run, runner, { store, json, io, after });
  } finally {
    stopListening();
  }
}

export const run: Command = { help, run: execute };
