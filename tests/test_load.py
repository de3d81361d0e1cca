"""Values of a past run in a live kernel: through the real server, into real kernels that know nothing of Sluice."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import JupyterServer, wait_until
from jupyter_client.manager import KernelManager

API = "/sluice/api/v1"

CELLS = [
    ("pipeline-parameters", "rate = 0.5\ncount = 3"),
    ("step:load", "import numpy\nimport random\nrandom.seed(7)\ndef scale(x):\n    return x * factor\nfactor = 10\nrows = list(range(count))\nsame = rows\nwaste = 1"),
    ("step:big", "big = numpy.arange(25_000_000)\nbig[0] = 7"),
    ("step:change", "same.append(99)\nfactor = 100\nclass Point:\n    def __init__(self, x):\n        self.x = x\npoint = Point(random.random())"),
    ("step:use", "print(scale(rows[-1]), big[0], rate, point.x, random.random(), isinstance(point, Point))\nlast = 1"),
]  # fmt: skip


class Live:
    """A kernel in which a notebook's cells run."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder), env={**os.environ, "JUPYTER_RUNTIME_DIR": str(folder)})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, source: str) -> tuple[str, str]:
        """What the source prints, and the message of what it raises."""
        message = self.client.execute(source, store_history=False)
        printed, raised = "", ""
        while True:
            said = self.client.get_iopub_msg(timeout=60)
            if said["parent_header"].get("msg_id") != message:
                continue
            content = said["content"]
            if said["msg_type"] == "stream" and content["name"] == "stdout":
                printed += content["text"]
            if said["msg_type"] == "error":
                raised = f"{content['ename']}: {content['evalue']}"
            if said["msg_type"] == "status" and content["execution_state"] == "idle":
                return printed, raised

    def names(self) -> set[str]:
        return set(json.loads(self.run("import json as _json; print(_json.dumps([n for n in dir() if n[0] != '_']))")[0]))

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.end()


@pytest.fixture(scope="module")
def run(jupyter) -> str:
    """Id of a run of the notebook."""
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {"tags": [tag]}, "source": source, "outputs": [], "execution_count": None}
        for i, (tag, source) in enumerate(CELLS)
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}}
    (jupyter.root / "a.ipynb").write_text(json.dumps(notebook))
    status, text = jupyter.call("POST", f"{API}/runs", {"notebook": "a.ipynb", "parameters": {"rate": 2}})
    assert status == 201, text
    id = json.loads(text)["run"]
    ended = wait_until(lambda: (one := json.loads(jupyter.call("GET", f"{API}/runs/{id}")[1]))["state"] not in ("pending", "running") and one, 90, "the run's end")
    assert ended["state"] == "succeeded", ended
    return id


@pytest.fixture
def live(jupyter):
    kernel = Live(jupyter.root)
    yield kernel
    kernel.end()


def load(jupyter, run: str, step: str) -> dict:
    status, text = jupyter.call("GET", f"{API}/runs/{run}/steps/{step}/load")
    assert status == 200, text
    return json.loads(text)


def test_the_kernel_goes_on_where_the_step_ended(jupyter, run, live):
    loaded = load(jupyter, run, "change")
    before = live.names()
    printed, raised = live.run(loaded["source"])
    assert raised == ""
    assert printed == (
        "Bound ‘rate’, ‘count’, ‘big’, ‘rows’, ‘factor’, ‘point’ as after step ‘change’ of run 1, with the imports and definitions above."
        " Not kept, because no later step used them: ‘waste’, ‘same’.\n"
    )
    assert live.names() - before == set(loaded["names"])
    log = json.loads(json.dumps(jupyter.call("GET", f"{API}/runs/{run}/steps/use/log")[1]))
    assert live.run(CELLS[-1][1]) == (log, ""), "the next step’s cells print what they printed in the run"


def test_functions_are_bound_to_the_live_namespace(jupyter, run, live):
    live.run(load(jupyter, run, "change")["source"])
    assert live.run("print(scale(1)); factor = 5; print(scale(1))")[0] == "100\n5\n"
    assert live.run("import inspect; print(inspect.getsource(scale))")[0].startswith("def scale(x):\n    return x * factor")


def test_an_array_is_mapped_and_may_be_changed(jupyter, run, live):
    source = load(jupyter, run, "big")["source"]
    live.run("import time, numpy")
    printed, raised = live.run(f"_s = {source!r}\n_t = time.process_time()\nexec(_s)\nprint(time.process_time() - _t)")
    assert raised == "" and float(printed.splitlines()[-1]) < 0.5, printed  # reading 200 MB and a hash of them take longer
    assert live.run("big[1] = 5\nprint(big[0], big[1], big[-1])")[0] == "7 5 24999999\n"
    again = Live(jupyter.root)
    try:
        again.run(source)
        assert again.run("print(big[1])")[0] == "1\n", "the run keeps what it had"
    finally:
        again.end()


def test_a_damaged_bundle_binds_nothing(jupyter, run, live):
    [artifact] = [
        one for one in json.loads(jupyter.call("GET", f"{API}/runs/{run}/artifacts")[1])["artifacts"]
        if any(variable["name"] == "point" for variable in one.get("variables", ()))
    ]  # fmt: skip
    path = Path(artifact["path"])
    whole = path.read_bytes()
    live.run("rows = 'mine'")
    before = live.names()
    try:
        path.write_bytes(whole[:-200] + bytes(200))
        printed, raised = live.run(load(jupyter, run, "change")["source"])
    finally:
        path.write_bytes(whole)
    assert printed == ""
    assert raised.startswith("CannotLoad: Nothing was bound: ") and "from step ‘change’ is damaged" in raised
    assert live.names() == before and live.run("print(rows)")[0] == "mine\n"


def test_a_package_that_is_missing_here_binds_nothing(jupyter, run, live):
    live.run("import sys; sys.modules['numpy'] = None")
    before = live.names()
    _, raised = live.run(load(jupyter, run, "change")["source"])
    assert raised.startswith("CannotLoad: Nothing was bound: cell 2, line 1 cannot run again here: ModuleNotFoundError")
    assert live.names() == before


@pytest.mark.parametrize("step, words", [("nowhere", "Run 1 has no step ‘nowhere’.")])
def test_what_is_not_there_is_said(jupyter, run, step, words):
    status, text = jupyter.call("GET", f"{API}/runs/{run}/steps/{step}/load")
    assert (status, json.loads(text)["message"]) == (404, words)


def test_freshness_says_what_would_run_again_and_why(jupyter, run):
    def freshness(**request):
        status, text = jupyter.call("POST", f"{API}/freshness", {"notebook": "a.ipynb", **request})
        assert status == 200, text
        return {one["step"]: (one["state"], one.get("reason")) for one in json.loads(text)["steps"]}

    assert freshness(parameters={"rate": 2}) == {step: ("fresh", "Unchanged since run 1.") for step in ("load", "big", "change", "use")}
    assert freshness()["use"] == ("stale", "Since run 1: ‘rate’ is 0.5, was 2.")
    content = json.loads((jupyter.root / "a.ipynb").read_text())
    content["cells"][1]["source"] += "\nnew = 1"
    content["cells"].append({**content["cells"][-1], "id": "new", "metadata": {"tags": ["step:new"]}, "source": "n = 1"})
    assert freshness(content=content, parameters={"rate": 2}) == {
        "load": ("stale", "Since run 1: its source changed."),
        "big": ("fresh", "Unchanged since run 1."),
        "change": ("stale", "Step ‘load’ before it must run first."),
        "use": ("stale", "Step ‘change’ before it must run first."),
        "new": ("never", None),
    }
