// What a step may take: memory and processes, told apart from other deaths; and the waits between its attempts.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeNotebook, until, World } from './world';

jest.setTimeout(60_000);

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

const run = async (settings: object, source: string) => {
  const metadata = { sluice: { version: 1, steps: { a: settings } } };
  world.write('a.ipynb', JSON.stringify(makeNotebook([`step:a | ${source}`], 'python3', metadata)));
  const outcome = await world.sluice('run', 'a.ipynb', '--json');
  const shown = await world.sluice('runs', 'show', 'last', '--json');
  return {
    ...outcome,
    step: (shown.events[0] as unknown as { steps: unknown[] }).steps[0] as {
      state: string;
      failure?: { name: string; message: string };
    }
  };
};

/** Whether groups can be made is a matter of the machine; what cannot be tried here is left out by name. */
const hasGroups =
  ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cgroup.subtree_control'].some(existsSync) && process.getuid?.() === 0;
const modes: [string, string][] = [
  ...(hasGroups ? [['a control group', '1'] as [string, string]] : []),
  ['limits of each process', '0']
];

describe.each(modes)('with %s', (_, groups) => {
  beforeEach(() => (world.env.SLUICE_CGROUPS = groups));

  test('a step within its memory limit succeeds', async () => {
    expect((await run({ memory_limit: '300M' }, 'x = len(b"x" * (100 << 20))')).step.state).toBe('succeeded');
  });

  test('a step beyond its memory limit says so', async () => {
    const { step, status } = await run({ memory_limit: '300M' }, 'x = 1\ny = b"x" * (600 << 20)');
    expect(status).toBe(1);
    expect(step.failure?.name).toBe('out-of-memory');
    expect(step.failure?.message).toMatch(
      /^The step needed more than its memory limit of 300 MB in cell 1( \(its peak was (300|29\d) MB\))?\. Raise/
    );
  });
});

(hasGroups ? describe : describe.skip)('with a control group', () => {
  test('a fork bomb ends its step, and nothing of it is left', async () => {
    world.env.SLUICE_PROCESSES = '60';
    const bomb = `
import os, time
def explode():
    while True:
        try: os.fork()
        except OSError: time.sleep(0.05)
if os.fork() == 0:
    os.setsid()  # out of reach for whoever kills the step's process group
    explode()
while True:
    if os.fork() == 0: explode()`;
    const { step } = await run({}, bomb);
    expect(step.failure).toMatchObject({ name: 'too-many-processes' });
    expect(step.failure?.message).toMatch(
      /^The step reached its limit of 60 processes and threads in cell 1: BlockingIOError: /
    );
    expect(processesIn(world.folder)).toEqual([]);
  });

  test('a daemon that a step leaves is ended with it', async () => {
    const { step } = await run(
      {},
      'import subprocess\np = subprocess.Popen(["sleep", "60"], start_new_session=True)\nprint(p.pid)\ndel p'
    );
    expect(step.state).toBe('succeeded');
    await until(() => processesIn(world.folder).length === 0, 5000);
  });
});

(canMount() ? test : test.skip)('a disk that is full ends the step that gives more than it holds', async () => {
  const home = join(world.folder, 'home');
  mkdirSync(home);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'sluice-test', home]);
  try {
    world.env.SLUICE_HOME = home;
    world.write('a.ipynb', ['step:a | x = b"x" * (20 << 20)', 'step:b | print(len(x))']);
    expect((await world.sluice('run', 'a.ipynb', '--json')).status).toBe(1);
    const [run] = (await world.sluice('runs', 'show', 'last', '--json')).events;
    expect(run).toMatchObject({
      state: 'failed',
      steps: [
        {
          state: 'failed',
          failure: {
            name: 'disk-full',
            message: 'The disk is full: the step could not write what it gives. Free some space and resume the run.'
          }
        },
        { state: 'skipped' }
      ]
    });
    execFileSync('mount', ['-o', 'remount,size=200m', home]);
    expect((await world.sluice('run', 'a.ipynb', '--resume', 'last')).status).toBe(0);
  } finally {
    execFileSync('umount', ['-l', home]);
  }
});

describe('between its attempts', () => {
  test('a step waits longer each time, and says so', async () => {
    const { events } = await run({ retries: 2, retry_delay: 1, retry_factor: 1 }, '1 / 0');
    expect(events.filter(event => event.type === 'step').map(event => event.state)).toEqual([
      'running',
      'pending',
      'running',
      'pending',
      'running',
      'failed'
    ]);
  });

  test('the wait is shown, and a canceled run does not wait', async () => {
    const running = run({ retries: 2, retry_delay: 600 }, '1 / 0');
    const isWaiting = async () => {
      const shown = await world.sluice('runs', 'show', 'last', '--json').catch(() => undefined);
      const steps = (shown?.events[0]?.steps ?? []) as { state: string; reason?: string }[];
      return steps[0]?.state === 'pending' && steps[0].reason === 'Attempt 2 of 3 in 600 s.';
    };
    while (!(await isWaiting())) await new Promise(resolve => setTimeout(resolve, 100));
    world.interrupt();
    const { status, step } = await running; // long before the wait has ended
    expect([status, step.state]).toEqual([130, 'canceled']);
  });
});

/** Whether a small disk can be mounted, which only root may do, and not in every container. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'sluice-test', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Processes whose current folder is in this one. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc').flatMap(pid => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(join('/proc', pid, 'cwd')).startsWith(folder) ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}
