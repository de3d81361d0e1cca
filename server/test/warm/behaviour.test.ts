// A forked step and one in a process of its own must not be told apart: the same cells, both ways, leave the same behind.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHome } from '../../src/home';
import { packRuntime } from '../../src/runtime';
import { Workers } from '../../src/warm/workers';
import { install, World } from '../world';
import { parentOf, run, stop, type How, type Seen } from './steps';

jest.setTimeout(120_000);

const world = new World();
afterAll(() => world.remove());

/** cells of one step; what they print is compared */
test.each<[string, readonly string[]]>([
  ['prints to both streams', ['import sys\nprint("out")\nprint("err", file=sys.stderr)\nprint("end", end="")']],
  ['lasts over several cells', ['x = [1]', 'x.append(2)', 'print(x)\nx']],
  ['raises', ['def f(x):\n    return 1 / x\n', 'f(0)']],
  ['exits with a status', ['import sys\nprint("before")\nsys.exit(3)']],
  ['leaves by os._exit', ['import os\nprint("before", flush=True)\nos._exit(7)']],
  ['is killed', ['import os, signal\nprint("before", flush=True)\nos.kill(os.getpid(), signal.SIGKILL)']],
  ['is terminated', ['import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(5)']],
  ['crashes, with the stack of it', ['import ctypes\ndef crash():\n    ctypes.string_at(0)\n', 'crash()']],
  ['aborts', ['import os\nprint("before", flush=True)\nos.abort()']],
  [
    'overflows the stack',
    ['import sys\ndef f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError as e:\n    print(e)']
  ],
  ['writes to descriptor 1', ['import os\nos.write(1, b"raw\\n")\nos.write(2, b"raw error\\n")']],
  ['starts a program', ['import subprocess, sys\nsubprocess.run(["echo", "from echo"])\n!echo from the shell']],
  [
    'starts a program that reads standard input',
    ['import subprocess\nsubprocess.run(["cat"])\nimport sys\nprint(repr(sys.stdin.read()))']
  ],
  [
    'opens its own output again',
    [
      'open("/dev/null").close()\nimport os, stat\nprint([stat.S_ISCHR(os.fstat(0).st_mode), os.isatty(1), os.isatty(2)])'
    ]
  ],
  [
    'has the descriptors of a fresh process',
    ['import os\nfds = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))\nprint([fd for fd in fds if fd < 5])']
  ],
  [
    'has one thread more than Python: ours',
    [
      'import threading\nprint([t.name for t in threading.enumerate()], threading.current_thread() is threading.main_thread())'
    ]
  ],
  [
    'joins threads at its end',
    [
      'import threading, time\ndef late():\n    time.sleep(0.3)\n    print("late")\nthreading.Thread(target=late).start()'
    ]
  ],
  [
    'runs what is registered for its end',
    [
      'import atexit\natexit.register(print, "at exit")\nimport weakref\nclass C: pass\nc = C()\nweakref.finalize(c, print, "finalized")'
    ]
  ],
  [
    'deletes its objects at its end',
    ['class C:\n    def __del__(self):\n        import os\n        os.write(1, b"deleted\\n")\nc = C()']
  ],
  [
    'deletes what refers to itself, and what the last cell showed',
    [
      'import os\nclass C:\n    def __init__(self, name):\n        self.name = name\n    def __del__(self, write=os.write):\n        write(1, self.name.encode())\nc = C("in a circle\\n")\nc.self = c',
      'C("shown\\n")'
    ]
  ],
  [
    'writes what a file that it left open holds back',
    ['import io\nf = io.open(1, "w", closefd=False)\nf.write("held back\\n")']
  ],
  [
    'writes what a file of a module holds back',
    ['import beside, io\nbeside.file = io.open(1, "w", closefd=False)\nbeside.file.write("held back\\n")']
  ],
  ['writes what C holds back', ['import ctypes\nctypes.CDLL(None).printf(b"from C\\n")\nNone']],
  [
    'goes on when an object can not be deleted, or a thread and what is registered for the end fail',
    [
      'import atexit, threading\natexit.register(lambda: 1 / 0)\nt = threading.Thread(target=lambda: [][0])\nt.start()\nt.join()\nclass C:\n    def __del__(self):\n        raise ValueError("no")\nc = C()'
    ]
  ],
  [
    'ends while a daemon works',
    ['import threading, time\nthreading.Thread(target=time.sleep, args=[1000], daemon=True).start()']
  ],
  ['has a group and a session of its own', ['import os\nprint(os.getpid() == os.getpgrp() == os.getsid(0))']],
  [
    'has the arguments of the contract',
    [
      'import sys\nprint(sys.argv[0], [a for a in sys.argv if a.startswith("--")], len(sys.argv[2]) > 1000)\nprint(sys.orig_argv[1], len(sys.orig_argv), sys.orig_argv[3:] == sys.argv[1:])'
    ]
  ],
  [
    'has its variables',
    [
      'import os\nprint({k: v for k, v in os.environ.items() if k not in ("IPYTHONDIR", "PWD", "LC_CTYPE")})\nprint("LC_CTYPE" in os.environ)'
    ]
  ],
  [
    'gives its variables to programs',
    ['import os\nos.environ["MINE"] = "1"\n!env | grep -E "^(MINE|SLUICE_EVENTS|SLUICE_ALIVE|HOME)="']
  ],
  [
    'works in its folder',
    ['import os\nprint(os.getcwd())\nfrom IPython import get_ipython\nprint(get_ipython().starting_dir, _dh)']
  ],
  ['has its mask for new files', ['import os\nm = os.umask(0)\nos.umask(m)\nprint(oct(m))']],
  [
    'has the limits of its starter',
    [
      'import resource\nprint([resource.getrlimit(i) for i in range(resource.RLIM_NLIMITS if hasattr(resource, "RLIM_NLIMITS") else 10)])'
    ]
  ],
  [
    'has the signals of a fresh process',
    [
      'import signal\nprint({s.name: str(signal.getsignal(s)).split(" at ")[0] for s in signal.Signals if s.name not in ("SIGKILL", "SIGSTOP")})\nprint(signal.pthread_sigmask(signal.SIG_BLOCK, []))'
    ]
  ],
  [
    'is __main__',
    [
      'import sys, __main__\nprint(__name__, __main__ is sys.modules["__main__"], hasattr(__main__, "__file__"), sorted(n for n in vars(__main__) if not n.startswith("_")))'
    ]
  ],
  ['has the path of a fresh process', ['import sys\nprint(sys.path, sys.flags, sys.executable, sys.prefix)']],
  [
    'has the finders of a fresh process',
    ['import sys\nprint([type(f).__name__ if not isinstance(f, type) else f.__name__ for f in sys.meta_path])']
  ],
  ['keeps the collector as it is', ['import gc\nprint(gc.isenabled(), gc.get_threshold())']],
  [
    'starts processes by fork',
    [
      'import multiprocessing\nif __name__ == "__main__":\n    with multiprocessing.get_context("fork").Pool(2) as pool:\n        print(pool.map(abs, [-1, 2, -3]))\nprint(multiprocessing.current_process().name)'
    ]
  ],
  [
    'starts processes anew',
    [
      'import multiprocessing, operator\nwith multiprocessing.get_context("spawn").Pool(1) as pool:\n    print(pool.map(abs, [-1, 2, -3]))'
    ]
  ],
  [
    'forks by hand',
    [
      'import os\nprint("before")\nif os.fork() == 0:\n    print("child")\n    import sys; sys.stdout.flush(); os._exit(0)\nos.wait()\nprint("parent")'
    ]
  ],
  ['awaits', ['import asyncio\nawait asyncio.sleep(0.01)\nprint("slept")']],
  [
    'warns as it should',
    [
      'import warnings\nwarnings.warn("mine")\nwarnings.warn("old", DeprecationWarning)\nprint(len(warnings.filters), warnings.filters[0][:3])'
    ]
  ],
  [
    'filters warnings in the same order after imports',
    [
      'import pandas\nimport sklearn',
      'import warnings\nprint([(f[0], str(f[1]), f[2].__name__, str(f[3])) for f in warnings.filters])'
    ]
  ],
  [
    'logs',
    [
      'import logging\nlogging.basicConfig(level=10)\nlogging.info("hello")\nr = logging.makeLogRecord({})\nprint(0 < logging.LogRecord("a", 10, "", 1, "", (), None).relativeCreated < 60_000)'
    ]
  ],
  ['draws figures', ['import matplotlib.pyplot as plt\nprint(plt.get_backend())', 'plt.plot([1, 2])']],
  [
    'has a backend of its own choice',
    ['import matplotlib\nmatplotlib.use("agg")\nimport matplotlib.pyplot as plt\nprint(plt.get_backend())']
  ],
  [
    'uses BLAS and OpenMP with threads',
    [
      'import numpy as np\nfrom sklearn.ensemble import HistGradientBoostingRegressor\nfrom sklearn.cluster import KMeans',
      'a = np.ones((600, 600))\nprint((a @ a).sum())\nx = np.arange(4000.0).reshape(-1, 2)\nprint(HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(x, x[:, 0]).predict(x[:1]).round(3), KMeans(3, random_state=0, n_init=1).fit(x).inertia_ > 0)'
    ]
  ],
  [
    'uses processes of joblib',
    [
      'from joblib import Parallel, delayed\nimport math',
      'print(Parallel(n_jobs=2)(delayed(math.sqrt)(i) for i in range(4)))'
    ]
  ],
  [
    'sees what is imported and what is not',
    [
      'import pandas',
      'import sys\nprint([name for name in ("pandas", "numpy", "sklearn", "matplotlib") if name in sys.modules])'
    ]
  ],
  ['imports modules beside the notebook', ['import beside\nprint(beside.value)']],
  ['counts what it used', ['import resource\nprint(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)']],
  ['shows tracebacks of libraries', ['import pandas as pd', 'pd.DataFrame({"a": [1]})["b"]']],
  [
    'has no history and no profile of another step',
    ['%store\nx = 5\n%store x\nprint(get_ipython().profile_dir.location.startswith("/tmp"))']
  ],
  ['is asked nothing', ['input("name? ")']]
])('%s', async (_, cells) => {
  writeFileSync(join(world.folder, 'beside.py'), 'value = 42\n');
  const [forked, spawned] = [await run(world, cells), await run(world, cells, { isForked: false })];
  expect([forked.isForked, spawned.isForked]).toEqual([true, false]);
  expect(comparable(forked)).toEqual(comparable(spawned));
});

