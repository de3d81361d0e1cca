"""Issue 4's figures in Node: how fast a notebook becomes a pipeline, and how fast Kale analyses the same notebook, in CPU time."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from figures import Figure
from measure import read_json
from peers import PEERS

HERE = Path(__file__).parent
NAMES = {
    "few": "70 cells, 14 steps",
    "many": "70 cells, each a step",
    "large": "2,000 cells, 400 steps",
}
BUDGETS = {
    ("few", "again"): 50,
    ("few", "edit"): 16,
    ("many", "again"): 50,
    ("many", "edit"): 16,
    ("large", "first"): 1000,
    ("large", "edit"): 30,
}
MEMORY_BUDGETS = {"few": 30, "many": 30}
DONE = {"first": "analysed for the first time", "edit": "one cell edited", "again": "analysed and compiled again"}


def measure(rounds: int) -> list[Figure]:
    """Each round a new process of ours and one of Kale's."""
    kale = PEERS["kale"]
    has_kale = kale.is_there()
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            ours.append(read_json("node", HERE / "analysis.mjs", folder))
            if has_kale:
                notebooks = [Path(folder, f"{name}.ipynb") for name in ("few", "many")]
                theirs.append(read_json(kale.python, HERE / "kale_analysis.py", *notebooks))
    figures = []
    for name, title in NAMES.items():
        for pass_, done in DONE.items():
            peers = {"Kale": _median(theirs, name, pass_)} if theirs and pass_ in theirs[0].get(name, ()) else {}
            figures.append(Figure(f"{title}, {done}", _median(ours, name, pass_), "ms CPU", BUDGETS.get((name, pass_)), peers))
        figures.append(Figure(f"{title}, memory kept for the next edit", _median(ours, name, "kept"), "MB", MEMORY_BUDGETS.get(name)))
    return figures


def _median(told: list[dict[str, dict[str, float]]], name: str, pass_: str) -> float:
    return statistics.median(one[name][pass_] for one in told)
