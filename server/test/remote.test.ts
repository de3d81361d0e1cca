// What RemoteRunner makes of what an engine tells, and of an engine that is out of reach. The engine here tells what a test's list says; the
// records, the logs' files and the following by one process after the other are real.
import { readFileSync } from 'node:fs';
import type { RunEvent, RunSummary } from '@sluice/core';
import { PipelineError } from '../src/errors';
import { logFile, openHome } from '../src/home';
import { Pipelines } from '../src/pipelines';
import type { Engine, EngineEvent, RemoteRun } from '../src/runners/engine';
import { RemoteRunner } from '../src/runners/remote';
import { Store } from '../src/store';
import { install, makeNotebook, until, World } from './world';

jest.setTimeout(60_000);

let world: World;
let store: Store;
let ir: string;
beforeAll(async () => {
  const pipelines = new Pipelines(install);
  const text = JSON.stringify(makeNotebook(['step:a | x = 1', 'step:b | print(x)']));
  ir = await pipelines.compile(await pipelines.read(text, 'n.ipynb'), 'n.ipynb');
});
beforeEach(() => {
  world = new World();
  store = new Store(openHome(`${world.folder}/.sluice`));
});
afterEach(() => {
  store.close();
  world.remove();
});

type Script = (run: RemoteRun, signal: AbortSignal) => AsyncIterable<EngineEvent>;

/** Each time it is followed, it tells what the next script says; the last one again and again. */
class ScriptedEngine implements Engine {
  readonly name = 'argo';
  readonly canceled: string[] = [];
  followed = 0;
  /** what `find` finds */
  found: string | undefined = 'w-1';

  constructor(
    private readonly scripts: readonly Script[],
    readonly start: Engine['start'] = async () => 'w-1'
  ) {}

  prepare = async () => ({ context: 'c' });
  find = async () => this.found;
  follow = (_: string, run: RemoteRun, signal: AbortSignal) =>
    this.scripts[Math.min(this.followed++, this.scripts.length - 1)]!(run, signal);
  cancel = async (id: string) => void this.canceled.push(id);
}

const tell = (...events: readonly (EngineEvent | Error)[]): Script =>
  async function* () {
    for (const event of events) {
      if (event instanceof Error) throw event;
      yield event;
    }
  };

const step = (name: string, state: 'running' | 'succeeded' | 'failed' | 'pending', more: object = {}): EngineEvent => ({
  ...{ type: 'step', step: name, state },
  ...more
});
const log = (line: number, text: string): EngineEvent => ({
  ...{ type: 'log', step: 'a', stream: 'stdout', text: `${text}\n` },
  origin: { source: 'pod', position: String(line) }
});
const ended = (state: 'succeeded' | 'failed' | 'canceled', reason?: string): EngineEvent => ({
  ...{ type: 'run-ended', run: '', state, metrics: {} },
  ...(reason === undefined ? {} : { reason })
});

const submit = (runner: RemoteRunner) =>
  runner.submit({ ir, parameters: {}, workspace: world.folder, cache: true, runner: 'argo' });

async function runOf(engine: Engine): Promise<{ readonly run: RunSummary; readonly events: readonly RunEvent[] }> {
  const runner = new RemoteRunner(engine, { store, env: world.env });
  const id = await submit(runner);
  await runner.idle();
  return { run: store.read(id), events: store.events(id) };
}

const all = [step('a', 'running'), log(1, 'one'), log(2, 'one'), step('a', 'succeeded'), step('b', 'succeeded')];

