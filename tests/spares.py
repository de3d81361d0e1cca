"""For tests of processes that wait to be the next command: a place of their own where they wait, whose processes are ended with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT, wait_until

LEAVE = "from jupyterlab_sluice import node, spare; spare.find_place(node.command_line()).leave()"


@contextlib.contextmanager
def spares() -> Iterator[dict[str, str]]:
    """The variables of commands whose spares wait there."""
    with tempfile.TemporaryDirectory(prefix="sluice-", dir="/tmp") as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": folder}
        try:
            yield environment
        finally:
            for pid in processes(environment):
                os.kill(pid, signal.SIGKILL)


def leave_spare(environment: dict[str, str]) -> int:
    """Leave one, as a command does; none waits there yet. Returns its process."""
    for path in Path(environment["XDG_RUNTIME_DIR"]).glob("*/spare-*"):
        path.unlink()  # of one that was killed
    subprocess.run([sys.executable, "-c", LEAVE], env=environment, cwd="/", check=True)
    (spare,) = wait_until(lambda: processes(environment), 10, "the spare's start")
    return spare


def processes(environment: dict[str, str]) -> list[int]:
    """The processes that wait there, or have."""
    place = environment.get("XDG_RUNTIME_DIR", "nowhere").encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"--wait" in words and any(word.startswith(place) for word in words):
                found.append(int(path.parent.name))
    return found
