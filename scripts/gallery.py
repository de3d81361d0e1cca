"""Score inference on real code: scikit-learn's gallery of examples, each a notebook with every cell a step, and again in a few larger steps.

The truth is traced by tests/oracle/trace_notebook.py, once, and kept. `sluice check` is held to it: what a step read or changed
must be among its inputs (recall), and little else should be (precision). With `--replay`, `sluice verify` runs each notebook and
its pipeline; the share whose pipeline does what the notebook does is what counts in the end.

    python scripts/gallery.py scikit_learn-1.9.1/examples --work gallery --replay

Needs scikit-learn, matplotlib, pandas, seaborn, IPython and cloudpickle. Examples that fetch data, or run for more than 90 s, are left
out. The truth and the outcomes of replays are kept in the folder `--work`, so that a run that was broken off goes on where it ended.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any, Iterator, NamedTuple

ROOT = Path(__file__).parent.parent
TRACER = ROOT / "tests" / "oracle" / "trace_notebook.py"
ONLINE = re.compile(r"fetch_|plotly|n_jobs=\d{2}")
GROUP_SEED = 4
TRACE_SECONDS, CHECK_SECONDS, VERIFY_SECONDS = 90, 60, 1500
#: read by everything that shows its last expression; values of the session, not of the notebook
SESSION = {"_", "Out"}


class Notebook(NamedTuple):
    """A notebook made of an example, and which of its cells each step has."""

    name: str
    path: Path
    groups: list[list[int]]


# Making notebooks.


def split_cells(source: str) -> list[str]:
    """The code cells of an example: parts between `# %%` lines, without the introduction and parts that are only text."""
    cells = []
    for part in re.split(r"(?m)^# %%.*$", source):
        part = part.strip("\n")
        has_code = any(line.strip() and not line.strip().startswith("#") for line in part.split("\n"))
        is_text = re.fullmatch(r'(?s)\s*(r?""".*?""")\s*(#[^\n]*\n?\s*)*', part)
        if has_code and not is_text:
            cells.append(part)
    return cells


def read_cells(file: Path) -> list[str]:
    """The code cells of a notebook."""
    cells = [cell for cell in json.loads(file.read_text())["cells"] if cell["cell_type"] == "code"]
    return [source for source in ("".join(cell["source"]) for cell in cells) if source.strip()]


def group_cells(count: int, name: str) -> list[list[int]]:
    """Neighbouring cells in four to eight steps, by chance but always the same for this name."""
    chance = random.Random(zlib.crc32(name.encode()) + GROUP_SEED)
    steps = min(count, chance.randint(4, 8))
    starts = [0, *sorted(chance.sample(range(1, count), steps - 1)), count]
    return [list(range(*span)) for span in zip(starts, starts[1:])]


def write_notebook(path: Path, cells: list[str], groups: list[list[int]]) -> None:
    """Write a notebook with a step for each group; its other cells join the step above them."""
    heads = {group[0]: number for number, group in enumerate(groups)}
    listed = [
        {"id": f"c{index}", "cell_type": "code", "source": source, "outputs": [], "execution_count": None,
         "metadata": {"tags": [f"step:c{heads[index]}"]} if index in heads else {}}
        for index, source in enumerate(cells)
    ]  # fmt: skip
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": listed}))


def make_notebooks(examples: Path, work: Path, form: str) -> Iterator[Notebook]:
    """Notebooks of all examples that run without a network and have three cells or more; other notebooks come with the folders beside them."""
    for file in sorted([*examples.rglob("plot_*.py"), *examples.rglob("*.ipynb")]):
        cells = split_cells(file.read_text()) if file.suffix == ".py" else read_cells(file)
        if ONLINE.search("\n".join(cells)) or len(cells) < 3:
            continue
        groups = [[index] for index in range(len(cells))] if form == "cells" else group_cells(len(cells), file.stem)
        path = work / form / file.stem / f"{file.stem}.ipynb"
        write_notebook(path, cells, groups)
        if file.suffix == ".ipynb":
            for folder in [one for one in file.parent.iterdir() if one.is_dir()]:
                shutil.copytree(folder, path.parent / folder.name, dirs_exist_ok=True)
        yield Notebook(file.stem, path, groups)


# The truth.


def trace(notebook: Notebook, work: Path, python: str) -> Any:
    """What each cell read, bound and changed; None where the example does not run in the time given. Kept for the next time."""
    kept, failed = work / "truth" / f"{notebook.name}.json", work / "truth" / f"{notebook.name}.err"
    if not kept.exists() and not failed.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(notebook.path.parent, folder, dirs_exist_ok=True)
            command = [python, str(TRACER), str(notebook.path), "--cells", "-o", str(part)]
            done = run(command, TRACE_SECONDS, cwd=folder, env={"MPLBACKEND": "Agg"})
        if done.returncode == 0:
            part.rename(kept)
        else:
            failed.write_text(done.stderr[-2000:])
    return json.loads(kept.read_text()) if kept.exists() else None


def truth_of_groups(truth: Any, groups: list[list[int]]) -> dict[str, dict[str, set[str]]]:
    """From cells to steps: what a cell takes from another cell of its own step is no input of the step. What it only changes, by an alias
    of another name, counts where a later step reads it by this name."""
    step_of = {f"c{cell}": number for number, group in enumerate(groups) for cell in group}
    binder: dict[str, int] = {}
    steps: dict[str, dict[str, set[str]]] = {f"c{n}": {"wanted": set(), "imports": set()} for n in range(len(groups))}
    cells = sorted(truth.items(), key=lambda item: int(item[0][1:]))
    for place, (cell, seen) in enumerate(cells):
        own = step_of[cell]
        later = [(step_of[other], truth[other]) for other, _ in cells[place + 1 :]]
        changed = {name for name in seen["mutates"] if is_read(name, own, later)}
        for kind, names in (("wanted", {*seen["reads"], *changed} - SESSION), ("imports", seen["imports"])):
            steps[f"c{own}"][kind] |= {name for name in names if binder.get(name) != own}
        for name in seen["binds"]:
            binder[name] = own
    return steps


def is_read(name: str, step: int, later: list[tuple[int, Any]]) -> bool:
    """Whether another step reads the name before it is bound anew."""
    for other, seen in later:
        if other != step and name in seen["reads"]:
            return True
        if name in seen["binds"] or name in seen["deletes"]:
            return False
    return False


# What Sluice says.


class Score(NamedTuple):
    """One step: its true inputs, those found and those that are too many."""

    notebook: str
    step: str
    wanted: set[str]
    missed: set[str]
    inputs: set[str]
    extra: set[str]


def check(notebook: Notebook, truth: Any, sluice: list[str]) -> list[Score] | str:
    """Scores of a notebook's steps; a sentence where `sluice check` did not answer."""
    done = run([*sluice, "check", str(notebook.path), "--json"], CHECK_SECONDS)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return f"no answer: {done.stderr.strip()[-300:]}"
    errors = [one["message"] for one in report["diagnostics"] if one["severity"] == "error"]
    if errors:
        return f"refused: {errors[0]}"
    flows = collections.defaultdict(set)
    for flow in report["flows"]:
        if flow["kind"] in ("value", "definition", "import"):
            flows[flow["to"]].add(flow["name"])
    given = {step["name"]: set(step["inputs"]) for step in report["steps"]}
    scores = []
    for step, seen in truth_of_groups(truth, notebook.groups).items():
        inputs, wanted = given.get(step, set()), seen["wanted"]
        missed = wanted - inputs - flows[step]
        scores.append(Score(notebook.name, step, wanted, missed, inputs, inputs - wanted - seen["imports"] - SESSION))
    return scores