test('what is told again after the connection was lost is kept once, and the notice goes when it is back', async () => {
  const lost = new PipelineError('The cluster does not answer.', 'unreachable');
  const engine = new ScriptedEngine([
    tell(...all.slice(0, 2), lost),
    tell(...all, step('a', 'running'), log(1, 'one'), ended('succeeded'))
  ]);
  const { run, events } = await runOf(engine);
  expect(run).toMatchObject({ state: 'succeeded', remote: { id: 'w-1', place: { context: 'c' } } });
  expect(run.notice).toBeUndefined();
  expect(readFileSync(logFile(store.home, run.id, 'a'), 'utf8')).toBe('one\none\n');
  const told = events.map(e =>
    e.type === 'step' ? `${e.step} ${e.state}` : e.type === 'notice' ? (e.text ?? '') : e.type
  );
  expect(told).toEqual([
    ...['run-started', 'remote', 'a running', 'log'],
    'The cluster does not answer. The run goes on there; trying again.',
    '',
    ...['log', 'a succeeded', 'b succeeded', 'run-ended']
  ]);
});

test('of a long log watchers are told the beginning and, at the step’s end, the last lines, also by another follower', async () => {
  const lines = Array.from({ length: 3000 }, (_, n) => `${String(n).padStart(4, '0')} ${'x'.repeat(94)}`);
  const logs = lines.map((text, n): EngineEvent => ({
    ...{ type: 'log', step: 'a', stream: n === 2999 ? 'stderr' : 'stdout', text: `${text}\n` },
    origin: { source: 'pod', position: String(n).padStart(4, '0') }
  }));
  const lost = new PipelineError('The cluster does not answer.', 'unreachable');
  const end = step('a', 'succeeded', { origin: { source: 'step a', position: '9' } });
  const { run, events } = await runOf(
    new ScriptedEngine([tell(step('a', 'running'), ...logs, lost), tell(end, end, ended('succeeded'))])
  );
  expect(readFileSync(logFile(store.home, run.id, 'a'), 'utf8')).toBe(lines.map(line => `${line}\n`).join(''));
  const told = events.flatMap(e => (e.type === 'log' ? [e] : []));
  const [beginning, tail] = told
    .map(({ text }) => text)
    .join('')
    .split('… and ends with:\n') as [string, string];
  expect(beginning).toMatch(/^0000 x+\n0001 [^]*\n… there is more: the whole log is in .*\n$/);
  expect(tail).toBe(
    lines
      .slice(-79)
      .map(line => `${line}\n`)
      .join('')
  );
  expect(told.at(-1)).toMatchObject({ stream: 'stderr', text: `${lines.at(-1)!}\n` });
});

test('a second attempt is told although the first one had begun', async () => {
  const at = (position: string) => ({ origin: { source: 'step a', position } });
  const attempts = [
    step('a', 'running', at('1.1')),
    step('a', 'pending', { reason: 'Attempt 2 of 2.', ...at('2.0') }),
    step('a', 'running', at('2.1')),
    step('a', 'succeeded', at('9'))
  ];
  const { events } = await runOf(new ScriptedEngine([tell(...attempts, ...attempts, ended('succeeded'))]));
  const told = events.flatMap(e => (e.type === 'step' && e.step === 'a' ? [e.state] : []));
  expect(told).toEqual(['running', 'pending', 'running', 'succeeded']);
});

test.each<
  [what: string, events: readonly EngineEvent[], state: string, reason: string | undefined, steps: readonly string[]]
>([
  [
    'a failed step is reason enough',
    [step('a', 'failed', { error: 'E' }), ended('failed')],
    'failed',
    'Step ‘a’ failed.',
    ['failed', 'skipped']
  ],
  ['the engine says why', [ended('failed', 'Deleted.')], 'failed', 'Deleted.', ['skipped', 'skipped']],
  [
    'what was at work failed with the run',
    [step('a', 'running'), ended('failed', 'Deleted.')],
    'failed',
    'Deleted.',
    ['failed', 'skipped']
  ],
  [
    'somebody canceled it there',
    [step('a', 'running'), ended('canceled', 'There.')],
    'canceled',
    'There.',
    ['canceled', 'canceled']
  ]
])('%s', async (_, events, state, reason, steps) => {
  const { run } = await runOf(new ScriptedEngine([tell(...events)]));
  expect({ state: run.state, reason: run.reason, steps: run.steps.map(s => s.state) }).toEqual({
    state,
    reason,
    steps
  });
});

