"""Figures as a benchmark gives them: printed beside their budget and the peers' figures, and written to `bench/results/`."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Figure:
    """One measured number. `peers` are the same of other programs in the same run; `budget` is the most it should be."""

    what: str
    value: float
    unit: str
    budget: float | None = None
    peers: dict[str, float] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.budget is not None and self.value > self.budget

    def text(self) -> str:
        """One line; a peer's figure with how many times ours it is."""
        line = f"{show(self.value):>9} {self.unit:6} {self.what}"
        if self.budget is not None:
            verdict = "OVER" if self.is_over else "within"
            line += f"  ({verdict} {show(self.budget)} {self.unit}, {self.value / self.budget:.2f} of it)"
        for peer, value in self.peers.items():
            line += f" · {peer} {show(value)} ({show(value / self.value)}×)"
        return line


def show(number: float) -> str:
    """Three digits are all that a benchmark knows."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def machine() -> dict[str, object]:
    """What the figures depend on besides the code."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "load": [round(number, 2) for number in os.getloadavg()],
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def keep(name: str, figures: Iterable[Figure], before: dict[str, object], versions: dict[str, str]) -> Path:
    """Write the figures, and the machine as it was before them, to a file named by the day. A later run of the same day replaces it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{str(before['date'])[:10]}-{name}.json"
    told = {**before, "versions": versions, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return path
