"""What cells may do in a step, with IPython and without."""

from __future__ import annotations

import builtins
import os
import signal
import time

import nbformat
import pytest

from jupyterlab_sluice.runtime import failures, main
from jupyterlab_sluice.runtime.outputs import Recorder
from jupyterlab_sluice.runtime.plain import PlainShell


def texts(ended, cell: int = 0) -> str:
    """The printed text in an executed cell."""
    return "".join(
        output["text"] for output in ended.notebook["cells"][cell]["outputs"] if output["output_type"] == "stream"
    )


def data(ended, cell: int = 0) -> list[dict]:
    """The rich outputs of an executed cell."""
    return [output["data"] for output in ended.notebook["cells"][cell]["outputs"] if "data" in output]


BOTH = [
    ("the last expression is shown", "1\n2", "2"),
    ("a semicolon hides it", "2;", None),
    ("a semicolon before a comment hides it", "2;  # no", None),
    ("None is not shown", "None", None),
    ("top-level await", "import asyncio\nawait asyncio.sleep(0)\n(await asyncio.sleep(0, 'x'))", "'x'"),
    ("the last result", "3\n", "3"),
    ("the main module", "__name__", "'__main__'"),
    ("a main guard runs", "x = 1\nif __name__ == '__main__':\n    x = 2\nx", "2"),
    ("no future of ours leaks in", "def f(a: int): pass\nf.__annotations__['a'] is int", "True"),
    ("future statements", "from __future__ import annotations\ndef f(a: zzz): pass\nf.__annotations__", "{'a': 'zzz'}"),
    ("future statements go on", "def f(a: zzz): pass\nf.__annotations__", "{'a': 'zzz'}"),
    ("an assigned command", "files = !printf 'a\\nb\\n'\nlist(files)", "['a', 'b']"),
    ("harmless magics", "%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\n5", "5"),
    ("%%time", "%%time\nx = 3", None),
    ("the stack is not ours", "import sys\nsys.argv[0]", "'-c'"),
]


def test_results(steps):
    ended = steps.run("run", *[cell for _, cell, _ in BOTH])
    assert ended.status == 0, ended.stderr
    for index, (title, _, expected) in enumerate(BOTH):
        assert [found["text/plain"] for found in data(ended, index)] == (
            [expected] if expected is not None else []
        ), title


def test_streams_are_logged_and_recorded(steps):
    ended = steps.run(
        "run",
        "import sys, warnings\nprint('a')\nprint('b', file=sys.stderr)\nprint('c', end='')\nsys.stdout.buffer.write(b'raw\\n') and None",
        "!echo from shell; echo err >&2",
    )
    assert [(output["name"], output["text"]) for output in ended.notebook["cells"][0]["outputs"]] == [
        ("stdout", "a\n"),
        ("stderr", "b\n"),
        ("stdout", "c"),
    ]
    assert "from shell\nerr\n" == texts(ended, 1)
    assert ended.stdout.startswith("a\n") and "from shell" in ended.stdout and ended.stderr == "b\n"


def test_rich_results(steps):
    ended = steps.run(
        "run",
        "class R:\n    def _repr_html_(self): return '<b>x</b>'\n    def __repr__(self): return 'R'\nR()",
        "display(R(), R())",
    )
    assert data(ended, 0) == [{"text/plain": "R", "text/html": "<b>x</b>"}]
    assert len(data(ended, 1)) == 2
    events = ended.of("output")
    assert [event["cell"] for event in events] == [0, 1, 1] and events[0]["output"]["data"]["text/html"] == "<b>x</b>"


