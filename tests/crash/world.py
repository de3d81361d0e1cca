"""The world of the crash tests: a notebook whose steps keep a ledger of what they really did, the ways to start it, and
the processes that come of that.

The ledger is outside of everything that Sluice manages: each step appends a line when it begins and when it has done its
work, with the run's folder. So what the records claim can be held against what happened.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SLUICE = [sys.executable, "-c", "from jupyterlab_sluice.node import main; main()"]
MARK = "NODE_SLUICE_SOAK"  # named so that a process that waits to be a command has it as well
SECRET = "soak"

# by the C library: a file that a step is seen to append to is an input of it, which keeps it from coming from cache
NOTE = """
import os, time, ctypes
def note(what):
    run = os.getcwd().split('/runs/')[1].split('/')[0]
    libc, line = ctypes.CDLL(None), f'{what} {run}\\n'.encode()
    ledger = libc.open(os.environ['LEDGER'].encode(), os.O_WRONLY | os.O_APPEND)
    libc.write(ledger, line, len(line))
    libc.close(ledger)
"""

#: what each does with values and with files; all of it changes with `salt`, so that nothing comes from an earlier round's cache
CELLS = [
    ("pipeline-parameters", "salt = 0"),
    ("functions", NOTE.strip()),
    ("step:data", "note('begin data')\nx = [salt * i for i in range(1000)]\nwith open('data.csv', 'w') as f: f.write('\\n'.join(map(str, x)))\ntime.sleep(0.1)\nnote('end data')"),
    ("step:left", "note('begin left')\nwith open('notes.txt', 'a') as f: f.write('left\\n')\ntime.sleep(0.2)\nleft = sum(x)\nnote('end left')"),
    ("step:right", "note('begin right')\nright = max(x)\ntime.sleep(0.1)\nnote('end right')"),
    ("step:join", "note('begin join')\nlines = len(open('notes.txt').read().split())\nrows = sum(map(int, open('data.csv').read().split()))\ntotal = left + right + rows + lines\ntime.sleep(0.1)\nnote('end join')"),
    ("step:end", "note('begin end')\nanswer = total * 2\nnote('end end')"),
    ("pipeline-metrics", "print(answer)"),
]
STEPS = [tag[5:] for tag, _ in CELLS if tag.startswith("step:")]


def answer(salt: int) -> int:
    """What the notebook computes."""
    x = [salt * i for i in range(1000)]
    return (sum(x) + max(x) + sum(x) + 2) * 2


class World:
    """A folder with the notebook, its records in ``home``, and every process that comes of it marked."""

    def __init__(self, folder: Path, home: Path | None = None, warm: bool = True, more: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.home = home or folder / ".sluice"
        self.mark = uuid.uuid4().hex
        self.ledger_file = folder.parent / f"{folder.name}.ledger"
        self.ledger_file.touch()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "notes.txt").write_text("one\n")
        cells = [
            {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": [tag]}, "source": source, "outputs": [], "execution_count": None}
            for i, (tag, source) in enumerate(CELLS)
        ]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
        (folder / "a.ipynb").write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}))
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LEDGER": str(self.ledger_file),
            "SLUICE_HOME": str(self.home),
            "SLUICE_PYTHON": sys.executable,
            "SLUICE_PREFIX": sys.prefix,
            "SLUICE_SECRET": SECRET,
            "SLUICE_WARM": "1" if warm else "0",
            MARK: self.mark,
            **(more or {}),
        }

    # ---- starting

    def start(self, salt: int) -> subprocess.Popen[bytes]:
        """``sluice run`` in a session of its own, as a shell would start it."""
        command = [*SLUICE, "run", "a.ipynb", "-p", f"salt={salt}"]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def sluice(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """A command, to its end."""
        process = subprocess.Popen(
            [*SLUICE, *arguments], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            looked = look(process.pid)
            process.kill()
            raise AssertionError(f"sluice {' '.join(arguments)} took more than {seconds:g} s. {looked}") from error
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def resume(self, run: str | None, salt: int) -> list[dict]:
        """Run what a run did not get done; everything where there is no run. Returns the events."""
        chosen = ["-p", f"salt={salt}"] if run is None else ["--resume", run]
        done = self.sluice("run", "a.ipynb", "--json", *chosen)
        if done.returncode != 0:
            raise AssertionError(f"resuming {run} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    # ---- looking

    def ledger(self, run: str | None = None) -> list[str]:
        """What steps wrote, without the run: ``begin left``."""
        lines = [line.rsplit(" ", 1) for line in self.ledger_file.read_text().splitlines()]
        return [what for what, by in lines if run is None or by == run]

    def runs(self) -> list[dict]:
        return json.loads(self.sluice("runs", "--json").stdout)["runs"]

    def run_of(self, salt: int) -> dict | None:
        """The newest run with this parameter."""
        return next((run for run in self.runs() if run["parameters"].get("salt") == salt), None)

    def show(self, run: str) -> dict:
        return json.loads(self.sluice("runs", "show", run, "--json").stdout)

    def query(self, sql: str, *values: object) -> list[tuple]:
        database = sqlite3.connect(f"file:{self.home / 'sluice.db'}?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    # ---- processes

    def processes(self, kind: Callable[[int], bool] = lambda pid: True) -> list[int]:
        """Ours that run now, by their mark."""
        mark = f"{MARK}={self.mark}".encode()
        return [pid for pid in all_processes() if mark in environment_of(pid) and is_alive(pid) and kind(pid)]

    def steps(self) -> list[int]:
        return self.processes(lambda pid: "/runs/" in folder_of(pid))

    def commands(self) -> list[int]:
        """The Node processes that execute runs."""
        return self.processes(lambda pid: b"cli.mjs\0run\0" in command_line(pid) or (is_spare(pid) and folder_of(pid) != "/"))

    def spares(self) -> list[int]:
        """Node processes that wait to be the next command."""
        return self.processes(lambda pid: is_spare(pid) and folder_of(pid) == "/")

    def waiters(self) -> list[int]:
        return self.processes(lambda pid: b"jupyterlab_sluice.node" in command_line(pid) and b"\0run\0" in command_line(pid))

    def sidecars(self) -> list[int]:
        return self.processes(lambda pid: b"main.mjs" in command_line(pid))

    def warm(self) -> list[int]:
        """Fork servers and their templates."""
        return self.processes(lambda pid: b"sluice" in command_line(pid) and folder_of(pid).startswith("/tmp/sluice-"))

    def end(self) -> None:
        """Kill what is left, each by its id."""
        for pid in self.processes():
            kill(pid)


class Sidecar:
    """The server's part of Jupyter: the Node process behind a socket, alive as long as its standard input is open."""

    def __init__(self, world: World) -> None:
        self.socket = str(world.folder.parent / f"s{uuid.uuid4().hex[:8]}")
        node = subprocess.run(
            [sys.executable, "-c", "from jupyterlab_sluice.node import find_node; print(find_node())"],
            env=world.environment, capture_output=True, text=True, check=True,
        ).stdout.strip()
        bundle = ROOT / "jupyterlab_sluice" / "node" / "main.mjs"
        self.process = subprocess.Popen(
            [node, "--disable-warning=ExperimentalWarning", str(bundle), "--socket", self.socket, "--root", str(world.folder)],
            env=world.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )
        assert self.process.stdout and self.process.stdout.readline() == b'{"ready":true}\n'

    def call(self, method: str, path: str, body: object = None) -> dict:
        link = http.client.HTTPConnection("sluice", timeout=30)
        link.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.sock.connect(self.socket)
        link.request(method, f"/sluice/api/v1{path}", json.dumps(body), {"X-Sluice-Secret": SECRET})
        answer = link.getresponse()
        text = answer.read().decode()
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text)

    def submit(self, salt: int) -> str:
        return self.call("POST", "/runs", {"notebook": "a.ipynb", "parameters": {"salt": salt}})["run"]

    def leave(self) -> None:
        """What Jupyter's death does, however it died."""
        assert self.process.stdin
        self.process.stdin.close()


