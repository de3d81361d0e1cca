"""Issue 5's figures for values: what it costs in CPU time to give a large array or frame to the next step, and to take it there."""

from __future__ import annotations

import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import Figure
from peers import ROOT

sys.path.insert(0, str(ROOT))


def measure(rounds: int) -> list[Figure]:
    """Ours, joblib and pickle in turn."""
    import numpy
    import pandas

    random = numpy.random.default_rng(0)
    array = random.random(25_000_000)
    frame = pandas.DataFrame({f"column_{number}": random.random(1_000_000) for number in range(20)})
    for number in range(5):
        frame[f"count_{number}"] = random.integers(0, 1000, len(frame))
    words = pandas.DataFrame({"word": random.choice(["one", "two", "three"], 1_000_000)})
    table = [
        ("a 200 MB array", array, (0.1, 0.01)),
        ("a 200 MB frame of numbers", frame, (0.1, 0.01)),
        ("a frame of a million words", words, (None, None)),
    ]
    figures = []
    for title, value, budgets in table:
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(rounds * 3):  # memory that the machine has to find first costs more
                for name, (write, read) in WAYS.items():
                    path = Path(folder, f"{name}-{number}")
                    spent[name].append((_cpu(lambda: write(str(path), value)), _cpu(lambda: read(str(path)))))
                    path.unlink()
        medians = {name: [statistics.median(column) for column in zip(*each)] for name, each in spent.items()}
        ours = medians.pop("ours")
        for index, done in enumerate(("written", "taken")):
            peers = {name: each[index] for name, each in medians.items()}
            figures.append(Figure(f"{title} {done}, CPU time", ours[index], "s", budgets[index], peers))
    return figures


def _cpu(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _write(path: str, value: Any) -> None:
    from jupyterlab_sluice.runtime import contract, values

    step = contract.Step("bench", "give", None, None, [], [], [], [])
    values.write(path, {"value": value}, contract.Output("values", ["value"], []), step)


def _read(path: str) -> Any:
    from jupyterlab_sluice.runtime import contract, values

    bundle = values.read(contract.Artifact("values", path, path, {}), contract.Value("values", ["value"], []))
    return bundle.variables["value"]


def _write_joblib(path: str, value: Any) -> None:
    import joblib

    joblib.dump(value, path)


def _read_joblib(path: str) -> Any:
    import joblib

    return joblib.load(path)


def _write_pickle(path: str, value: Any) -> None:
    with open(path, "wb") as file:
        pickle.dump(value, file, protocol=5)


def _read_pickle(path: str) -> Any:
    with open(path, "rb") as file:
        return pickle.load(file)


WAYS = {
    "ours": (_write, _read),
    "joblib": (_write_joblib, _read_joblib),
    "pickle": (_write_pickle, _read_pickle),
}