test('prints 100 MB', async () => {
  const cells = ['line = "x" * 99 + "\\n"\nimport sys\nfor _ in range(1_000):\n    sys.stdout.write(line * 1_000)'];
  const seen = await run(world, cells);
  expect([seen.isForked, seen.end.status, seen.bytes]).toEqual([true, 0, 100_000_000]);
});

test('numbers by chance differ from step to step, those of a seed do not', async () => {
  const cells = [
    'import random, numpy as np, sklearn.ensemble',
    'from sklearn.ensemble._hist_gradient_boosting.splitting import Splitter\nprint(random.random(), np.random.rand(), np.random.default_rng().random())\nrandom.seed(1); np.random.seed(1)\nprint(random.random(), np.random.rand())'
  ];
  const [first, second] = [await run(world, cells), await run(world, cells)];
  const [a, b] = [first.stdout.split('\n'), second.stdout.split('\n')];
  expect([first.isForked, second.isForked]).toEqual([true, true]);
  for (const i of [0, 1, 2]) expect(a[0]!.split(' ')[i]).not.toBe(b[0]!.split(' ')[i]);
  expect(a[1]).toBe(b[1]);
});

test.each([
  ['what both begin with', 'import pandas, sqlite3', 'import pandas\nimport xml.dom.minidom'],
  [
    'what one names and the other imports on its way',
    'import numpy\nimport pandas, csv',
    'import pandas\nimport xml.dom.pulldom'
  ]
])('imports once: %s', async (_, ...cells) => {
  const templates = [];
  for (const cell of cells) templates.push((await run(world, [cell])).parent);
  expect(new Set(templates).size).toBe(2);
  expect(new Set(templates.map(parentOf)).size).toBe(1);
});

