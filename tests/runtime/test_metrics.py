"""What a metrics cell shows or prints becomes metrics: one line a way to write it."""

from __future__ import annotations

import pytest

from jupyterlab_sluice.runtime.metrics import Metrics
from jupyterlab_sluice.runtime.outputs import Recorder
from jupyterlab_sluice.runtime.plain import PlainShell

BEFORE = """
from fractions import Fraction
from types import SimpleNamespace
acc, auc, name, big = 0.5, 0.75, "rf", {"a": 1, "b": {"c": 2.5}}
m = SimpleNamespace(auc=0.25, score=lambda *_: 0.125)
def accuracy_score(y, p): return 0.0625
y = p = None
scores = {"rf": 0.9, "svm": 0.8}
"""


def metrics_of(cell: str, before: str = BEFORE) -> dict:
    """The metrics of one cell, run without IPython in this process."""
    told: dict = {}
    capture_of(cell, before, told)
    return told


def capture_of(cell: str, before: str, told: dict) -> Metrics:
    """Capture the metrics of one cell."""
    namespace: dict = {"__name__": "__main__"}
    shell = PlainShell(namespace, Recorder())
    assert shell.run(before, "<cell 1: t>") is None
    metrics = Metrics(told.__setitem__)
    capture = metrics.capture(namespace)
    raised = shell.run(cell, "<cell 2: t>", rewrite=capture.rewrite)
    assert raised is None, raised
    capture.finish()
    assert "__sluice_metric__" not in namespace
    return metrics


@pytest.mark.parametrize(
    "title, cell, expected",
    [
        ("a name", "acc", {"acc": 0.5}),
        ("each statement", "acc\nauc", {"acc": 0.5, "auc": 0.75}),
        ("a tuple", "acc, auc", {"acc": 0.5, "auc": 0.75}),
        ("names in print", "print(acc, auc)", {"acc": 0.5, "auc": 0.75}),
        ("a name that holds text", "print(name)", {"name": "rf"}),
        ("a label and a value", 'print("area", auc)', {"area": 0.75}),
        ("a label with a colon", 'print("area:", auc, "acc =", acc)', {"area": 0.75, "acc": 0.5}),
        ("an f-string", 'print(f"accuracy: {acc:.3f}")', {"accuracy": 0.5}),
        ("an f-string with two holes", 'print(f"accuracy: {acc:.3f}, area = {auc}")', {"accuracy": 0.5, "area": 0.75}),
        ("an f-string without text", 'print(f"{acc}")', {"acc": 0.5}),
        ("f-string's =", 'print(f"{acc=}")', {"acc": 0.5}),
        ("percent format", 'print("accuracy: %.3f (area %.2f)" % (acc, auc))', {"accuracy": 0.5, "area": 0.75}),
        ("str.format", 'print("accuracy: {:.3f}".format(acc))', {"accuracy": 0.5}),
        ("a call", "accuracy_score(y, p)", {"accuracy_score": 0.0625}),
        ("a method", "m.score(1, 2)", {"score": 0.125}),
        ("an attribute", "m.auc", {"auc": 0.25}),
        ("a key", 'scores["rf"]', {"rf": 0.9}),
        ("a rounded name", "round(auc, 1)", {"auc": 0.8}),
        ("two of one name", "m.score(1)\nm.score(2)", {"score": 0.125, "m.score(2)": 0.125}),
        ("an expression", "acc + auc", {"acc + auc": 1.25}),
        ("a dict, nested", '{"x": 1, "y": {"z": 2}}', {"x": 1, "y.z": 2}),
        ("a name that holds a dict", "big", {"a": 1, "b.c": 2.5}),
        ("a list", "[1, 2]", {"[1, 2]": [1, 2]}),
        ("numbers that it binds", "f1 = 0.5\nn: int = 3\n_t = 1\nlabel = 'x'", {"f1": 0.5, "n": 3}),
        ("a bound number that is shown under a label counts once", 'f1 = 0.5\nprint("F1", f1)', {"F1": 0.5}),
        (
            "prints in a loop take the text as label",
            "for k, v in scores.items():\n    print(k, v)",
            {"rf": 0.9, "svm": 0.8},
        ),
        ("an f-string in a loop", 'for k, v in scores.items():\n    print(f"{k}: {v:.2f}")', {"rf": 0.9, "svm": 0.8}),
        ("print under a condition", "if acc > 0:\n    print(acc)", {"acc": 0.5}),
        ("functions' prints are none", "def g():\n    print(acc)\ng()", {}),
        ("texts alone are none", 'print("done")\n"comment"\n1', {}),
        ("None is none", "print(y)", {}),
        ("not a number", 'float("nan")', {"float": "NaN"}),
        ("infinities", 'x = float("-inf")\nx', {"x": "-Infinity"}),
        ("a fraction", "Fraction(1, 4)", {"Fraction": 0.25}),
        ("a huge integer", "10**400", {"10 ** 400": "1" + "0" * 400}),
        ("display", "display(acc)", {"acc": 0.5}),
        ("starred print", "print(*[acc])", {}),
        ("with and try", "try:\n    print(acc)\nfinally:\n    print(auc)", {"acc": 0.5, "auc": 0.75}),
    ],
)
def test_metrics(title, cell, expected):
    assert metrics_of(cell) == expected


