"""What a command costs: its wall time, and the CPU time of its process and of those that it waited for."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

#: a command that takes longer hangs
LONGEST_SECONDS = 180


class Cost(NamedTuple):
    """In seconds."""

    wall: float
    cpu: float


def run(command: Sequence[str | Path], folder: Path | str, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the message has the end of what it said.
    """
    with tempfile.TemporaryFile() as said:
        before = os.times()
        begin = time.perf_counter()
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_SECONDS,
        )
        wall = time.perf_counter() - begin
        after = os.times()
        if done.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")[-1500:]
            raise RuntimeError(f"‘{command[0]}’ ended with exit status {done.returncode}:\n{text}")
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, spent)


def interleave(subjects: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """The costs of all subjects, one of each in turn, so that what the machine does meanwhile burdens all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            costs[name].append(subject())
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Of wall and CPU time, each by itself."""
    return Cost(*(statistics.median(column) for column in zip(*costs)))
