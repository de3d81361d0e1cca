"""A process that waits to be the next command is what the command would have started: nobody can tell the two apart, and where it could not
be the same, it is not taken.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from conftest import ROOT, is_alive, wait_until
from spares import leave_spare, processes, spares

pytestmark = pytest.mark.timeout(60)
COMMAND = [sys.executable, "-c", "from jupyterlab_sluice.node import main; main()"]
#: all that a process has of its starter
INHERITED = """
import os, resource, signal, json
print(json.dumps({
    "variables": {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "IPYTHONDIR"))},
    "mask": os.umask(0), "nice": os.getpriority(os.PRIO_PROCESS, 0), "cpus": sorted(os.sched_getaffinity(0)),
    "limits": [resource.getrlimit(number) for number in range(16)],
    "signals": [line for line in open("/proc/self/status") if line.startswith(("Sig", "Shd", "Cap", "Groups"))],
    "cgroup": open("/proc/self/cgroup").read(), "descriptors": sorted(os.listdir("/proc/self/fd")), "text": text,
}))
"""


@pytest.fixture
def environment():
    with spares() as variables:
        yield variables


def notebook(folder: Path, source: str, name: str = "step:first") -> Path:
    cells = [("pipeline-parameters", "text = 'none'"), (name, source)]
    path = folder / "a.ipynb"
    code = {"cell_type": "code", "outputs": [], "execution_count": None}
    described = [{**code, "id": tag[-9:].replace(":", "-"), "metadata": {"tags": [tag]}, "source": text} for tag, text in cells]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": described}))
    return path


def run(folder: Path, environment: dict[str, str], *arguments: str, **how) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "run", *(arguments or ["a.ipynb"])], cwd=folder, env=environment, capture_output=True, text=True, **how)


def printed(folder: Path, environment: dict[str, str]) -> str:
    """What the last run's step printed."""
    shown = subprocess.run([*COMMAND, "runs", "logs", "last", "first"], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return shown.stdout


def owners(folder: Path) -> list[int]:
    """The processes that executed runs, the last run's first."""
    with contextlib.closing(sqlite3.connect(folder / ".sluice" / "sluice.db")) as records:
        return [pid for (pid,) in records.execute("SELECT owner_pid FROM runs ORDER BY number DESC")]


def executed_by(folder: Path) -> int:
    """The process that executed the last run."""
    return owners(folder)[0]


def waits(pid: int) -> bool:
    return is_alive(pid) and os.readlink(f"/proc/{pid}/cwd") == "/"


def test_a_step_inherits_the_same(tmp_path, environment):
    later = {**environment, "LATER": "grün = gut\n", "EMPTY": ""}
    seen = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        notebook(folder, INHERITED)
        if number == 0:
            spare = leave_spare(environment)
        done = run(folder, later, "a.ipynb", "-p", "text=ü b", umask=0o027)
        assert (done.returncode, done.stderr) == (0, "")
        assert (executed_by(folder) == spare) == (number == 0)
        told = json.loads(printed(folder, later))
        seen.append({**told, "cgroup": re.sub("/sluice-.*", "", told["cgroup"])})
        for pid in processes(environment):
            os.kill(pid, signal.SIGKILL)
    by_spare, by_itself = seen
    assert (by_spare["text"], by_spare["mask"], by_spare["variables"]["LATER"]) == ("ü b", 0o027, later["LATER"])
    assert by_spare == by_itself


DIFFERENCES = [
    ("a limit", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40))),
    ("the priority", lambda: os.nice(1)),
    *([("the processors", lambda: os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]))] if os.cpu_count() != 1 else []),
]


@pytest.mark.parametrize("differ", [differ for _, differ in DIFFERENCES], ids=[name for name, _ in DIFFERENCES])
def test_what_would_not_be_the_same_starts_by_itself(tmp_path, environment, differ):
    notebook(tmp_path, "print(1)")
    spare = leave_spare(environment)
    done = run(tmp_path, environment, preexec_fn=differ)
    assert (done.returncode, waits(spare)) == (0, True)
    assert executed_by(tmp_path) != spare
    assert run(tmp_path, environment).returncode == 0
    assert executed_by(tmp_path) == spare