def print_scores(form: str, scores: list[Score], problems: dict[str, str]) -> None:
    """The figures, then each miss."""
    wanted, missed = (sum(len(getattr(score, key)) for score in scores) for key in ("wanted", "missed"))
    inputs, extra = (sum(len(getattr(score, key)) for score in scores) for key in ("inputs", "extra"))
    exact = sum(not score.missed and not score.extra for score in scores)
    print(f"\n{form}: {len({score.notebook for score in scores})} notebooks, {len(scores)} steps")
    print(f"  recall     {1 - missed / max(1, wanted):.4f}  ({missed} of {wanted} missed)")
    print(f"  precision  {1 - extra / max(1, inputs):.4f}  ({extra} of {inputs} too many)")
    print(f"  exact      {exact / max(1, len(scores)):.4f}  ({exact} of {len(scores)} steps)")
    for score in scores:
        if score.missed:
            print(f"  MISSED   {score.notebook} {score.step}: {', '.join(sorted(score.missed))}")
    for score in scores:
        if score.extra:
            print(f"  TOO MANY {score.notebook} {score.step}: {', '.join(sorted(score.extra))}")
    for name, problem in problems.items():
        print(f"  PROBLEM  {name}: {problem}")


# Replay.


def replay(notebook: Notebook, form: str, sluice: list[str], work: Path) -> list[str]:
    """`sluice verify`: the outcome, and what differs first. Kept for the next time."""
    kept = work / "replay" / form / f"{notebook.name}.json"
    if not kept.exists():
        home = work / "homes" / form / notebook.name
        found = verify(notebook, sluice, home)
        if found[0] == "broken":
            return list(found)
        if found[0] == "same":
            shutil.rmtree(home)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found))
    return json.loads(kept.read_text())