def test_numbers_and_results_go_on_from_step_to_step(steps):
    """What was shown is `_`, and `_3` and `Out[3]` by the cell's number in the notebook, with IPython and without."""
    numbered = lambda *cells: [{"index": number - 1, "source": source, "number": number} for number, source in cells]  # noqa: E731
    first = steps.run("a", cells=numbered((3, "[3]"), (5, "[5]")), give="_ _3 __")
    assert first.status == 0, first.stderr
    assert [cell["execution_count"] for cell in first.notebook["cells"]] == [3, 5]
    ended = steps.run(
        "b", cells=numbered((6, "print(_, __, _3, Out[3])"), (7, "[7]"), (8, "print(_, __, ___, _7 is Out[7])")), take="_ _3 __", results=["_", "__", "_3"]
    )
    assert ended.status == 0, ended.stderr
    assert ended.stdout.split("\n")[:2] == ["[5] [3] [3] [3]", "[7] [5] [3] True"]
    own = steps.run("c", cells=numbered((6, "[6]"), (7, "print(_, _6)")), take="_ _3 __")
    assert own.stdout.split("\n")[0] == "[5] [6]"  # no result, but a name of the notebook's own: it stays


def test_ipython_features(ipython):
    ended = ipython.run(
        "run",
        "from IPython.display import display, HTML, Image, clear_output\nh = display('a', display_id=True)\nh.update('b')",
        "print('gone')\nclear_output()\nprint('stays')",
        "41 + 1",
        "_ + Out[3] + _3",
        "%%capture out\nprint('hidden')",
        "print(out.stdout.strip(), get_ipython().__class__.__name__)",
        "display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n', format='png'))",
        "x = 5\n!echo {x} $x",
        "%%bash\necho from bash",
        "name = 'v'\n%env SLUICE_TEST=1\nimport os\nos.environ['SLUICE_TEST']",
        "import sys\nsys.displayhook is not sys.__displayhook__",
        "%timeit -n 1 -r 1 1",
    )
    assert ended.status == 0, ended.stderr
    assert data(ended, 0) == [{"text/plain": "'b'"}]
    assert texts(ended, 1) == "stays\n"
    assert data(ended, 3)[0]["text/plain"] == "126"
    assert texts(ended, 5) == "hidden ZMQInteractiveShell\n"
    assert data(ended, 6)[0]["image/png"].startswith("iVBORw0K")
    assert texts(ended, 7) == "5 5\n" and texts(ended, 8) == "from bash\n"
    nbformat.validate(nbformat.from_dict(ended.notebook))


