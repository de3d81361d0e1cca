// Starts steps: forked from a server that has made their imports where that gives the same process, in one of their own in every doubtful
// case. Nobody can tell the two apart but by the time that it takes.
import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { attend, startProcess, type ProcessSpec, type Started, type StepProcess } from '../process.js';
import { addressOf, type ServerSpec } from './address.js';
import { Declined, fork, prepare, type Preparation, type Waiting } from './connection.js';
import { packServer, readSecret, startServer } from './server.js';

export interface WorkersOptions {
  readonly home: string;
  /** the folder of the server's program; undefined where there is none */
  readonly folder: string | undefined;
  /** the variables of a step that sets none itself */
  readonly env: NodeJS.ProcessEnv;
}

/** A command of the step contract (decision 0002). */
interface Command {
  readonly python: string;
  readonly boot: string;
  readonly runtime: string;
  readonly args: readonly string[];
}

/** A process that waits, and what it was forked for. */
interface Held {
  /** undefined where it could not be forked */
  readonly process: Promise<Waiting | undefined>;
  readonly stopped: AbortController;
  readonly spec: Pick<ProcessSpec, 'env' | 'cwd'>;
}

/** servers that are being started from here, or that could not be */
const starting = new Map<string, Promise<void>>();
const triesWithoutServer = 5;
const pauseMs = 30;

/** Where the server is, and what starts it. */
interface Place {
  readonly address: string;
  readonly serverSpec: ServerSpec;
  readonly forks: string;
}

export class Workers {
  private readonly places = new Map<string, Place>();
  private readonly held = new Map<string, Held>();

  constructor(private readonly options: WorkersOptions) {}

  /** Have a server make the imports of these steps, which will be started soon, in this order. */
  prepare(steps: readonly Pick<ProcessSpec, 'argv' | 'env'>[]): void {
    const byCommand = new Map<string, { readonly command: Command; readonly steps: Preparation[] }>();
    for (const { argv, env } of steps) {
      const command = this.commandOf(argv);
      if (command === undefined) continue;
      const key = keyOf(command);
      const known = byCommand.get(key) ?? { command, steps: [] };
      byCommand.set(key, known);
      known.steps.push({ args: argsOf(command), env });
    }
    for (const { command, steps } of byCommand.values())
      void this.reach(command, address => prepare(address, readSecret(this.options.home), steps)).catch(
        () => undefined // each step asks for itself
      );
  }

  start(spec: ProcessSpec): StepProcess {
    const command = this.commandOf(spec.argv);
    if (command === undefined) return startProcess(spec);
    const stopped = new AbortController();
    let child: StepProcess | undefined;
    const start = async () => {
      child = await this.begin(spec, command, stopped.signal).then(
        started => attend(spec, started),
        () => (stopped.signal.aborted ? undefined : startProcess(spec))
      );
      if (stopped.signal.aborted) child?.stop();
      return child?.ended ?? { status: null, signal: 'SIGTERM' as const };
    };
    return {
      ended: start(),
      stop() {
        stopped.abort();
        child?.stop();
      },
      kill() {
        stopped.abort();
        child?.kill();
      }
    };
  }

  /** Undefined for what is not started as the step contract says, and where there is no forking. */
  private commandOf(argv: readonly string[]): Command | undefined {
    const { folder, env } = this.options;
    const [python = '', flag, boot = '', option, runtime = '', ...args] = argv;
    const isContract = isAbsolute(python) && flag === '-c' && option === '--runtime';
    if (folder === undefined || env.SLUICE_WARM === '0' || process.platform !== 'linux' || !isContract)
      return undefined;
    return { python, boot, runtime, args };
  }

  /**
   * Have the step's process forked before all its arguments are known; it begins when `start` is called with the same `step`.
   * `onWaiting` is called when the process is there, not when it begins.
   */
  hold(step: string, spec: Pick<ProcessSpec, 'argv' | 'env' | 'cwd' | 'limits' | 'onWaiting'>): void {
    const command = this.commandOf(spec.argv);
    if (command === undefined || this.held.has(step)) return;
    const stopped = new AbortController();
    const process = this.fork({ ...spec, held: true }, command, stopped.signal).catch(() => undefined); // it is started when its time has come
    this.held.set(step, { process, spec, stopped });
  }

