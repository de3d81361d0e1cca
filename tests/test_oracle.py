"""The tracer sees what a notebook reads, and what it saw of the shared cases still holds; what core infers is enough to run each step alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from equivalence.harness import analyze

pytest.importorskip("cloudpickle")

from oracle.trace_notebook import isolated, replay, trace  # noqa: E402

CASES = json.loads((Path(__file__).parents[1] / "core" / "test" / "cases" / "flows.json").read_text())
KINDS = {"value", "definition", "import"}

# What the second cell reads of the first, which is SETUP.
SETUP = "x = 1; k = 2; M = type\nclass B: pass"
READS = [
    ("x + k", "k x"),
    ("[x + k for x in (1, 2)]", "k"),
    ("class A:\n  y = [x * k for _ in range(2)]", "k x"),
    ("class A:\n  y = [x for x in [1]]", ""),
    ("class A:\n  y = [[x for _ in range(k)] for _ in range(2)]", "k x"),
    ("class A:\n  z = {a: x for a in range(k) if a < k}\n  g = lambda s: M", "k x"),
    ("class A:\n  x = x\n  def f(s): return k", "x"),
    ("class A:\n  x = 5\n  y = x", ""),
    ("class A(B, metaclass=M): pass", "B M"),
    ("def f(): return [x for _ in range(k)]\nf()", "k x"),
    ("def f(a=x): return k", "x"),
    ("(lambda: x)()", "x"),
    ("f'{x!r:>{k}}'", "k x"),
    ("eval('x') + globals()['k']", "k x"),
    ("x = 5\nx", ""),
    ("del x", "x"),
    ("x += k", "k x"),
    ("%time x", "x"),
    ("!echo {k}", "k"),
    ("await __import__('asyncio').sleep(0, x)", "x"),
]
NEWER = [
    ((3, 10), "match x:\n  case 1: y = k", "k x"),
    ((3, 12), "class A[T]:\n  y: T = x\ndef g[T: (int)](a: T = k): return a\ntype X = list[M]", "k x"),
]
TABLE = READS + [(source, reads) for since, source, reads in NEWER if sys.version_info >= since]


@pytest.mark.parametrize("source, expected", TABLE, ids=[source for source, _ in TABLE])
def test_reads(source: str, expected: str):
    status, steps = isolated(trace, [{"step": "a", "source": SETUP}, {"step": "b", "source": source}])
    assert (status, steps["b"]["reads"] if status == "ok" else steps) == ("ok", expected.split())


@pytest.mark.parametrize("python", os.environ.get("SLUICE_ORACLE_PYTHONS", "").split())
def test_reads_in_another_python(python: str):
    """Pythons that have IPython, cloudpickle and pytest, by their paths."""
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(Path(__file__).parent)]
    done = subprocess.run([*command, __file__, "-k", "test_reads and not another"], capture_output=True, text=True, env={**os.environ, "SLUICE_ORACLE_PYTHONS": "", "PYTHONPATH": str(Path(__file__).parent)})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.fixture(scope="module")
def traced() -> list[tuple[str, Any]]:
    return [isolated(trace, case["cells"]) for case in CASES]


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_the_stored_truth_holds(index: int, traced: list[tuple[str, Any]]):
    case, (status, steps) = CASES[index], traced[index]
    assert status == "ok", steps
    seen = {step: {kind: steps[step][kind] for kind in truth} for step, truth in case["truth"].items()}
    for truth in (seen, case["truth"]):  # what `import *` brings differs from Python to Python
        for kinds in truth.values():
            if "binds" in kinds and len(kinds["binds"]) > 30:
                kinds["binds"] = "many"
    assert seen == {step: {kind: sorted(names) if names != "many" else names for kind, names in truth.items()} for step, truth in case["truth"].items()}
    assert [outcome for outcome in replay(case["cells"], steps).values() if not outcome["ok"]] == []


@pytest.fixture(scope="module")
def pipelines() -> list[Any]:
    return analyze([[{"tags": [f"step:{cell['step']}"], "source": cell["source"]} for cell in case["cells"]] for case in CASES])


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
