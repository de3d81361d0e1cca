"""A step by its contract, from the command line to what it leaves."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import pytest

from .harness import BOOT, PACKED, RUNTIME


def test_values_pass_from_step_to_step(steps):
    first = steps.run("load", "x = [1, 2]\ny = x", "print('hi')\nlen(x)", give="x y", parameters={"n": 3})
    assert (first.status, first.stdout, first.stderr) == (0, "hi\n", "")
    second = steps.run("use", "y.append(3)\nprint(x is y, x)", take="x y")
    assert (second.status, second.stdout) == (0, "True [1, 2, 3]\n")


def test_a_step_leaves_its_executed_notebook(steps):
    ended = steps.run(
        "load", "a = 1\nprint(a)\na + 1", "a * 2", setup=["import math\nprint('no')"], parameters={"n": 3}
    )
    notebook = nbformat.from_dict(ended.notebook)
    nbformat.validate(notebook)
    setup, first, second = notebook.cells
    assert setup.metadata.tags == ["sluice-setup"] and "n = 3" in setup.source and "import math" in setup.source
    assert [output.output_type for output in first.outputs] == ["stream", "execute_result"]
    assert second.outputs[0].data["text/plain"] == "2" and (first.execution_count, second.execution_count) == (1, 2)
    assert "no" not in ended.stdout


def test_a_failing_step_tells_where(steps):
    ended = steps.run("train", "a = 1", "def f():\n    return 1 / 0\nf()", "b = 2", give="a")
    assert ended.status == 1
    assert {key: ended.failure[key] for key in ("name", "message", "cell", "line")} == {
        "name": "ZeroDivisionError",
        "message": "division by zero",
        "cell": 1,
        "line": 2,
    }
    assert "cell 2, line 3" in ended.stderr and "return 1 / 0" in ended.stderr and "sluice_runtime" not in ended.stderr
    nbformat.validate(nbformat.from_dict(ended.notebook))
    assert [cell["metadata"]["sluice"]["state"] for cell in ended.notebook["cells"]] == [
        "succeeded",
        "failed",
        "pending",
    ]
    assert ended.notebook["cells"][1]["outputs"][-1]["ename"] == "ZeroDivisionError"
    assert list(ended.output["artifacts"]) == ["sluice_notebook", "sluice_metrics"]


def test_the_packed_runtime_is_small():
    assert len(PACKED) < 60 * 1024


@pytest.mark.parametrize("program", [BOOT, (RUNTIME.parent / "packages/prepare.py").read_text()], ids=["step", "packages"])
def test_an_old_python_is_told_of_before_anything_that_it_lacks(program):
    old = "import sys\nsys.version_info = (3, 6, 15)\nfor name in ('importlib.machinery', 'importlib.metadata'): sys.modules[name] = None\n"
    ended = subprocess.run([sys.executable, "-c", old + "exec(sys.argv[1])", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("The Python here is 3.6.15, and a step needs 3.9 or later. Choose an image")
    assert program.isascii()  # in the POSIX locale Python 3.6 takes nothing else