def test_one_that_can_not_be_used_is_no_hindrance(tmp_path, environment):
    """It was killed; our code has changed since it was read."""
    package = tmp_path / "site" / "jupyterlab_sluice"
    shutil.copytree(ROOT / "jupyterlab_sluice", package, ignore=shutil.ignore_patterns("labextension", "__pycache__"))
    environment["PYTHONPATH"] = str(package.parent)
    notebook(tmp_path, "print(1)")
    for spoil in (lambda pid: os.kill(pid, signal.SIGKILL), lambda pid: os.utime(package / "node" / "command.cjs")):
        spare = leave_spare(environment)
        wait_until(lambda: "poll" in Path(f"/proc/{spare}/wchan").read_text(), 30, "its listening")
        spoil(spare)
        assert run(tmp_path, environment).returncode == 0
        assert executed_by(tmp_path) != spare
        wait_until(lambda: not is_alive(spare), 15, "its end")
        for pid in processes(environment):  # which this run has left
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not processes(environment), 10, "their end")


def test_one_that_does_not_answer_is_not_waited_for(tmp_path, environment):
    """Nor does it run anything when it goes on at last."""
    notebook(tmp_path, "import os, time\nopen(os.environ['GO'] + '.began', 'w').close()\nwhile not os.path.exists(os.environ['GO']): time.sleep(0.05)")
    spare = leave_spare(environment)
    os.kill(spare, signal.SIGSTOP)
    hasten = "from jupyterlab_sluice import spare; spare.ANSWER_SECONDS = 0.3; "
    told = {**environment, "GO": str(tmp_path / "go")}
    command = subprocess.Popen([*COMMAND[:2], hasten + COMMAND[2], "run", "a.ipynb"], cwd=tmp_path, env=told, stdout=subprocess.DEVNULL)
    wait_until((tmp_path / "go.began").exists, 30, "its step")
    os.kill(spare, signal.SIGCONT)
    wait_until(lambda: not is_alive(spare), 30, "its end")
    (tmp_path / "go").touch()
    assert command.wait(30) == 0
    assert owners(tmp_path) == [executed_by(tmp_path)]


def test_two_commands_at_once(tmp_path, environment):
    notebook(tmp_path, "import time\ntime.sleep(0.5)")
    spare = leave_spare(environment)
    started = [subprocess.Popen([*COMMAND, "run", "a.ipynb"], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [command.wait(60) for command in started] == [0, 0]
    assert len(processes(environment)) == 1
    pids = owners(tmp_path)
    assert (len(pids), pids.count(spare)) == (2, 1)


def test_a_mistake_is_told_as_ever(tmp_path, environment):
    leave_spare(environment)
    done = run(tmp_path, environment, "gone.ipynb")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "sluice: There is no file ‘gone.ipynb’.\n")


def test_what_waits_keeps_no_secret_and_no_folder(tmp_path, environment):
    notebook(tmp_path, "print(1)")
    run(tmp_path, {**environment, "API_KEY": "s3cret"})
    (spare,) = processes(environment)
    wait_until(lambda: b"--wait" in Path(f"/proc/{spare}/cmdline").read_bytes(), 10)
    assert b"s3cret" not in Path(f"/proc/{spare}/environ").read_bytes()
    assert waits(spare)
    assert {os.readlink(f"/proc/{spare}/fd/{fd}") for fd in "012"} == {os.devnull}


def test_the_terminal_is_the_shells(tmp_path, environment):
    """Live lines, as wide as the terminal is: also when it has become wider."""
    step = "a_step_with_a_name_that_is_longer_than_the_terminal_is_wide"
    notebook(tmp_path, "import os, time\nwhile not os.path.exists(os.environ['GO']): time.sleep(0.05)", f"step:{step}")
    spare = leave_spare(environment)
    go = tmp_path / "go"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 20, 40, 0, 0))
        os.execvpe(COMMAND[0], [*COMMAND, "run", "a.ipynb"], {**environment, "GO": str(go)})
    said = ""
    while "a_step" not in said:
        said += os.read(terminal, 4096).decode()
    assert step not in said and executed_by(tmp_path) == spare
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 20, 200, 0, 0))
    go.touch()
    said = ""
    try:
        while piece := os.read(terminal, 4096):
            said += piece.decode()
    except OSError:
        pass  # Linux says EIO at a terminal's end
    assert os.waitpid(pid, 0)[1] == 0
    assert step in said
