"""What the runtime takes from the standard library and a notebook may put something else in place of, such as `json.dumps = mine`: bound here,
before the first cell runs, and taken from here by modules that are imported later.
"""

from __future__ import annotations

from json import dumps, loads
from time import monotonic, time_ns

__all__ = ["dumps", "loads", "monotonic", "time_ns"]
