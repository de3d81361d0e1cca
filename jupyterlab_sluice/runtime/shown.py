"""What Kubeflow's own UI shows of a step: its cells with their outputs as a page, what it displayed as Markdown, and what
its metrics hold of matrices and curves. Each is made where the step is given a place for it; elsewhere the executed
notebook says it all.
"""

from __future__ import annotations

import html
import re
from typing import Any, Dict, Iterator, List

from . import contract
from .executed import CellRun
from .own import dumps

REPORT, MARKDOWN, CLASSIFICATION = "sluice_report", "sluice_markdown", "sluice_classification"
STYLE = (
    "body{font:14px sans-serif;margin:1em}pre{white-space:pre-wrap;overflow-x:auto;margin:.4em 0}"
    "pre.source{background:#f5f5f5;padding:.5em}pre.stderr,pre.error{background:#fdd;padding:.3em}"
    "table{border-collapse:collapse}td,th{padding:.2em .6em;text-align:right}img,svg{max-width:100%}"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def write(job: contract.Job, runs: List[CellRun], metrics: Any) -> Dict[str, Dict[str, Any]]:
    """Write what there are places for.

    Returns:
        Metadata, by artifact.
    """
    shown = metrics.classification if metrics else {}
    contents = {
        REPORT: lambda: "".join(_page(job.step.name, runs)),
        MARKDOWN: lambda: "\n\n".join(_markdown(runs)),
        CLASSIFICATION: lambda: dumps(shown),
    }
    for key in contents.keys() & job.outputs.keys():
        contract.write_file(job.outputs[key].path, contents[key]().encode("utf-8", "replace"))
    return {CLASSIFICATION: shown}


def _page(title: str, runs: List[CellRun]) -> Iterator[str]:
    title = html.escape(title)
    yield f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head><body><h2>{title}</h2>'
    for run in runs:
        yield _pre("source", run.cell.source)
        for output in _outputs(run):
            yield _output(output)
    yield "</body></html>"


def _outputs(run: CellRun) -> List[Dict[str, Any]]:
    return run.outputs.finished() if run.outputs else []


def _output(output: Dict[str, Any]) -> str:
    kind, data = output["output_type"], output.get("data") or {}
    if kind == "stream":
        return _pre(output["name"], output["text"])
    if kind == "error":
        return _pre("error", "\n".join(output["traceback"]))
    for mime in ("text/html", "image/svg+xml"):
        if mime in data:
            return f"<div>{_text(data[mime])}</div>"
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            return f'<img src="data:{mime};base64,{"".join(_text(data[mime]).split())}">'
    return _pre("text", _text(data.get("text/markdown") or data.get("text/plain") or ""))


def _markdown(runs: List[CellRun]) -> Iterator[str]:
    for run in runs:
        for output in _outputs(run):
            text = (output.get("data") or {}).get("text/markdown")
            if text:
                yield _text(text)


def _pre(kind: str, text: Any) -> str:
    return f'<pre class="{kind}">{html.escape(COLOUR.sub("", _text(text)))}</pre>'


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
