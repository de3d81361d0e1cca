"""Steps to run, written once and turned into what each program wants: a notebook for Sluice, a flow for Metaflow, a pipeline for kfp.local,
a notebook a step for papermill, a script a step for bare Python. Where a program does not pass values itself, files of pickles do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """Source, and the names that it takes from earlier steps and gives to later ones."""

    name: str
    source: str
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()


TRIVIAL = [
    Step("first", "a = 1", gives=("a",)),
    Step("second", "b = a + 1", takes=("a",), gives=("b",)),
    Step("third", "print(a + b)", takes=("a", "b")),
]
#: each tells when its first line is run
CLOCK = [
    Step("first", "import time\na = time.time()\nprint(a)", gives=("a",)),
    Step("second", "b = time.time()\nprint(b, a)", takes=("a",), gives=("b",)),
    Step("third", "print(time.time(), b)", takes=("b",)),
]
SCIENCE = [
    Step(
        "load",
        "import pandas as pd\nfrom sklearn.datasets import load_breast_cancer\nframe = load_breast_cancer(as_frame=True).frame",
        gives=("frame",),
    ),
    Step(
        "scale",
        "import pandas as pd\nfrom sklearn.preprocessing import StandardScaler\ny = frame['target']\nX = pd.DataFrame(StandardScaler().fit_transform(frame.drop(columns='target')))",
        takes=("frame",),
        gives=("X", "y"),
    ),
    Step(
        "divide",
        "import pandas as pd\nfrom sklearn.model_selection import train_test_split\nX_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)",
        takes=("X", "y"),
        gives=("X_train", "X_test", "y_train", "y_test"),
    ),
    Step(
        "train",
        "import pandas as pd\nfrom sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression(max_iter=200).fit(X_train, y_train)",
        takes=("X_train", "y_train"),
        gives=("model",),
    ),
    Step(
        "score",
        "import pandas as pd\nfrom sklearn.metrics import accuracy_score\nprint(round(accuracy_score(y_test, model.predict(X_test)), 3))",
        takes=("X_test", "y_test", "model"),
    ),
]


def write_all(steps: Sequence[Step], folder: Path) -> None:
    """Write every program into the folder."""
    (folder / "notebook.ipynb").write_text(_notebook([(step.source, [f"step:{step.name}"]) for step in steps]))
    (folder / "flow.py").write_text(_flow(steps))
    (folder / "pipeline.py").write_text(_pipeline(steps))
    for step in steps:
        (folder / f"{step.name}.py").write_text(_with_pickles(step))
        (folder / f"{step.name}.ipynb").write_text(_notebook([(_with_pickles(step), [])]))
    names = [step.name for step in steps]
    (folder / "bare.sh").write_text("".join(f'"$1" {name}.py\n' for name in names))
    (folder / "papermill.sh").write_text("".join(f'"$1" -m papermill {name}.ipynb out-{name}.ipynb\n' for name in names))


def _notebook(cells: Sequence[tuple[str, list[str]]]) -> str:
    written = [
        {"cell_type": "code", "id": f"c{index}", "execution_count": None, "outputs": [], "metadata": {"tags": tags}, "source": source}
        for index, (source, tags) in enumerate(cells)
    ]  # fmt: skip
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": written, "metadata": {"kernelspec": kernelspec}, "nbformat": 4, "nbformat_minor": 5})


def _with_pickles(step: Step) -> str:
    takes = [f"{name} = pickle.load(open('{name}.pickle', 'rb'))" for name in step.takes]
    gives = [f"pickle.dump({name}, open('{name}.pickle', 'wb'), protocol=5)" for name in step.gives]
    return "\n".join(["import pickle", *takes, step.source, *gives, ""])


def _flow(steps: Sequence[Step]) -> str:
    lines = ["from metaflow import FlowSpec, step", "", "class Bench(FlowSpec):"]
    names = ["start", *(step.name for step in steps[1:-1]), "end"]
    for step, name, after in zip(steps, names, [*names[1:], ""]):
        body = [f"{taken} = self.{taken}" for taken in step.takes]
        body += [*step.source.splitlines(), *(f"self.{given} = {given}" for given in step.gives)]
        body += [f"self.next(self.{after})"] if after else []
        lines += ["    @step", f"    def {name}(self):", *(f"        {line}" for line in body)]
    return "\n".join([*lines, "Bench()", ""])


def _pipeline(steps: Sequence[Step]) -> str:
    lines = ["from kfp import dsl, local", "local.init(local.SubprocessRunner(use_venv=False))"]
    calls, makers = [], {}
    for step in steps:
        inputs = [f"{name}_in: dsl.Input[dsl.Artifact]" for name in step.takes]
        outputs = [f"{name}_out: dsl.Output[dsl.Artifact]" for name in step.gives]
        body = ["import pickle", *(f"{name} = pickle.load(open({name}_in.path, 'rb'))" for name in step.takes)]
        body += step.source.splitlines()
        body += [f"pickle.dump({name}, open({name}_out.path, 'wb'), protocol=5)" for name in step.gives]
        lines += ["@dsl.component(install_kfp_package=False)", f"def {step.name}({', '.join(inputs + outputs)}):"]
        lines += [f"    {line}" for line in body]
        given = ", ".join(f"{name}_in={makers[name]}.outputs['{name}_out']" for name in step.takes)
        calls.append(f"    {step.name}_task = {step.name}({given})")
        makers.update({name: f"{step.name}_task" for name in step.gives})
    return "\n".join([*lines, "@dsl.pipeline", "def bench():", *calls, "if __name__ == '__main__':", "    bench()", ""])