test('a run that can’t be started fails with the reason, and one that is canceled while it starts ends canceled', async () => {
  const refuse = () => Promise.reject(new PipelineError('The quota is used up.', 'remote'));
  const { run } = await runOf(new ScriptedEngine([], refuse));
  expect(run).toMatchObject({ state: 'failed', reason: 'The quota is used up.' });
  const endless: Engine['start'] = (_, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  const runner = new RemoteRunner(new ScriptedEngine([], endless), { store, env: world.env });
  const id = await submit(runner);
  await runner.cancel(id, 'Enough.');
  await runner.idle();
  expect(store.read(id)).toMatchObject({ state: 'canceled', reason: 'Enough.' });
});

test('a cancellation goes to the engine, and the reason is the user’s', async () => {
  const engine = new ScriptedEngine([
    async function* (run) {
      yield step('a', 'running');
      await until(() => engine.canceled.length > 0);
      yield ended(run.state('a')!.state === 'running' ? 'failed' : 'succeeded', 'Shut down.');
    }
  ]);
  const runner = new RemoteRunner(engine, { store, env: world.env });
  const id = await submit(runner);
  await until(() => store.read(id).steps[0]?.state === 'running');
  await runner.cancel(id, 'Enough.');
  await runner.idle();
  expect(engine.canceled).toEqual(['w-1']);
  expect(store.read(id)).toMatchObject({ state: 'canceled', reason: 'Enough.' });
});

const forever: Script = async function* (_, signal) {
  for (const event of all.slice(0, 2)) yield event;
  yield { type: 'caught-up' };
  await new Promise(resolve => signal.addEventListener('abort', resolve));
};

test('a run that nobody follows any more is followed by whoever comes next', async () => {
  const first = new RemoteRunner(new ScriptedEngine([forever]), { store, env: world.env });
  const id = await submit(first);
  await until(() => store.log(id, 'a') !== undefined);
  const second = new RemoteRunner(new ScriptedEngine([tell(...all, ended('succeeded'))]), { store, env: world.env });
  expect(second.adopt()).toEqual([]); // the first one is still there
  first.abandon();
  await first.idle();
  expect(store.read(id).state).toBe('running');
  expect(second.adopt()).toEqual([id]);
  await second.idle();
  expect(store.read(id).state).toBe('succeeded');
  expect(readFileSync(logFile(store.home, id, 'a'), 'utf8')).toBe('one\none\n');
});

test.each([
  ['the engine has it', 'w-1', 'succeeded'],
  ['the engine never got it', undefined, 'failed']
])('a start that was interrupted: %s', async (_, found, state) => {
  const endless: Engine['start'] = (_, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  const first = new RemoteRunner(new ScriptedEngine([], endless), { store, env: world.env });
  const id = await submit(first);
  first.abandon();
  await first.idle();
  const engine = new ScriptedEngine([tell(...all, ended('succeeded'))]);
  engine.found = found;
  const second = new RemoteRunner(engine, { store, env: world.env });
  second.adopt();
  await second.idle();
  expect(store.read(id).state).toBe(state);
  if (found === undefined) expect(store.read(id).reason).toMatch(/^interrupted: .* before it was started/);
});

test('records are brought up to now and left alone again', async () => {
  const first = new RemoteRunner(new ScriptedEngine([forever]), { store, env: world.env });
  const id = await submit(first);
  first.abandon();
  await first.idle();
  const second = new RemoteRunner(new ScriptedEngine([forever]), { store, env: world.env });
  await second.refresh(AbortSignal.timeout(5000));
  expect(store.read(id)).toMatchObject({ state: 'running', steps: [{ state: 'running' }, { state: 'pending' }] });
  expect(store.hasOrphans('argo')).toBe(true);
});