def test_nothing_is_written_to_the_home(ipython, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    ended = ipython.run("run", "1 + 1\n%time 3", env={"HOME": str(home), "XDG_CACHE_HOME": str(home / "c")})
    assert ended.status == 0 and list(home.iterdir()) == []


FIGURE = (
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "fig, ax = plt.subplots()\nplt.show()\nprint(len(plt.get_fignums()))",
)


@pytest.mark.parametrize("before", ["", "%matplotlib inline\n"])
def test_figures_are_shown(ipython, before):
    ended = ipython.run("run", before + FIGURE[0], FIGURE[1], env={"MPLBACKEND": ""} if before else None)
    assert ended.status == 0, ended.stderr
    assert [list(found) for found in data(ended, 0)] == [["text/plain", "image/png"]] and "image/png" in data(ended, 1)[
        0
    ]
    assert texts(ended, 1) == "0\n" and ended.stderr == ""


FAILURES = [
    ("a syntax error", "x = 1\nx = = 2", "SyntaxError", 2, "invalid syntax"),
    (
        "an unclosed bracket",
        "x = (1,\n",
        "SyntaxError",
        1,
        "",
    ),  # IPython says `incomplete input`, as it does in Jupyter
    ("a bad indent", "x = 1\n  y = 2", "IndentationError", 2, "unexpected indent"),
    ("in a function", "def f():\n    raise KeyError('k')\n\nf()", "KeyError", 2, "'k'"),
    ("in a library", "import json\n\njson.loads('{')", "JSONDecodeError", 3, "Expecting property name"),
    ("a chain", "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('v') from e", "ValueError", 4, "v"),
    (
        "sys.exit",
        "import sys\nsys.exit(0)",
        "SystemExit",
        2,
        "0: sys.exit() ends Python, and with it the step, before its last cell. Remove the call",
    ),
    ("exit", "exit()", "SystemExit", 1, "Remove the call"),
    (
        "input",
        "input('who? ')",
        "EOFError",
        1,
        "input('who? ') has nobody to ask while a pipeline runs. Make the answer a pipeline parameter.",
    ),
    ("an awaited error", "async def f():\n    raise OSError('o')\nawait f()", "OSError", 2, "o"),
    ("an error without text", "assert False", "AssertionError", 1, ""),
    ("an error that cannot be told", "class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E", 3, ""),
    ("a custom base exception", "class B(BaseException): pass\nraise B('b')", "B", 2, "b"),
    ("recursion", "def f(): f()\nf()", "RecursionError", 1, "maximum recursion depth exceeded"),
]


@pytest.mark.parametrize("title, cell, name, line, message", FAILURES, ids=[title for title, *_ in FAILURES])
def test_failures_without_ipython(monkeypatch, title, cell, name, line, message):
    monkeypatch.setattr(builtins, "input", main._refuse_input)
    shell, file = PlainShell({"__name__": "__main__"}, Recorder()), failures.file_of(1, "train")
    raised = shell.run(cell, file)
    failure = failures.describe(raised, 1, file)
    assert (failure["name"], failure["cell"], failure.get("line")) == (name, 1, line)
    assert message in failure["message"] and failure["traceback"]
    assert f"cell 2, line {line}" in "\n".join(failure["traceback"])


@pytest.mark.parametrize("title, cell, name, line, message", FAILURES, ids=[title for title, *_ in FAILURES])
def test_failures(ipython, title, cell, name, line, message):
    ended = ipython.run("train", "a = 1", cell, "never = 1")
    failure = ended.failure
    assert (ended.status, failure["name"], failure["cell"], failure.get("line")) == (1, name, 1, line), ended.stderr
    assert message in failure["message"]
    assert name in ended.stderr and "sluice_runtime" not in ended.stderr and "\x1b" not in ended.stderr
    error = ended.notebook["cells"][1]["outputs"][-1]
    assert (error["output_type"], error["ename"]) == ("error", name) and error["traceback"]
    assert "sluice_runtime" not in "".join(error["traceback"])
    assert ended.of("output")[-1]["output"]["output_type"] == "error"
    assert [(event["cell"], event["state"]) for event in ended.of("cell")] == [
        (0, "running"),
        (0, "succeeded"),
        (1, "running"),
        (1, "failed"),
    ]
    nbformat.validate(nbformat.from_dict(ended.notebook))


def test_a_failing_definition_names_its_own_cell(steps):
    ended = steps.run(
        "train",
        "x = 1",
        setup=[{"kind": "source", "cell": 4, "line": 3, "source": "print('quiet')\n\nraise ValueError('v')"}],
    )
    assert (ended.status, ended.failure["cell"], ended.failure["line"]) == (1, 4, 5)
    assert "cell 5, line 5" in ended.stderr and "raise ValueError" in ended.stderr and ended.stdout == ""


def test_an_error_in_a_setup_function_shows_its_line(steps):
    ended = steps.run(
        "train", "f()", setup=[{"kind": "source", "cell": 4, "line": 3, "source": "def f():\n    return 1 / 0"}]
    )
    assert (ended.failure["cell"], ended.failure["line"]) == (0, 1)
    assert "cell 5, line 4" in ended.stderr and "return 1 / 0" in ended.stderr


def test_an_unknown_magic_needs_ipython(bare):
    ended = bare.run("run", "x = 1\n%store x")
    assert "‘%store’ needs IPython, which this step’s Python lacks." in ended.failure["message"]


def test_endless_printing_costs_no_memory(steps):
    code = "import sys\nfor i in range(10**5): print('x' * 999)\nsys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    ended = steps.run("run", code)
    assert len(ended.stdout) == 10**8
    assert int(ended.stderr) < 150_000  # kB
    assert "characters left out here" in texts(ended)
    assert 1_000_000 < len(texts(ended)) < 1_100_000


def test_one_huge_print(bare):
    ended = bare.run("run", "print('a' * 5_000_000 + 'b')")
    assert len(ended.stdout) == 5_000_002 and texts(ended).endswith("ab\n") and len(texts(ended)) < 1_100_000


def test_output_events_are_few(bare):
    ended = bare.run("run", "for i in range(1500): display(i)")
    assert 20 <= len(ended.of("output")) <= 200
    assert len(data(ended)) == 1000 and "500 more displays left out" in texts(ended)


def test_lines_are_in_the_log_at_once(steps):
    process, read = steps.start("run", "import time\nprint('first')\ntime.sleep(60)")
    assert process.stdout.readline() == b"first\n"
    process.send_signal(signal.SIGTERM)
    ended = steps.wait("run", process, read)
    assert ended.status == 143
    assert ended.failure["name"] == "interrupted" and ended.failure["cell"] == 0
    assert texts(ended) == "first\n" and ended.output


def test_an_interrupt_ends_with_130(bare):
    process, read = bare.start("run", "import time\nprint('first')\ntime.sleep(60)")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert bare.wait("run", process, read).status == 130


def test_what_was_done_before_a_crash_is_kept(bare):
    ended = bare.run("run", "import os, time\ntime.sleep(1.05)\nprint('done')", "print('last words')\nos._exit(7)")
    assert (ended.status, ended.stdout) == (7, "done\nlast words\n")
    assert texts(ended) == "done\n"


def test_a_crash_is_told_in_the_log(bare):
    ended = bare.run("run", "import ctypes\nctypes.string_at(0)")
    assert (
        ended.status == -signal.SIGSEGV
        and "Segmentation fault" in ended.stderr
        and 'File "<cell 1: run>", line 2' in ended.stderr
    )


def test_a_step_ends_with_its_starter(bare):
    read_alive, write_alive = os.pipe()
    process, read = bare.start(
        "run",
        "import subprocess, time\np = subprocess.Popen(['sleep', '60'])\nprint(p.pid, flush=True)\ntime.sleep(60)",
        alive=read_alive,
    )
    os.close(read_alive)
    child = int(process.stdout.readline())
    os.close(write_alive)
    ended = bare.wait("run", process, read)
    assert ended.status in (143, -signal.SIGKILL) and ended.notebook
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_children_do_not_get_our_descriptors(bare):
    code = "import os, subprocess\nprint([k for k in os.environ if k in ('SLUICE_EVENTS', 'SLUICE_ALIVE')])\n!ls /proc/self/fd | wc -l\npid = os.fork()\nif not pid:\n    print('child')\n    os._exit(0)\nos.waitpid(pid, 0)"
    ended = bare.run("run", code)
    assert ended.stdout.splitlines()[0] == "[]" and int(ended.stdout.splitlines()[1]) <= 5
    assert "child" in ended.stdout


def test_a_worker_that_is_ended_as_it_begins_has_ended(bare):
    """What Pool does to workers that it has no work for. Most of these signals come before the fork has returned there."""
    code = """import os, signal, threading, time
def end_one(seen):
    if (pid := os.fork()) == 0:
        time.sleep(20)
        os._exit(9)
    os.kill(pid, signal.SIGTERM)
    seen.append(os.waitpid(pid, 0)[1])
seen = []
while len(seen) < 100 and seen[-1:] in ([], [15]):
    end_one(seen)
thread = threading.Thread(target=end_one, args=[seen])
thread.start(); thread.join()
print(set(seen), signal.pthread_sigmask(signal.SIG_BLOCK, []))"""
    assert bare.run("run", code).stdout == "{15} set()\n"


def test_workers_of_multiprocessing_work(bare):
    ended = bare.run(
        "run",
        "import multiprocessing as m\ndef f(x): return x * 2\nwith m.get_context('fork').Pool(2) as pool:\n    print(pool.map(f, range(3)))",
    )
    assert ended.stdout == "[0, 2, 4]\n", ended.stderr


def test_modules_beside_the_notebook_are_found(bare):
    (bare.folder / "helpers.py").write_text("x = 7")
    assert bare.run("run", "import helpers\nprint(helpers.x)").stdout == "7\n"


def test_a_step_that_cannot_write_still_leaves_its_notebook(bare):
    (bare.folder / "a").mkdir()
    ended = bare.run("train", "a = {1}", give="a")
    assert (
        (ended.status, ended.failure["name"]) == (4, "runtime-error")
        and "Is a directory" in ended.failure["message"]
        and ended.notebook
    )
