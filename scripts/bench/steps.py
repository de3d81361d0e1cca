"""Issue 5's figures for running steps: Sluice, cold and warm, beside papermill, kfp.local, Metaflow and bare Python."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from figures import Figure
from measure import Cost, interleave, median, run
from peers import PEERS
from workloads import SCIENCE, TRIVIAL, Step, write_all


def measure(rounds: int) -> list[Figure]:
    """Both lists of steps, each by all programs in turn."""
    return [
        *_compare("three trivial steps", TRIVIAL, rounds),
        *_compare("five steps with pandas and scikit-learn", SCIENCE, rounds),
    ]


def _compare(title: str, steps: Sequence[Step], rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all(steps, folder)
        costs = interleave({**_ours(folder), **_peers(folder)}, rounds)
    medians = {name: median(cost) for name, cost in costs.items()}
    ours = {name: medians.pop(name) for name in list(medians) if name.startswith("cold") or name.startswith("warm")}
    figures = []
    for name, cost in ours.items():
        for index, kind in enumerate(("wall", "CPU")):
            peers = {peer: other[index] for peer, other in medians.items()}
            figures.append(Figure(f"{title}, {name}, {kind} time", cost[index], "s", None, peers))
    return figures


def _ours(folder: Path) -> dict[str, Callable[[], Cost]]:
    command = [Path(sys.executable).with_name("sluice"), "run", "notebook.ipynb", "--no-cache"]
    environment = {"SLUICE_HOME": str(folder / ".sluice")}
    return {"cold": lambda: run(command, folder, environment)}


def _peers(folder: Path) -> dict[str, Callable[[], Cost]]:
    metaflow = {"METAFLOW_HOME": str(folder / ".metaflow"), "USERNAME": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "metaflow": (["PYTHON", "flow.py", "--quiet", "run"], metaflow),
        "papermill": (["sh", "-e", "papermill.sh", "PYTHON"], {}),
        "kfp": (["PYTHON", "pipeline.py"], {}),
    }
    found: dict[str, Callable[[], Cost]] = {
        "bare Python": lambda: run(["sh", "-e", "bare.sh", sys.executable], folder)
    }
    for name, (command, environment) in commands.items():
        peer = PEERS[name]
        if peer.is_there():
            filled = [str(peer.python) if part == "PYTHON" else part for part in command]
            found[name] = lambda filled=filled, environment=environment: run(filled, folder, environment)
    return found
