"""How long programs take, and what those that measure themselves say."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: a program that takes longer hangs
LONGEST_SECONDS = 300


def run(command: list[str | Path], folder: Path | str, environment: Mapping[str, str] | None = None) -> float:
    """Run a command to its end. Returns the seconds that took. CPU time would not do: that of a fork server's steps is nobody's.

    Raises:
        RuntimeError: it failed; the message has the end of what it said.
    """
    with tempfile.TemporaryFile() as said:
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
        seconds = time.perf_counter() - begin
        if done.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")[-1500:]
            raise RuntimeError(f"‘{command[0]}’ ended with exit status {done.returncode}:\n{text}")
    return seconds


def read_json(*command: str | Path) -> Any:
    """What a program that measures by itself prints last.

    Raises:
        RuntimeError: it failed; the message has the end of what it said.
    """
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LONGEST_SECONDS)
    if done.returncode:
        raise RuntimeError(f"‘{command[1]}’ ended with exit status {done.returncode}:\n{done.stderr[-1500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def interleave(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each subject took, one after the other in each round, so that what the machine does meanwhile burdens all alike."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            taken[name].append(subject())
    return taken