def verify(notebook: Notebook, sluice: list[str], home: Path) -> tuple[str, str]:
    """As `replay`, always anew; the run's records come to be in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    env = {"SLUICE_HOME": str(home), "SLUICE_JOBS": "1"}
    done = run([*sluice, "verify", str(notebook.path), "--json"], VERIFY_SECONDS, env=env)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return "broken", done.stderr.strip()[-300:]
    first = found["first"]
    unsteady = sum(len(step["unsteady"]) for step in found["steps"])
    if first is None:
        return found["outcome"], f"{unsteady} values or outputs differ from run to run of the notebook" if unsteady else ""
    step = next(step for step in found["steps"] if step["name"] == first["step"])
    return found["outcome"], " ".join([f"{first['step']}, cell {first['cell'] + 1}: {first['text']}", *step["hints"][:2]])


def print_replay(form: str, outcomes: dict[str, list[str]]) -> None:
    """The share that reproduces, then what does not. A notebook that itself fails is not counted."""
    counted = {name: one for name, one in outcomes.items() if one[0] != "failed"}
    same = sum(outcome == "same" for outcome, _ in counted.values())
    print(f"\n{form}: {same} of {len(counted)} pipelines do what their notebooks do ({same / max(1, len(counted)):.4f})")
    for name, (outcome, text) in outcomes.items():
        if outcome != "same":
            print(f"  {outcome.upper()} {name}: {text}")


def run(command: list[str], seconds: int, **more: Any) -> subprocess.CompletedProcess:
    """Run a command; one that takes too long has failed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", **more.pop("env", {})}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=env, stdin=subprocess.DEVNULL, **more)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"took more than {seconds} s")


def main() -> int:
    """Read the arguments, score, print."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("examples", type=Path, help="the folder `examples` of scikit-learn's source")
    arguments.add_argument("--work", type=Path, required=True, help="where notebooks, truth and records are kept")
    arguments.add_argument("--form", choices=["cells", "groups", "both"], default="both")
    arguments.add_argument("--replay", action="store_true", help="run `sluice verify` on each as well")
    arguments.add_argument("--only", default="", help="a part of the names")
    arguments.add_argument("--sample", type=int, help="so many, chosen by chance with a fixed seed")
    arguments.add_argument("--python", default=sys.executable, help="traces the truth")
    arguments.add_argument("--sluice", default=str(Path(sys.executable).with_name("sluice")), help="the command, in words")
    chosen = arguments.parse_args()
    sluice, work = chosen.sluice.split(), chosen.work.resolve()
    for form in ["cells", "groups"] if chosen.form == "both" else [chosen.form]:
        notebooks = [one for one in make_notebooks(chosen.examples, work, form) if chosen.only in one.name]
        if chosen.sample:
            notebooks = random.Random(GROUP_SEED).sample(notebooks, min(chosen.sample, len(notebooks)))
        scores, problems, outcomes = [], {}, {}
        for notebook in notebooks:
            truth = trace(notebook, work, chosen.python)
            if truth is None:
                continue
            found = check(notebook, truth, sluice)
            if isinstance(found, str):
                problems[notebook.name] = found
                outcomes[notebook.name] = ["refused", found]
                continue
            scores += found
            if chosen.replay:
                outcomes[notebook.name] = replay(notebook, form, sluice, work)
                print(form, notebook.name, *outcomes[notebook.name], file=sys.stderr, flush=True)
        print_scores(form, scores, problems)
        if chosen.replay:
            print_replay(form, outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