test.each([
  [
    'by its group, with what it started',
    'import subprocess, time\nsubprocess.Popen(["sleep", "1000"])\nprint("up", flush=True)\ntime.sleep(1000)',
    { status: 143, signal: null }
  ],
  [
    'by force when it does not listen',
    'import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint("up", flush=True)\ntime.sleep(1000)',
    { status: null, signal: 'SIGKILL' }
  ]
])('is stopped %s', async (_, cell, end) => {
  for (const isForked of [true, false]) {
    const seen = await stop(world, [cell], { isForked });
    expect([seen.isForked, seen.end]).toMatchObject([isForked, end]);
    expect(processesOf(seen.pid)).toEqual([]);
  }
});

test.each([
  ['a variable that Python reads at its start', { env: { PYTHONHASHSEED: '1' } }],
  ['a module beside the notebook', { beside: 'pandas.py', cell: 'import pandas\nprint("ran")' }],
  ['settings beside the notebook', { beside: 'matplotlibrc', cell: 'import matplotlib\nprint("ran")' }],
  ['a wrapped command', { wrap: true }]
])('is started by itself with %s', async (_, { cell = 'print("ran")', ...how }: How & { readonly cell?: string }) => {
  const other = new World();
  try {
    expect(await run(other, [cell], how)).toMatchObject({ isForked: false, stdout: 'ran\n' });
  } finally {
    other.remove();
  }
});

