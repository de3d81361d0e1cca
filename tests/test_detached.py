"""A run of the command line goes on when its terminal is closed or its shell killed; what a shell asks of it reaches it: whether the command
starts its own process, or one that has waited for it becomes the command.
"""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, is_alive, wait_until
from spares import leave_spare, processes, spares

COMMAND = [sys.executable, "-c", "from jupyterlab_sluice.node import main; main()"]


@pytest.fixture(params=["by itself", "by a spare"])
def environment(request):
    """The variables of commands. There may be a process that waits to be the next command."""
    if request.param == "by itself":
        yield {**os.environ, "PYTHONPATH": str(ROOT), "SLUICE_WARM": "0"}
    else:
        with spares() as variables:
            leave_spare(variables)
            yield variables


@pytest.fixture
def folder(tmp_path):
    """A notebook of two steps. The first tells that it runs, and waits for a file ``go``."""
    wait = f"import os, time\nopen({str(tmp_path / 'began')!r}, 'w').close()\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.05)"
    cells = [("step:first", wait + "\nx = 20"), ("step:second", "print(x + 1)")]
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {"cell_type": "code", "id": tag[5:], "metadata": {"tags": [tag]}, "source": source, "outputs": [], "execution_count": None}
            for tag, source in cells
        ],
    }
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    return tmp_path


def started(folder: Path) -> None:
    wait_until(lambda: (folder / "began").exists(), 60, "the first step")


def last_run(folder: Path, environment: dict[str, str]) -> dict:
    said = subprocess.run([*COMMAND, "runs", "show", "last", "--json"], cwd=folder, env=environment, capture_output=True, check=True)
    return json.loads(said.stdout)


def in_terminal(folder: Path, environment: dict[str, str], *command: str) -> tuple[int, int]:
    """Start a command as a terminal would. Returns its process's id and the terminal's descriptor."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], list(command), environment)
    return pid, terminal


def read_all(terminal: int) -> str:
    text = b""
    try:
        while piece := os.read(terminal, 4096):
            text += piece
    except OSError:
        pass  # Linux says EIO at a terminal's end
    return text.decode()


LOSSES = [
    ("the terminal is closed", lambda shell, terminal: os.close(terminal)),
    ("the shell and all that it started are killed", lambda shell, terminal: os.killpg(shell, signal.SIGKILL)),
    ("the shell is told that its terminal is gone", lambda shell, terminal: os.killpg(shell, signal.SIGHUP)),
]


@pytest.mark.parametrize("lose", [loss for _, loss in LOSSES], ids=[name for name, _ in LOSSES])
def test_a_run_goes_on_when(folder, environment, lose):
    shell, terminal = in_terminal(folder, environment, "sh", "-c", f'{" ".join(map(_quoted, COMMAND))} run a.ipynb; true')
    started(folder)
    lose(shell, terminal)
    wait_until(lambda: os.waitpid(shell, os.WNOHANG)[0] == shell, 20, "the shell's end")
    (folder / "go").touch()
    run = wait_until(lambda: (run := last_run(folder, environment))["state"] != "running" and run, 30, "the run's end")
    assert (run["state"], [step["state"] for step in run["steps"]]) == ("succeeded", ["succeeded", "succeeded"])


def test_ctrl_c_cancels(folder, environment):
    pid, terminal = in_terminal(folder, environment, *COMMAND, "run", "a.ipynb")
    started(folder)
    os.write(terminal, b"\x03")
    said = read_all(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert "canceled" in said
    run = last_run(folder, environment)
    assert (run["state"], run["reason"]) == ("canceled", "Canceled with Ctrl+C.")


def test_kill_cancels(folder, environment):
    process = subprocess.Popen([*COMMAND, "run", "a.ipynb"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    started(folder)
    process.terminate()
    assert process.wait(30) == 130
    assert last_run(folder, environment)["reason"] == "Canceled by SIGTERM."


def test_the_outcome_and_the_output_are_the_commands(folder, environment):
    (folder / "go").touch()
    process = subprocess.run([*COMMAND, "run", "a.ipynb", "--json"], cwd=folder, env=environment, capture_output=True, text=True)
    assert process.returncode == 0
    assert json.loads(process.stdout.splitlines()[-1])["state"] == "succeeded"
    assert subprocess.run([*COMMAND, "run", "gone.ipynb"], cwd=folder, env=environment, capture_output=True).returncode == 2


def test_a_command_that_is_killed_says_so(folder, environment):
    process = subprocess.Popen([*COMMAND, "run", "a.ipynb"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    started(folder)
    (command,) = [pid for pid in [*_children(process.pid), *processes(environment)] if is_alive(pid) and folder_of(pid) == folder]
    os.kill(command, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert last_run(folder, environment)["reason"].startswith("interrupted: ")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def folder_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