  /** No step is started any more. */
  letGo(): void {
    for (const { process, stopped } of this.held.values()) {
      stopped.abort(); // it may still wait for an import
      void process.then(process => process?.drop());
    }
    this.held.clear();
  }

  private async begin(spec: ProcessSpec, command: Command, signal: AbortSignal): Promise<Started> {
    const held = await this.takeHeld(spec, signal);
    if (held !== undefined) {
      signal.addEventListener('abort', held.drop);
      try {
        signal.throwIfAborted();
        return await held.begin(argsOf(command));
      } catch {
        held.drop();
        signal.throwIfAborted();
      } finally {
        signal.removeEventListener('abort', held.drop);
      }
    }
    const process = await this.fork(spec, command, signal);
    try {
      return await process.begin();
    } catch (error) {
      process.drop();
      throw error;
    }
  }

  /** Undefined where none is held for this step, or another one. */
  private async takeHeld({ step = '', env, cwd }: ProcessSpec, signal: AbortSignal): Promise<Waiting | undefined> {
    const held = this.held.get(step);
    this.held.delete(step);
    if (held === undefined) return undefined;
    const stop = () => held.stopped.abort();
    signal.addEventListener('abort', stop);
    const process = await held.process;
    signal.removeEventListener('abort', stop);
    if (held.spec.cwd === cwd && isDeepStrictEqual(held.spec.env, env)) return process;
    process?.drop();
    return undefined;
  }

  private async fork(
    {
      env,
      cwd,
      limits = {},
      onStart,
      onWaiting = onStart,
      held
    }: Omit<ProcessSpec, 'argv' | 'onOutput' | 'onEvent'> & { readonly held?: true },
    command: Command,
    signal: AbortSignal
  ): Promise<Waiting> {
    const request = {
      secret: readSecret(this.options.home),
      args: argsOf(command),
      ...{ env, cwd, limits },
      umask: process.umask(),
      ...(held && { held })
    };
    return this.reach(command, async address => {
      const process = await fork(address, request, signal);
      await onWaiting?.(process.pid);
      return process;
    });
  }

  /** Ask the server for this command; where there is none, start one. */
  private async reach<T>(command: Command, ask: (address: string) => Promise<T>): Promise<T> {
    const { address, serverSpec, forks } = this.find(command);
    for (let attempt = 1; ; attempt++)
      try {
        return await ask(address);
      } catch (error) {
        if (!(error instanceof Declined && error.isGone) || attempt === triesWithoutServer) throw error;
        await new Promise(resolve => setTimeout(resolve, pauseMs * (attempt - 1)));
        await ensure(address, serverSpec, forks);
      }
  }

  /** All steps of a run have the same, as a rule. */
  private find(command: Command): Place {
    const { home, folder, env } = this.options;
    const { python, boot, runtime } = command;
    const key = keyOf(command);
    const known = this.places.get(key);
    if (known !== undefined) return known;
    const serverSpec = { home, python, boot, runtime, env };
    const forks = packServer(folder!);
    const place = { address: addressOf(serverSpec, forks), serverSpec, forks };
    this.places.set(key, place);
    return place;
  }
}

/** What commands have in common that one server serves. */
const keyOf = ({ python, boot, runtime }: Command): string => JSON.stringify([python, boot, runtime]);

/** As the contract has them; null stands for the runtime, which the server has. */
const argsOf = ({ args }: Command): (string | null)[] => ['--runtime', null, ...args];

/** A server is started once, however many steps wait for it; one that could not be started is not tried again for each step. */
function ensure(address: string, spec: ServerSpec, forks: string): Promise<void> {
  const known = starting.get(address);
  if (known !== undefined) return known;
  const start = startServer(address, spec, forks);
  starting.set(address, start);
  const forget = () => starting.delete(address);
  start.then(forget, () => setTimeout(forget, 60_000).unref());
  return start;
}
