"""Kale's own analysis of notebooks, run by the Python that has Kale. Prints how many milliseconds each took, first and again."""

import json
import logging
import statistics
import sys
import time
from pathlib import Path

from kale.processors import NotebookProcessor

logging.disable(logging.CRITICAL)
PASSES = 3


def analyze(path: str) -> float:
    begin = time.perf_counter()
    NotebookProcessor(path, {"experiment_name": "bench", "pipeline_name": "bench"}).run()
    return (time.perf_counter() - begin) * 1000


told = {}
for path in sys.argv[1:]:
    first = analyze(path)
    told[Path(path).stem] = {"first": first, "again": statistics.median(analyze(path) for _ in range(PASSES))}
print(json.dumps(told))
