// `sluice runs`: what was run, how it went, what it printed; and how to end it.
import { compareRuns, endedStates, type CodeChange } from '@sluice/core';
import { diffCode } from '../codeDiff.js';
import { PipelineError } from '../errors.js';
import { Runners } from '../runners/runners.js';
import type { Store } from '../store.js';
import { painter, printEnd } from '../terminal.js';
import { formatDuration, formatMetric, formatSize, formatTable } from '../words.js';
import { useColors } from './check.js';
import { chooseAction, readArgs, write, type Action, type Command, type Io } from './command.js';
import { openRecords } from './records.js';
import { showLogs } from './show-logs.js';
import { showRun } from './show-run.js';

const help = `sluice runs [list | show RUN | logs RUN [STEP] | follow RUN | cancel RUN | diff RUN RUN] [--json]

  list             past runs, newest first (the default)
  show RUN         steps, what they used and why they wait or were executed, parameters, metrics and artifacts of a run
  logs RUN [STEP]  all that its steps, or one of them, printed: [--follow] [--tail N]
  follow RUN       show a run as it goes on, until its end; Ctrl+C stops showing it
  cancel RUN       end a run that goes on, here or in JupyterLab
  diff RUN RUN     parameters, metrics and steps side by side, and the lines that differ in the steps' source

RUN is an id, the beginning of one, a number, or ‘last’.

  -f, --follow     for logs: go on with what is printed, until the steps have ended; Ctrl+C stops showing it
      --tail N       for logs: of each step the last N lines only
      --json         for programs
`;

