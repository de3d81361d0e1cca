"""The examples, judged by the one sentence that decides everything: the notebook run from top to bottom is the truth.

Each example is checked and run by the real ``sluice`` command, and run once by nbclient in a kernel of its own; the metrics
must be the same. All of it happens in a copy, and the copy must look afterwards as it did before.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"
SLUICE = Path(sys.executable).with_name("sluice")

# notebook: an expression for its metrics, as the notebook itself has them after its last cell
TRUTH = {
    "tumours.ipynb": '{"accuracy": accuracy, "auc": auc}',
    "diabetes/progression.ipynb": '{"r2": r2.max(), "mae": mae.min(), "best": r2.idxmax()}',
    "untidy.ipynb": '{"scaled": scaled, "plain": plain, "entries": entries}',
}

# notebook: {step: (steps that must have ended before, values it takes)}
STEPS = {
    "tumours.ipynb": {
        "load": ([], []),
        "prepare": (["load"], ["tumours"]),
        "train_forest": (["prepare"], ["centre", "features", "spread", "train"]),
        "train_logistic": (["prepare"], ["centre", "features", "spread", "train"]),
        "evaluate": (
            ["prepare", "train_forest", "train_logistic"],
            ["centre", "features", "forest", "logistic", "spread", "test"],
        ),
    },
    "diabetes/progression.ipynb": {
        "read": ([], []),
        "features": (["read"], ["patients"]),
        "fit_ridge": (["features"], ["columns", "train"]),
        "fit_boosting": (["features"], ["columns", "train"]),
        "predict": (["features", "fit_ridge", "fit_boosting"], ["boosting", "columns", "ridge", "test"]),
        "residuals": (["predict"], []),
    },
}

# Flows worth naming one by one: (notebook, name, from, to, kind).
FLOWS = [
    ("tumours.ipynb", "standardise", "prepare", "train_forest", "definition"),
    ("tumours.ipynb", "standardise", "prepare", "evaluate", "definition"),
    ("diabetes/progression.ipynb", "predictions.csv", "predict", "residuals", "file"),
    ("untidy.ipynb", "log", "get", "clean", "value"),
    ("untidy.ipynb", "log", "clean", "shuffle", "value"),
    ("untidy.ipynb", "settings", "clean", "shuffle", "value"),
    ("untidy.ipynb", "df", "clean", "shuffle", "value"),
    ("untidy.ipynb", "log", "plain", "score", "value"),
]

PARAMETERS = [
    ("tumours.ipynb", {"n_trees": ("integer", 200), "max_depth": ("integer", 8), "test_size": ("float", 0.3), "seed": ("integer", 7)}),
    ("diabetes/progression.ipynb", {"test_share": ("float", 0.25), "alpha": ("float", 1), "rate": ("float", 0.05), "seed": ("integer", 1)}),
    ("untidy.ipynb", {}),
]


def sluice(*arguments: object, home: Path) -> subprocess.CompletedProcess:
    """Run the command as a user would, with its records kept in `home`."""
    return subprocess.run(
        [SLUICE, *map(str, arguments)],
        env={**os.environ, "SLUICE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )


def check(notebook: str, home: Path) -> dict:
    done = sluice("check", EXAMPLES / notebook, "--json", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def fingerprints(folder: Path) -> dict:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copy_examples(to: Path) -> Path:
    """Only what git keeps: a `predictions.csv` that someone's notebook left must not help us."""
    return Path(shutil.copytree(EXAMPLES, to, ignore=shutil.ignore_patterns(".sluice", ".ipynb_checkpoints", "predictions.csv")))


def top_to_bottom(path: Path, expression: str) -> dict:
    """What the notebook's own kernel says its metrics are."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(
        nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({expression}, default=lambda value: value.item()))")
    )
    NotebookClient(notebook, timeout=180, resources={"metadata": {"path": str(path.parent)}}).execute()
    return json.loads(notebook.cells[-1].outputs[0]["text"])


@pytest.mark.parametrize("notebook", TRUTH)
def test_an_example_carries_no_outputs_and_checks_without_errors(notebook: str, tmp_path: Path):
    for cell in nbformat.read(EXAMPLES / notebook, as_version=4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None, f"cell {cell.id} of {notebook} has outputs"
    errors = [one for one in check(notebook, tmp_path)["diagnostics"] if one["severity"] == "error"]
    assert errors == []


@pytest.mark.parametrize("notebook", STEPS)
def test_steps_wait_for_and_take_just_what_they_need(notebook: str, tmp_path: Path):
    steps = {step["name"]: (step["after"], sorted(step["inputs"])) for step in check(notebook, tmp_path)["steps"]}
    assert steps == STEPS[notebook]


@pytest.mark.parametrize("notebook, name, source, target, kind", FLOWS)
def test_flow(notebook: str, name: str, source: str, target: str, kind: str, tmp_path: Path):
    flows = [(flow["name"], flow["from"], flow["to"], flow["kind"]) for flow in check(notebook, tmp_path)["flows"]]
    assert (name, source, target, kind) in flows


@pytest.mark.parametrize("notebook, expected", PARAMETERS)
def test_parameters_have_the_types_of_their_literals(notebook: str, expected: dict, tmp_path: Path):
    found = {one["name"]: (one["type"], one["default"]) for one in check(notebook, tmp_path)["parameters"]}
    assert found == expected


def test_skipped_cells_are_in_no_step(tmp_path: Path):
    cells = nbformat.read(EXAMPLES / "untidy.ipynb", as_version=4).cells
    skipped = {index for index, cell in enumerate(cells) if "skip" in cell.metadata.get("tags", [])}
    used = {index for step in check("untidy.ipynb", tmp_path)["steps"] for index in step["cells"]}
    assert len(skipped) == 3 and not skipped & used


@pytest.mark.parametrize("notebook", TRUTH)
def test_a_run_gives_the_metrics_of_the_notebook_run_from_top_to_bottom(notebook: str, tmp_path: Path):
    examples = copy_examples(tmp_path / "examples")
    before = fingerprints(examples)
    done = sluice("run", examples / notebook, "--json", home=tmp_path / "home")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert fingerprints(examples) == before, "a run must leave the user's folder as it was"

    *_, last = map(json.loads, done.stdout.splitlines())
    assert (last["type"], last["state"]) == ("run-ended", "succeeded")
    truth = top_to_bottom(examples / notebook, TRUTH[notebook])
    assert {name: last["metrics"].get(name) for name in truth} == {
        # Sums may differ in their last digit between two processes; nothing else may.
        name: pytest.approx(value, rel=1e-12, abs=0) if isinstance(value, float) else value
        for name, value in truth.items()
    }


def test_a_parameter_changes_what_a_run_gives(tmp_path: Path):
    done = sluice("run", copy_examples(tmp_path / "examples") / "tumours.ipynb", "-p", "test_size=0.5", "--json", home=tmp_path / "home")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    log = "".join(one["text"] for one in map(json.loads, done.stdout.splitlines()) if one["type"] == "log" and one["step"] == "evaluate")
    accuracy = json.loads(done.stdout.splitlines()[-1])["metrics"]["accuracy"]
    assert accuracy * 285 == pytest.approx(round(accuracy * 285)), f"accuracy is not a share of 285 tumours; the step said:\n{log}"
