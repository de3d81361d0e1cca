"""The tracer sees what a notebook reads, and what it saw of the shared cases still holds; what core infers is enough to run each step alone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from equivalence.harness import Case, analyze

cloudpickle = pytest.importorskip("cloudpickle")

from oracle.check import CASES, TABLE, explain_reads, explain_truth  # noqa: E402
from oracle.trace_notebook import isolated, replay, trace  # noqa: E402
from runtime.conftest import other_pythons  # noqa: E402

KINDS = {"value", "definition", "import"}


@pytest.mark.parametrize("source, expected", TABLE, ids=[source for source, _ in TABLE])
def test_reads(source: str, expected: str):
    assert explain_reads(source, expected) is None


# further ones, that have an IPython of their own, by their paths
OTHERS = [*os.environ.get("SLUICE_ORACLE_PYTHONS", "").split(), *other_pythons()]


@pytest.mark.parametrize("python", OTHERS)
def test_another_python(python: str):
    """With its own IPython or, where it can import that, with ours."""
    tests = Path(__file__).parent
    for folders in ([tests], [tests, Path(cloudpickle.__file__).parents[1]]):
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
        if not subprocess.run([python, "-c", "import oracle.session"], env=env, capture_output=True).returncode:
            break
    else:
        pytest.skip("It has no IPython and cloudpickle, and ours are too new for it.")
    done = subprocess.run([python, "-m", "oracle.check"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["wrong"] == []
    assert told["cells"] >= 20 and told["notebooks"] >= 20 and told["replayed"] >= 10


@pytest.fixture(scope="module")
def traced() -> list[tuple[str, Any]]:
    return [isolated(trace, case["cells"]) for case in CASES]


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_the_stored_truth_holds(index: int, traced: list[tuple[str, Any]]):
    case, (status, steps) = CASES[index], traced[index]
    assert status == "ok", steps
    assert explain_truth(case, steps) is None
    assert [outcome for outcome in replay(case["cells"], steps).values() if not outcome["ok"]] == []


@pytest.fixture(scope="module")
def pipelines() -> list[Any]:
    notebooks = [[{"tags": [f"step:{cell['step']}"], "source": cell["source"]} for cell in case["cells"]] for case in CASES]
    return analyze([Case(case["name"], "same", cells) for case, cells in zip(CASES, notebooks)])


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_what_core_infers_is_enough_to_run_each_step_alone(index: int, traced: list[tuple[str, Any]], pipelines: list[Any]):
    case, (_, steps), pipeline = CASES[index], traced[index], pipelines[index]
    if any(one["severity"] == "error" for one in pipeline["diagnostics"]):
        pytest.skip("refused")
    inputs: dict[str, list[str]] = {}
    for step in pipeline["steps"]:
        values = [name for item in step["setup"] if item["kind"] == "value" for name in item["bundle"]["names"]]
        flows = [flow["name"] for flow in pipeline["flows"] if flow["to"] == step["name"] and flow["kind"] in KINDS]
        inputs[step["name"]] = [*values, *flows]
    outcomes = replay(case["cells"], steps, inputs)
    for step in pipeline["steps"]:
        outcome = outcomes[step["name"]]
        needed = {name for bundle in step["outputs"] for name in bundle["names"]} | set(steps[step["name"]]["binds"])
        assert "error" not in outcome, outcome
        assert needed & set(outcome["differs"]) == set()