const options = {
  json: { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  tail: { type: 'string' }
} as const;

/** so long a command waits for news of runs in a cluster that nobody follows */
const refreshMs = 5000;
/** a process that was killed is seen to be gone only a moment later */
const adoptMs = 2000;

interface Context {
  readonly store: Store;
  readonly runners: Runners;
  readonly io: Io;
  readonly json: boolean;
  readonly isFollowed: boolean;
  readonly lines?: number;
}

interface RunsAction extends Action {
  run(context: Context, ...operands: string[]): Promise<number>;
}

const actions: Record<string, RunsAction> = {
  list: { operands: '', least: 0, most: 0, run: list },
  show: { operands: 'RUN', least: 1, most: 1, run: show },
  logs: { operands: 'RUN [STEP]', least: 1, most: 2, run: logs },
  follow: { operands: 'RUN', least: 1, most: 1, run: follow },
  cancel: { operands: 'RUN', least: 1, most: 1, run: cancel },
  diff: { operands: 'RUN RUN', least: 2, most: 2, run: diff }
};

async function execute(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(args, options);
  const { action, operands } = chooseAction('runs', actions, positionals);
  if (action !== actions.logs && (values.follow || values.tail !== undefined))
    throw new PipelineError(`--${values.follow ? 'follow' : 'tail'} goes with logs: sluice runs logs RUN.`, 'usage');
  const lines = values.tail === undefined ? {} : { lines: toLines(values.tail) };
  const store = openRecords(io, { findsRuns: true });
  const runners = new Runners({ store, env: io.env });
  try {
    await runners.refresh(refreshMs);
    return await action.run(
      { store, runners, io, json: values.json === true, isFollowed: values.follow === true, ...lines },
      ...operands
    );
  } finally {
    await runners.leave();
    store.close();
  }
}

async function list({ store, io, json }: Context): Promise<number> {
  const runs = store.list();
  if (json) await write(io.stdout, `${JSON.stringify({ runs })}\n`);
  else if (runs.length === 0) io.stdout.write(`There is no run yet in ${store.home}.\n`);
  else {
    const rows = runs.map(run => [
      String(run.number),
      run.id,
      run.notebook ?? run.pipeline,
      run.state,
      formatDuration((run.endedAt ?? Date.now()) - run.createdAt),
      Object.entries(run.metrics)
        .filter(([, value]) => typeof value !== 'object')
        .map(([name, value]) => `${name} ${formatMetric(value)}`)
        .join('  ')
    ]);
    const lines = formatTable([['run', 'id', 'notebook', 'state', 'duration', 'metrics'], ...rows]);
    await write(io.stdout, `${lines.join('\n')}\n`);
  }
  return 0;
}

async function show({ store, io, json }: Context, name: string): Promise<number> {
  const run = store.find(name);
  const artifacts = store.artifacts(run.id);
  if (json) {
    await write(io.stdout, `${JSON.stringify({ ...run, artifacts })}\n`);
    return 0;
  }
  const paint = painter(useColors(io));
  const parameters = Object.entries(run.parameters).map(([name, value]) => `  ${name} = ${JSON.stringify(value)}\n`);
  const rows = artifacts.map(artifact => [
    '',
    artifact.step,
    artifact.variables?.map(variable => `${variable.name}: ${variable.type}`).join(', ') || artifact.name,
    formatSize(artifact.sizeBytes),
    artifact.path
  ]);
  const started = new Date(run.createdAt).toLocaleString('sv');
  io.stdout.write(
    `${paint('bold', run.pipeline)}${run.notebook === undefined ? '' : `, ${run.notebook}`}, ${started}\n`
  );
  if (parameters.length > 0) io.stdout.write(`\n${paint('bold', 'parameters')}\n${parameters.join('')}`);
  io.stdout.write(printEnd(run, store.stepMetrics(run.id), paint, { withUsage: run.steps.some(step => step.usage) }));
  const reasons = run.steps.flatMap(({ name, reason, uncached }) => {
    const why = reason ?? (uncached === undefined ? undefined : `Not from cache: ${uncached}`);
    return why === undefined ? [] : [['', name, why]];
  });
  if (reasons.length > 0) io.stdout.write(`\n${paint('bold', 'reasons')}\n${formatTable(reasons).join('\n')}\n`);
  if (rows.length > 0) io.stdout.write(`\n${paint('bold', 'artifacts')}\n${formatTable(rows).join('\n')}\n`);
  return 0;
}

async function logs(context: Context, name: string, wanted?: string): Promise<number> {
  const { store, runners, isFollowed } = context;
  const run = store.find(name);
  const steps = run.steps.map(step => step.name);
  if (wanted !== undefined && !steps.includes(wanted))
    throw new PipelineError(
      `Run ${run.number} has no step ‘${wanted}’. Its steps are ${steps.map(step => `‘${step}’`).join(', ')}.`,
      'usage'
    );
  const chosen = wanted === undefined ? steps : [wanted];
  const showing = { ...context, withNames: wanted === undefined };
  if (!isFollowed) {
    await showLogs(run, chosen, showing);
    return 0;
  }
  await runners.adopt();
  return untilInterrupted(context, async signal => {
    await showLogs(run, chosen, { ...showing, signal });
    return 0;
  });
}

async function follow(context: Context, name: string): Promise<number> {
  const { store, runners, io, json } = context;
  const run = store.find(name);
  await runners.adopt();
  return untilInterrupted(context, async signal => {
    const state = await showRun(run.id, runners, { store, json, io, after: new Map(), signal });
    return state === 'succeeded' ? 0 : state === 'canceled' ? 130 : 1;
  });
}

/** Show until the end, or until Ctrl+C, which ends the showing alone. Whoever follows the run elsewhere may end meanwhile: then we do. */
async function untilInterrupted(
  { io, runners }: Pick<Context, 'io' | 'runners'>,
  show: (signal: AbortSignal) => Promise<number>
): Promise<number> {
  const stop = new AbortController();
  const adopting = setInterval(() => void runners.adopt().catch(() => undefined), adoptMs);
  const stopListening = io.onInterrupt(() => stop.abort());
  try {
    const status = await show(stop.signal);
    return stop.signal.aborted ? 130 : status;
  } finally {
    clearInterval(adopting);
    stopListening();
  }
}

async function cancel({ store, runners, io, json }: Context, name: string): Promise<number> {
  const run = store.find(name);
  if (endedStates.has(run.state))
    throw new PipelineError(`Run ${run.number} has ended already: ${run.state}.`, 'usage');
  await runners.cancel(run.id, 'Canceled by `sluice runs cancel`.');
  for await (const event of store.watch(run.id)) if (event.type === 'run-ended') break;
  const { state } = store.read(run.id);
  io.stdout.write(json ? `${JSON.stringify({ run: run.id, state })}\n` : `Run ${run.number} ${state}.\n`);
  return state === 'canceled' ? 0 : 1;
}

async function diff({ store, io, json }: Context, first: string, second: string): Promise<number> {
  const runs = [store.find(first), store.find(second)] as const;
  const table = compareRuns(...runs);
  const code = await diffCode(store, ...runs);
  if (json) {
    await write(io.stdout, `${JSON.stringify({ runs: runs.map(run => run.id), ...table, code: code ?? null })}\n`);
    return 0;
  }
  const paint = painter(useColors(io));
  const rows: string[][] = [['', ...runs.map(run => `run ${run.number}`), '']];
  for (const [title, lines] of Object.entries(table)) {
    if (lines.length === 0) continue;
    rows.push([title, '', '', '']);
    for (const { name, values } of lines)
      rows.push([
        `  ${name}`,
        ...values.map(value => (value === null ? '–' : formatMetric(value))),
        values[0] === values[1] ? '' : '*'
      ]);
  }
  const lines = formatTable(rows).map(line => (line.endsWith('*') ? line : paint('dim', line)));
  const changes = code?.flatMap(change => ['', ...formatChange(change, paint)]) ?? [];
  await write(io.stdout, `${[...lines, ...changes].join('\n')}\n`);
  return 0;
}

function formatChange({ step, change, lines }: CodeChange, paint: ReturnType<typeof painter>): readonly string[] {
  const words = { changed: 'the source has changed', added: 'is new', removed: 'is gone' };
  return [
    `step ${step}: ${words[change]}`,
    ...lines.map(({ kind, text }) => {
      if (kind === 'removed') return paint('red', `- ${text}`);
      if (kind === 'added') return paint('green', `+ ${text}`);
      return paint('dim', kind === 'gap' ? '  …' : `  ${text}`.trimEnd());
    })
  ];
}

function toLines(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new PipelineError(`--tail takes a number of lines instead of ‘${text}’.`, 'usage');
}

export const runs: Command = { help, run: execute };
