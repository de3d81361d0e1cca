"""Kale's own analysis of notebooks, run by the Python that has Kale. Prints how many milliseconds of CPU time each took, first and again."""

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
    begin = time.process_time()
    NotebookProcessor(path, {"experiment_name": "bench", "pipeline_name": "bench"}).run()
    return (time.process_time() - begin) * 1000


told = {}
for path in sys.argv[1:]:
    first = analyze(path)
    told[Path(path).stem] = {"first": first, "again": statistics.median(analyze(path) for _ in range(PASSES))}
print(json.dumps(told))
