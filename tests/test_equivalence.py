"""A pipeline's steps print what the notebook prints from top to bottom, or the notebook is refused with an error.

Cases are text files under `equivalence/`, one a rule, and the shared cases of core's tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from equivalence.harness import Case, analyze, compare, preload, read_cases

HERE = Path(__file__).parent
SHARED = HERE.parent / "core" / "test" / "cases"


def _cases() -> List[Tuple[str, Case]]:
    cases = [(path.stem, case) for path in sorted((HERE / "equivalence").glob("*.txt")) for case in read_cases(path)]
    for case in json.loads((SHARED / "equivalence.json").read_text()):
        cases.append(("shared", Case(case["name"], case["expect"], case["cells"])))
    for case in json.loads((SHARED / "flows.json").read_text()):
        cells = [{"tags": [f"step:{cell['step']}"], "source": cell["source"]} for cell in case["cells"]]
        cases.append(("traced", Case(case["name"], "same", cells)))
    return cases


CASES = _cases()


@pytest.fixture(scope="module")
def pipelines() -> Dict[int, Any]:
    """All pipelines, inferred in one run of Node."""
    preload()
    return dict(enumerate(analyze([case for _, case in CASES])))


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{group}: {case.name}" for group, case in CASES])
def test_pipeline_does_as_the_notebook(index: int, pipelines: Dict[int, Any]) -> None:
    """The pipeline and the notebook print the same, or the pipeline is refused where it must be."""
    problem = compare(CASES[index][1], pipelines[index])
    assert problem is None, problem