NUMPY = "import numpy as np, pandas as pd\nframe = pd.DataFrame({'a': [1, 2], 'b': [0.5, np.nan]}, index=['x', 'y'])"


@pytest.mark.parametrize(
    "title, cell, expected",
    [
        ("numpy scalars", "np.float32(0.5)\nnp.int64(3)\nnp.bool_(True)", {"float32": 0.5, "int64": 3, "bool_": True}),
        ("a frame", "frame", {"frame": {"columns": ["a", "b"], "index": ["x", "y"], "data": [[1, 0.5], [2, "NaN"]]}}),
        ("a series", "frame['a']", {"a": {"columns": ["a"], "index": ["x", "y"], "data": [[1], [2]]}}),
        (
            "a matrix",
            "cm = np.eye(2, dtype=int)\ncm",
            {"cm": {"columns": [0, 1], "index": [0, 1], "data": [[1, 0], [0, 1]]}},
        ),
        (
            "curves",
            "fpr = np.array([0.0, 1.0])\nprint(fpr)",
            {"fpr": {"columns": ["value"], "index": [0, 1], "data": [[0.0], [1.0]]}},
        ),
        ("np.round", "auc = 0.123\nnp.round(auc, 1)", {"auc": 0.1}),
        ("a long series is cut", "len(pd.Series(range(3000)))\ns = pd.Series(range(3000))\ns", None),
    ],
)
def test_metrics_of_packages(title, cell, expected):
    found = metrics_of(cell, NUMPY)
    if expected is None:
        assert len(found["s"]["data"]) == 1000 and found["s"]["rows"] == 3000
    else:
        assert found == expected


def test_metrics_reach_events_file_and_metadata(steps):
    ended = steps.run(
        "eval", "acc = 0.5", metrics="import sys\nprint('acc:', acc)\n{'table': [1, 2], 'loss': float('nan')}"
    )
    assert [(event["name"], event["value"]) for event in ended.of("metric")] == [
        ("acc", 0.5),
        ("table", [1, 2]),
        ("loss", "NaN"),
    ]
    assert ended.metrics == {"acc": 0.5, "table": [1, 2], "loss": "NaN"}
    (artifact,) = ended.output["artifacts"]["sluice_metrics"]["artifacts"]
    assert artifact["metadata"] == {"acc": 0.5, "loss": "NaN"}
    assert ended.stdout == "acc: 0.5\n"
    assert ended.notebook["cells"][1]["outputs"][-1]["data"]["text/plain"] == "{'table': [1, 2], 'loss': nan}"
    assert [event["output"]["output_type"] for event in ended.of("output")] == ["execute_result"]


def test_a_metrics_cell_that_fails_keeps_its_lines(steps):
    ended = steps.run("eval", metrics="a = 1\nprint(a)\nprint(\n  1 / 0)")
    assert (ended.status, ended.failure["line"], ended.metrics) == (1, 4, {"a": 1})
