"""Issue 5's figures for running steps: Sluice, cold and warm, beside papermill, kfp.local, Metaflow and bare Python; and how soon a step
has begun."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from figures import Figure
from measure import interleave, run
from peers import PEERS
from workloads import CLOCK, SCIENCE, TRIVIAL, Step, write_all

SLUICE = Path(sys.executable).with_name("sluice")
#: how long ours may take, as a share of what a peer takes in the same run
SHARES = {
    ("three trivial steps", "cold"): ("metaflow", 1 / 2),
    ("three trivial steps", "warm"): ("metaflow", 1 / 5),
    ("five steps with pandas and scikit-learn", "cold"): ("bare Python", 1 / 2),
    ("five steps with pandas and scikit-learn", "warm"): ("bare Python", 1 / 2),
}


def measure(rounds: int) -> list[Figure]:
    """Both lists of steps, each by all programs in turn."""
    return [
        *_compare("three trivial steps", TRIVIAL, rounds),
        *_compare("five steps with pandas and scikit-learn", SCIENCE, rounds),
        *_starts(rounds),
    ]


def _compare(title: str, steps: Sequence[Step], rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        # what one program keeps beside its files, another does not have to look through
        folders = [Path(name, whose) for whose in ("ours", "theirs")]
        for folder in folders:
            folder.mkdir()
            write_all(steps, folder)
        ours, peers = _ours(folders[0]), _peers(folders[1])
        taken = {name: statistics.median(each) for name, each in interleave({**ours, **peers}, rounds).items()}
    figures = []
    for name in ours:
        peer, share = SHARES[title, name]
        budget = taken[peer] * share if peer in taken else None
        figures.append(Figure(f"{title}, {name}", taken[name], "s", budget, {peer: taken[peer] for peer in peers}))
    return figures


def _starts(rounds: int) -> list[Figure]:
    """From what the records call a step's start, which is when its turn has come, to its first line, which tells the time."""
    taken: list[list[float]] = [[] for _ in CLOCK]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_all(CLOCK, folder)
        start = _ours(folder)["warm"]
        start()
        for _ in range(rounds):
            start()
            for step, (run_id, name, began) in enumerate(_last_run(folder / ".sluice")):
                log = folder / ".sluice" / "runs" / run_id / f"{name}.log"
                taken[step].append(float(log.read_text().split()[0]) - began / 1000)
    first, *later = (statistics.median(each) for each in taken)
    return [
        Figure("from a step's turn to its first line, the first of a run", first, "s", 0.05),
        Figure("from a step's turn to its first line, a later one", statistics.median(later), "s", 0.05),
    ]


def _last_run(home: Path) -> list[tuple[str, str, int]]:
    """Run, name and start of each step, in milliseconds since 1970."""
    with contextlib.closing(sqlite3.connect(home / "sluice.db")) as records:
        last = "(SELECT id FROM runs ORDER BY number DESC LIMIT 1)"
        return records.execute(f"SELECT run, name, started_at FROM steps WHERE run = {last} ORDER BY position").fetchall()


def _ours(folder: Path) -> dict[str, Callable[[], float]]:
    """Cold is the first run with a home of its own, warm the next one, which finds the first one's fork server."""
    home = folder / ".sluice"

    def start() -> float:
        return run([SLUICE, "run", "notebook.ipynb", "--no-cache"], folder, {"SLUICE_HOME": str(home)})

    def start_cold() -> float:
        shutil.rmtree(home, ignore_errors=True)  # a fork server ends when its home is gone
        return start()

    return {"cold": start_cold, "warm": start}


def _peers(folder: Path) -> dict[str, Callable[[], float]]:
    metaflow = {
        "METAFLOW_HOME": str(folder / ".metaflow"),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "USERNAME": "bench",
    }
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "metaflow": (["PYTHON", "flow.py", "--quiet", "run"], metaflow),
        "papermill": (["sh", "-e", "papermill.sh", "PYTHON"], {}),
        "kfp": (["PYTHON", "pipeline.py"], {}),
    }
    found = {"bare Python": lambda: run(["sh", "-e", "bare.sh", sys.executable], folder)}
    for name, (command, environment) in commands.items():
        peer = PEERS[name]
        if peer.is_there():
            filled = [str(peer.python) if part == "PYTHON" else part for part in command]
            found[name] = lambda filled=filled, environment=environment: run(filled, folder, environment)
    return found
