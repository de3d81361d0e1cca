"""Issue 5's figure for the list of runs: a thousand runs of twenty steps, opened, read and written as JSON, as a request for it does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from figures import Figure
from measure import read_json

HERE = Path(__file__).parent


def measure(_: int) -> list[Figure]:
    """Makes the runs once; each list is opened nine times."""
    with tempfile.TemporaryDirectory() as home:
        told = read_json("node", HERE / "records.mjs", home)
    return [
        Figure("the list of 1,000 runs of 20 steps", told["all"], "ms", 100),
        Figure("a notebook's 100 of them", told["notebook"], "ms", 100),
    ]
