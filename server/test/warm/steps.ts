// Runs the cells of one step by hand, forked or in a process of its own, and keeps all that can be seen of it from outside.
import { existsSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessEnd, ProcessSpec, StepProcess } from '../../src/process';
import { packRuntime } from '../../src/runtime';
import { openHome } from '../../src/home';
import { Workers } from '../../src/warm/workers';
import { install, type World } from '../world';

export interface Seen {
  readonly isForked: boolean;
  /** the process waited before it began */
  readonly isHeld: boolean;
  readonly pid: number;
  /** the process that it was forked from */
  readonly parent: string;
  readonly end: ProcessEnd;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: number;
  readonly events: readonly unknown[];
  readonly notebook: string;
}

export interface How {
  readonly isForked?: boolean;
  /** variables of the step alone */
  readonly env?: NodeJS.ProcessEnv;
  /** a file in the step's folder */
  readonly beside?: string;
  /** start the command through another */
  readonly wrap?: boolean;
  /** have its process wait before all arguments are known; what is done until it begins */
  meanwhile?(): void;
  /** called once the step has printed something */
  onPrint?(child: StepProcess): void;
}

/** more than that is counted only */
const keptChars = 1_000_000;

export async function run(world: World, cells: readonly string[], how: How = {}): Promise<Seen> {
  const { isForked = true, env, beside, wrap = false, meanwhile, onPrint } = how;
  const home = openHome(join(world.folder, '.sluice'));
  const folder = realpathSync(mkdtempSync(join(world.folder, 'step-')));
  if (beside !== undefined) writeFileSync(join(world.folder, beside), '');
  const { boot, packed } = await packRuntime(install.runtimeFolder);
  const step = {
    version: 1,
    pipeline: 'p',
    step: 's',
    cells: cells.map((source, index) => ({ index, source, metrics: false }))
  };
  const notebook = join(folder, 'notebook.json');
  const artifacts = { sluice_notebook: { artifacts: [{ uri: notebook }] } };
  const input = { inputs: {}, outputs: { artifacts, outputFile: join(folder, 'output.json') } };
  const command = [
    ...[world.env.SLUICE_PYTHON!, '-c', boot, '--runtime', packed],
    ...['--step', JSON.stringify(step), '--executor-input', JSON.stringify(input)]
  ];
  const seen = { stdout: '', stderr: '', bytes: 0, pid: 0, parent: '', events: [] as unknown[] };
  const base = { ...world.env, SLUICE_WARM: isForked ? '1' : '0' };
  const workers = new Workers({ home, folder: install.warmFolder, env: base });
  let hasPrinted = false;
  const spec: ProcessSpec = {
    step: step.step,
    argv: wrap ? ['/bin/sh', '-c', 'exec "$@"', 'sh', ...command] : command,
    env: { ...world.env, ...env },
    cwd: world.folder,
    onStart: pid => {
      seen.pid = pid;
      seen.parent = parentOf(pid);
    },
    onOutput: (stream, chunk) => {
      seen.bytes += chunk.length;
      if (seen[stream].length < keptChars) seen[stream] += chunk.toString('latin1');
      if (!hasPrinted) onPrint?.(child);
      hasPrinted = true;
      return undefined;
    },
    onEvent: event => void seen.events.push(event)
  };
  if (meanwhile !== undefined) {
    await new Promise<void>(resolve => {
      const argv = spec.argv.map(argument => (argument === command.at(-1) ? '{{$}}' : argument));
      workers.hold(step.step, { ...spec, argv, onWaiting: pid => resolve(spec.onStart!(pid)) });
    });
    meanwhile();
  }
  const held = seen.pid;
  const child = workers.start(spec);
  const end = await child.ended;
  return {
    ...seen,
    isForked: seen.parent !== String(process.pid),
    isHeld: held === seen.pid,
    stdout: Buffer.from(seen.stdout, 'latin1').toString(),
    stderr: Buffer.from(seen.stderr, 'latin1').toString(),
    end,
    notebook: existsSync(notebook) ? readFileSync(notebook, 'utf8') : ''
  };
}

/** Run it, and stop it once it prints. */
export function stop(world: World, cells: readonly string[], how: How): Promise<Seen> {
  return run(world, cells, { ...how, onPrint: child => child.stop() });
}

export function parentOf(pid: number | string): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]!;
}
