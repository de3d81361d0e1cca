"""The executed notebook of a step: what it was given, its cells, their outputs and times. Valid nbformat 4.5, also
when the step failed half way.
"""

from __future__ import annotations

import datetime
import platform
import re
from typing import Any, Dict, List, Optional

from . import contract
from .outputs import Outputs
from .own import dumps


class CellRun:
    """One cell and what became of it."""

    def __init__(self, cell: contract.Cell) -> None:
        self.cell = cell
        self.outputs: Optional[Outputs] = None
        self.count: Optional[int] = None
        self.started: Optional[datetime.datetime] = None
        self.ended: Optional[datetime.datetime] = None
        self.state = "pending"

    def begin(self, outputs: Outputs) -> None:
        """The cell starts."""
        self.outputs, self.state, self.started = outputs, "running", _now()

    def end(self, state: str, count: Optional[int]) -> None:
        """The cell ended."""
        self.state, self.count, self.ended = state, count, _now()


def write(path: str, job: contract.Job, runs: List[CellRun], failure: Optional[Dict[str, Any]]) -> None:
    """Write the notebook as it stands now."""
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": job.step.kernel or "python3",
                "display_name": job.step.kernel or "Python 3",
                "language": "python",
            },
            "language_info": {
                "name": "python",
                "version": platform.python_version(),
                "mimetype": "text/x-python",
                "file_extension": ".py",
            },
            "sluice": {
                "pipeline": job.step.pipeline,
                "step": job.step.name,
                "notebook": job.step.notebook,
                **({"failure": _without_traceback(failure)} if failure else {}),
            },
        },
        "cells": [*_setup_cells(job), *(_cell(run) for run in runs)],
    }
    contract.write_file(
        path, dumps(notebook, ensure_ascii=False, indent=1, default=str).encode("utf-8", "replace")
    )


def _setup_cells(job: contract.Job) -> List[Dict[str, Any]]:
    lines = [f"{name} = {value!r}" for name, value in job.values.items()]
    for item in job.step.setup:
        if isinstance(item, contract.Source):
            lines += [f"# from cell {item.cell + 1}, line {item.line}", item.source]
        else:
            lines.append(f"# {', '.join(item.names + item.states)}: from the bundle ‘{item.input}’")
    if not lines:
        return []
    metadata = {"tags": ["sluice-setup"], "jupyter": {"source_hidden": True}}
    return [
        {
            "cell_type": "code",
            "id": "sluice-setup",
            "metadata": metadata,
            "execution_count": None,
            "outputs": [],
            "source": "\n".join(lines),
        }
    ]


def _cell(run: CellRun) -> Dict[str, Any]:
    cell = run.cell
    metadata: Dict[str, Any] = {"sluice": {"index": cell.index, "state": run.state}}
    if run.started:
        times = {"iopub.execute_input": _iso(run.started)}
        if run.ended:
            times["shell.execute_reply"] = _iso(run.ended)
            metadata["sluice"]["durationMs"] = round((run.ended - run.started).total_seconds() * 1000)
        metadata["execution"] = times
    if cell.is_metrics:
        metadata["tags"] = ["pipeline-metrics"]
    return {
        "cell_type": "code",
        "id": cell.id if cell.id and re.match(r"^[a-zA-Z0-9_-]{1,64}$", cell.id) else f"cell-{cell.index}",
        "metadata": metadata,
        "execution_count": run.count,
        "outputs": run.outputs.finished() if run.outputs else [],
        "source": cell.source,
    }


def _without_traceback(failure: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in failure.items() if key != "traceback"}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _iso(time: datetime.datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