test.each<[string, { readonly file?: string; readonly isHeld: boolean }]>([
  ['begins with arguments that it is told', { isHeld: true }],
  ['makes way for another where a module has come beside the notebook', { file: 'IPython.py', isHeld: false }]
])('a process that waits %s', async (_, { file, isHeld }) => {
  const other = new World();
  const cell = 'import sys\nprint(sys.argv[-1][:9], len(sys.argv[2]) > 1000, sys.orig_argv[3:] == sys.argv[1:])';
  try {
    const seen = await run(other, [cell], {
      meanwhile: () => void (file && writeFileSync(join(other.folder, file), 'raise ImportError("mine")'))
    });
    expect(seen).toMatchObject({ isHeld, isForked: isHeld, stdout: '{"inputs" True True\n', end: { status: 0 } });
  } finally {
    other.remove();
  }
});

test('a server whose secret has gone makes way for one with the new secret', async () => {
  const other = new World();
  try {
    expect(await run(other, ['print(1)'])).toMatchObject({ isForked: true });
    rmSync(join(other.folder, '.sluice/warm'), { recursive: true });
    await run(other, ['print(1)']); // it may be refused yet
    expect(await run(other, ['print(1)'])).toMatchObject({ isForked: true, stdout: '1\n' });
  } finally {
    other.remove();
  }
});

describe('a process that waits', () => {
  const other = new World();
  const workers = new Workers({ home: openHome(other.folder), folder: install.warmFolder, env: other.env });
  afterAll(() => other.remove());
  const specOf = async () => {
    const { boot, packed } = await packRuntime(install.runtimeFolder);
    const argv = [other.env.SLUICE_PYTHON!, '-c', boot, '--runtime', packed, '--step', '{}'];
    return { argv, env: other.env, cwd: other.folder };
  };
  const waitForEnd = async (pid: number) => {
    for (let ms = 0; processesOf(pid).length > 0 && ms < 10_000; ms += 20) await sleep(20);
    expect(processesOf(pid)).toEqual([]);
  };

  test('in vain goes, and leaves nothing behind', async () => {
    const spec = await specOf();
    const pid = await new Promise<number>(resolve => workers.hold('s', { ...spec, onWaiting: resolve }));
    expect(processesOf(pid)).toEqual([String(pid)]);
    workers.letGo();
    await waitForEnd(pid);
  });

  test('and is killed has ended', async () => {
    const onWaiting = async (pid: number) => {
      process.kill(pid, 'SIGKILL');
      await waitForEnd(pid);
      await sleep(100); // its pipes close before anybody listens to them
    };
    const step = workers.start({ ...(await specOf()), onWaiting, onOutput: () => undefined, onEvent: () => undefined });
    expect(await step.ended).toMatchObject({ status: null, signal: 'SIGKILL' });
  });
});

function comparable({ end, stdout, stderr, events, notebook }: Seen): object {
  const clean = (text: string) =>
    text
      .replaceAll(/sluice-ipython-\w+/g, 'sluice-ipython')
      .replaceAll(/0x[0-9a-f]+/g, '0x…')
      .replaceAll(/"image\/png": ?"[^"]*"/g, 'png')
      .replaceAll(/"(durationMs|iopub.execute_input|shell.execute_reply)": [^\n]*/g, '$1');
  const rest = { ...end, usage: undefined };
  return {
    end: rest,
    stdout: clean(stdout),
    stderr: clean(stderr),
    events: clean(JSON.stringify(events.map(withoutImports))),
    notebook: clean(notebook)
  };
}

/** What imports do besides reading files, a step does not show whose imports were made ahead. */
function withoutImports(event: unknown): unknown {
  const { type, read } = event as { readonly type: string; readonly read?: unknown };
  return type === 'files' ? { type, read } : event;
}

/** Processes in the group of this one. */
function processesOf(group: number): string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state !== 'Z' && pgrp === String(group);
    } catch {
      return false; // no process, or gone
    }
  });
}