def wait(claim: Callable[[], object], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > end:
            raise AssertionError(f"{what} took more than {seconds:g} s")
        time.sleep(0.05)


def kill(pid: int, number: int = signal.SIGKILL) -> bool:
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def environment_of(pid: int) -> list[bytes]:
    return _read(pid, "environ").split(b"\0")


def command_line(pid: int) -> bytes:
    return _read(pid, "cmdline")


def is_spare(pid: int) -> bool:
    return b"cli.mjs\0--wait\0" in command_line(pid)


def folder_of(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    return _read(pid, "stat").rpartition(b")")[2].split()[:1] not in ([], [b"Z"])


def look(pid: int) -> str:
    """Whether a process that does not end works or waits, and for what: the load, its CPU time, and each thread’s state and place in the kernel."""
    ticks = sum(map(int, _read(pid, "stat").rpartition(b")")[2].split()[11:15] or [0]))
    threads = [
        f"{(_read(pid, f'task/{thread}/stat').rpartition(b')')[2].split() or [b'?'])[0].decode()} {_read(pid, f'task/{thread}/wchan').decode()}"
        for thread in sorted(os.listdir(f"/proc/{pid}/task"), key=int)
    ]
    return f"Load {os.getloadavg()[0]:.1f}, CPU {ticks / os.sysconf('SC_CLK_TCK'):.1f} s, threads: {'; '.join(threads)}"


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
