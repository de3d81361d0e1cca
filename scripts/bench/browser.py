"""Issue 4's figures in a real browser, and what Sluice adds to JupyterLab's own start: a JupyterLab with it and one without, visited in turns."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from figures import Figure
from measure import read_json

HERE = Path(__file__).parent


def measure(rounds: int) -> list[Figure]:
    """Nothing where there is no browser."""
    chromium = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    if not chromium.exists():
        print(f"Without a browser: there is no ‘{chromium}’. Install Chromium, or set CHROMIUM to one.")
        return []
    with tempfile.TemporaryDirectory() as folder:
        told = read_json("node", HERE / "browser.mjs", folder, str(rounds), sys.executable)

    def added(what: str, name: str, budget: float) -> Figure:
        each = told[name]
        return Figure(f"{what}, added to {each['without']:.2f}", each["with"] - each["without"], "s", budget)

    return [
        Figure("one cell of 70 edited, in the page", told["edit"], "ms", 16),
        Figure("the same, the slowest of all", told["slowestEdit"], "ms"),
        Figure("2,000 cells analysed for the first time, in the page", told["largeFirst"], "ms", 1000),
        Figure("one cell of 2,000 edited, in the page", told["largeEdit"], "ms", 30),
        Figure("memory that analysis and panel add to the page", told["memory"], "MB", 30),
        Figure("memory that is added before first use", told["memoryBefore"], "MB", 15),
        Figure("script before first use", told["scriptsBefore"], "MB", 0.6),
        Figure("script and programs with a notebook open", told["scripts"]["plain"], "MB"),
        Figure("the same, compressed", told["scripts"]["packed"], "MB"),
        Figure("of it script, compressed", told["scripts"]["packedScripts"], "MB", 0.25),
        added("start of the server", "serverSeconds", 0.3),
        Figure("memory added to the server", told["serverMegabytes"], "MB", 15),
        added("start of the page, first visit", "firstVisit", 0.2),
        added("start of the page, second visit", "secondVisit", 0.2),
    ]
