"""Runs notebooks and their pipelines side by side: the notebook's cells in one process, each step in a process of its own
with the runtime that real steps have. Processes are forks of this one, so that hundreds of cases take seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
Cells = List[Dict[str, Any]]


class Case(NamedTuple):
    """A notebook, and whether its pipeline must do as the notebook does (`same`), must be refused, or may be either."""

    name: str
    expect: str
    cells: Cells
    files: Dict[str, str] = {}


def read_cases(path: Path) -> List[Case]:
    """Cases as text: `# name` or `# name (refuse)`, then cells, each headed by `--- tags`; a short tag is a step's name, `file:x.py` a file beside it."""
    cases = []
    for part in re.split(r"^# ", path.read_text(), flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        expect = re.search(r" \((\w+)\)$", title)
        cells, files = [], {}
        for cell in re.split(r"^--- ?", body, flags=re.M)[1:]:
            tags, _, source = cell.partition("\n")
            if tags.startswith("file:"):
                files[tags[5:]] = source
                continue
            words = [f"step:{word}" if re.fullmatch(r"[a-z]\w?", word) else word for word in tags.split()]
            cells.append({"tags": words, "source": source.strip("\n")})
        cases.append(Case(title[: expect.start()] if expect else title, expect[1] if expect else "same", cells, files))
    return cases


def analyze(cases: List[Case]) -> List[Dict[str, Any]]:
    """The pipelines that core infers."""
    node = subprocess.run(["node", str(HERE / "analyze.mjs")], input=json.dumps([[case.cells, case.files] for case in cases]), capture_output=True, text=True)
    assert node.returncode == 0, node.stderr
    return [json.loads(line) for line in node.stdout.splitlines()]


class Printed(NamedTuple):
    """What a process printed, and how it ended."""

    status: int
    text: str
    errors: str


def run_notebook(cells: Cells, folder: str) -> Printed:
    """All cells in one process, as Jupyter runs them."""
    spec = [{"index": index, "source": cell["source"]} for index, cell in enumerate(cells) if "skip" not in cell["tags"]]
    return _run_step({"version": 1, "step": "notebook", "cells": spec}, {}, {}, folder, Path(folder) / "notebook")


def run_pipeline(pipeline: Dict[str, Any], folder: str) -> List[Tuple[str, Printed]]:
    """Each step after those that it waits for, in a process of its own; what each printed, in notebook order."""
    printed: Dict[str, Printed] = {}
    values = {parameter["name"]: parameter["default"] for parameter in pipeline["parameters"]}
    told = {parameter["name"]: {key: parameter[key] for key in ("name", "type", "exact") if key in parameter} for parameter in pipeline["parameters"]}
    steps = list(pipeline["steps"])
    while steps:
        step = next(step for step in steps if all(name in printed for name in step["after"]))
        steps.remove(step)
        setup, inputs = [], {}
        for item in step["setup"]:
            if item["kind"] == "source":
                setup.append({"kind": "source", "cell": item["range"]["cell"], "source": item["source"]})
                continue
            key = f"{item['from']}__{item['bundle']['artifact']}"
            inputs[key] = str(Path(folder) / "artifacts" / key)
            setup.append({"kind": "value", "input": key, "names": item["bundle"]["names"], "states": item["bundle"].get("states", [])})
        outputs = {bundle["artifact"]: str(Path(folder) / "artifacts" / f"{step['name']}__{bundle['artifact']}") for bundle in step["outputs"]}
        spec = {
            "version": 1,
            "step": step["name"],
            "parameters": [told[name] for name in step["parameters"]],
            "setup": setup,
            "cells": [{key: cell[key] for key in ("index", "source", "number") if key in cell} for cell in step["cells"]],
            "results": step.get("results", []),
            "outputs": [{"states": [], **bundle} for bundle in step["outputs"]],
        }
        printed[step["name"]] = _run_step(spec, inputs, outputs, folder, Path(folder) / step["name"], {name: values[name] for name in step["parameters"]})
        if printed[step["name"]].status != 0:
            break
    return [(step["name"], printed[step["name"]]) for step in pipeline["steps"] if step["name"] in printed]


_metadata: Dict[str, Any] = {}


def _run_step(spec: Dict[str, Any], inputs: Dict[str, str], outputs: Dict[str, str], folder: str, log: Path, values: Optional[Dict[str, Any]] = None) -> Printed:
    artifact = lambda path: {"artifacts": [{"name": path, "uri": path, "metadata": _metadata.get(path, {})}]}  # noqa: E731
    given = {
        "inputs": {"parameterValues": values or {}, "artifacts": {key: artifact(path) for key, path in inputs.items()}},
        "outputs": {"artifacts": {key: artifact(path) for key, path in outputs.items()}, "outputFile": f"{log}.json"},
    }
    child = os.fork()
    if child == 0:
        status = 9
        try:
            work = Path(folder) / "work"
            work.mkdir(parents=True, exist_ok=True)
            os.chdir(work)
            for descriptor, name in ((1, f"{log}.out"), (2, f"{log}.err")):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
            sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
            main = importlib.import_module("jupyterlab_sluice.runtime.main")
            status = main.main(["--step", json.dumps(spec), "--executor-input", json.dumps(given)])
            sys.stdout.flush()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        for artifacts in json.loads(Path(f"{log}.json").read_text())["artifacts"].values():
            for made in artifacts["artifacts"]:
                _metadata[made["uri"]] = made["metadata"]
    except (OSError, ValueError):
        pass
    return Printed(status, Path(f"{log}.out").read_text(), Path(f"{log}.err").read_text())


def compare(case: Case, pipeline: Dict[str, Any]) -> Optional[str]:
    """What is wrong with this pipeline; None where all is well."""
    errors = [diagnostic["message"] for diagnostic in pipeline["diagnostics"] if diagnostic["severity"] == "error"]
    if errors:
        return None if case.expect != "same" else f"refused: {errors}"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        for path, source in case.files.items():
            for place in (folder, other):
                file = Path(place) / "work" / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(source)
        notebook = run_notebook(case.cells, folder)
        steps = run_pipeline(pipeline, other)
    failed = [f"step {name}: {step.errors[-2000:]}" for name, step in steps if step.status != 0]
    if failed:
        return f"failed: {failed}" if case.expect == "same" else None
    if case.expect == "refuse":
        return "ran without an error"
    if notebook.status != 0:
        return f"the notebook itself fails: {notebook.errors[-1500:]}"
    if case.expect == "either":
        return None
    text = _plain("".join(step.text for _, step in steps))
    return None if text == _plain(notebook.text) else f"the notebook prints\n{notebook.text}\nbut the pipeline prints\n{text}"


def _plain(text: str) -> str:
    """Without what differs from run to run: addresses and times."""
    return re.sub(r"0x[0-9a-f]{6,}|(CPU times|Wall time):.*", "", text)


def preload() -> None:
    """Import once what many cases import, so that forks have it."""
    os.environ["MPLBACKEND"] = "agg"
    for name in ("IPython.core.interactiveshell", "numpy", "pandas", "sklearn.linear_model", "jupyterlab_sluice.runtime.main"):
        importlib.import_module(name)
