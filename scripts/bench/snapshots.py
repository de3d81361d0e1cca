"""Issue 5's figures for snapshots of a folder of 10,000 files, one of them changed, beside git's `add` and `commit` of the same."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from figures import Figure
from measure import read_json, run

HERE = Path(__file__).parent
FILES = 10_000


def measure(rounds: int, is_full: bool) -> list[Figure]:
    """With 200 MB, or with the issue's 2 GB."""
    size = 200_000 if is_full else 20_000
    title = f"snapshot of {FILES:,} files, {FILES * size / 1e9:.2g} GB"
    with tempfile.TemporaryDirectory() as folder:
        told = read_json("node", HERE / "snapshots.mjs", folder, str(FILES), str(size))
        first, changed = _git(Path(folder, "work"), rounds) if shutil.which("git") else ({}, {})
    return [
        Figure(f"{title}, the first", told["first"] / 1000, "s", None, first),
        Figure(f"{title}, one file changed", told["changed"] / 1000, "s", 0.3, changed),
        Figure(f"{title}, stored for the changed file", told["addedBytes"] / 1e6, "MB", 1),
    ]


def _git(folder: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    author = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"]

    def commit() -> float:
        commands = [["git", "add", "-A"], ["git", *author, "commit", "-qm", "bench"]]
        return sum(run(command, folder) for command in commands)

    run(["git", "init", "-q"], folder)
    first, changed = commit(), []
    for number in range(rounds):
        with next(folder.glob("*/1*.bin")).open("a") as file:
            file.write(str(number))
        changed.append(commit())
    return {"git": first}, {"git": statistics.median(changed)}
