"""Issue 5's figures for output: what a step that prints a gigabyte costs in memory, of the command that runs it and of the step itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from figures import Figure
from measure import run
from steps import SLUICE
from workloads import Step, write_all

LINES = 1_000_000


def measure(_: int) -> list[Figure]:
    """One run that prints nothing, and one that prints a gigabyte; what the second takes more is what output costs."""
    quiet, _ = _peaks("pass", 0)
    loud, step = _peaks(f"import sys\nfor _ in range({LINES}): sys.stdout.write('x' * 999 + '\\n')", LINES * 1000)
    return [
        Figure("more memory of the command for 1 GB of output", max(0.0, loud - quiet), "MB", 100),
        Figure("memory of the step that prints it", step, "MB", 100),
    ]


def _peaks(source: str, size: int) -> tuple[float, float]:
    """Of the command and of its step, in MB.

    Raises:
        RuntimeError: the log is not as long as what was printed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all([Step("print", source)], folder)
        environment = {"SLUICE_HOME": str(folder / ".sluice")}
        command = subprocess.Popen(
            [SLUICE, "run", "notebook.ipynb"], cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(command.pid, 0)
        command.returncode = os.waitstatus_to_exitcode(status)
        if command.returncode:
            raise RuntimeError(f"‘sluice run’ ended with exit status {command.returncode}")
        written = sum(path.stat().st_size for path in folder.glob(".sluice/runs/*/print.log"))
        if written != size:
            raise RuntimeError(f"the log has {written} bytes of {size}")
        run([SLUICE, "fsck"], folder, environment)
        shown = subprocess.run(
            [SLUICE, "runs", "show", "last", "--json"], cwd=folder, env={**os.environ, **environment}, capture_output=True, check=True
        )
        (step,) = json.loads(shown.stdout)["steps"]
        return used.ru_maxrss / 1000, step["usage"]["peakMemoryBytes"] / 1e6
