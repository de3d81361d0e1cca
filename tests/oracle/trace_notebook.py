"""The truth of a notebook's dependencies, by running it.

    trace_notebook.py NOTEBOOK.ipynb [--cells] [--replay] [--inputs INFERRED.json] [-o OUT.json]

Runs the notebook in order and reports for each step (with `--cells` for each cell):

    reads    names read while last bound by an earlier step: the true inputs
    imports  the same, but modules or bound by an import
    binds    names bound            deletes  names deleted
    mutates  earlier steps' names whose value changed in place, by any alias
    aliases  groups of names bound to one object after the step
    ambient  state of the process that changed: random generators, environment, folder, rcParams, sys.path

`--replay` runs each step again in a new process that holds only its inputs (those traced, or `--inputs` {step: [names]}) and compares
what it binds and changes. The truth is that of the path taken: a branch that is not taken reads nothing. A JSON file
{"cells": [{"step", "source"}]} is taken as well. Needs IPython and cloudpickle; forks, so not for Windows.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import os
import pickle
import sys
import types
from pathlib import Path
from typing import Any, Callable, Optional

if __package__ in (None, ""):  # started as a program
    sys.path[0] = str(Path(__file__).parents[1])
    __package__ = "oracle"
    import oracle  # noqa: F401

from .namespace import Namespace, Recorder
from .session import HIDDEN, Session, dump, load

os.environ.setdefault("MPLBACKEND", "Agg")

Cells = "list[dict[str, str]]"
RUNTIME = Path(__file__).parents[2] / "jupyterlab_sluice" / "runtime"
SIMPLE = (types.ModuleType, type, str, int, float, bool, tuple, type(None), types.FunctionType)


def _load_fingerprint() -> Any:
    """The runtime's own module, by its path: the Python that traces may lack all that its package wants."""
    spec = importlib.util.spec_from_file_location("sluice_fingerprint", RUNTIME / "fingerprint.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_fingerprints = _load_fingerprint()


def fingerprint(value: Any) -> str:
    """What the value is made of; `?` and the reason where that cannot be told."""
    try:
        return _fingerprints.fingerprint(value)
    except Exception as reason:
        return f"?{type(reason).__name__}"


def trace(cells: Cells, snapshots: Optional[dict] = None, wanted: Optional[dict] = None) -> dict[str, Any]:
    """Run the cells. With `snapshots`, also dump the `wanted` names as they are before each step."""
    session = Session()
    namespace, steps = session.namespace, {}
    binder: dict[str, str] = {}
    imported: set[str] = set()
    prints: dict[str, str] = {}
    for cell in cells:
        step = cell["step"]
        seen = steps.setdefault(step, _new_step())
        before, ambient = dict(namespace), read_ambient()
        prints.update({name: fingerprint(value) for name, value in before.items() if name not in HIDDEN and name not in prints})
        if snapshots is not None and not seen["sources"]:
            snapshots[step] = dump(namespace, set(wanted.get(step, ())) - (HIDDEN - {"_", "Out"}))
        Namespace.recorder = recorder = Recorder(namespace)
        try:
            is_shown = session.run(cell["source"])
        finally:
            Namespace.recorder = None
        after = dict(namespace)
        for name, value in recorder.seen.items():
            if binder.get(name, step) != step and (name not in HIDDEN or name in ("_", "Out")):
                is_import = name in imported or isinstance(value, types.ModuleType)
                seen["imports" if is_import else "reads"].add(name)
        for name in set(before) - set(after):
            seen["deletes"].add(name)
            binder.pop(name, None)
        bound = {name for name in recorder.bound if name in after}
        bound |= {name for name, value in after.items() if name not in before or before[name] is not value}
        imports = import_names(session.transform(cell["source"]))
        now = {name: fingerprint(value) for name, value in after.items() if name not in HIDDEN}
        for name in now:
            if name in bound:
                seen["binds"].add(name)
                binder[name] = step
                (imported.add if name in imports or "*" in imports else imported.discard)(name)
            elif now[name] != prints.get(name) and binder.get(name) != step:
                seen["mutates"].add(name)
        if is_shown:
            binder["_"] = binder["Out"] = step
        prints = now
        changed = read_ambient()
        seen["ambient"] |= {name for name in changed if name in ambient and ambient[name] != changed[name]}
        seen["aliases"] = find_aliases({name: value for name, value in after.items() if name not in HIDDEN and binder.get(name)})
        seen["sources"].append(cell["source"])
        seen["out"] = {name: now[name] for name in sorted((seen["binds"] | seen["mutates"]) & set(now))}
    return {step: {key: sorted(value) if isinstance(value, set) else value for key, value in seen.items()} for step, seen in steps.items()}


def _new_step() -> dict[str, Any]:
    return {**{key: set() for key in ("reads", "imports", "binds", "deletes", "mutates", "ambient")}, "sources": []}


def import_names(source: str) -> set[str]:
    """Names that import statements in it bind."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}


def find_aliases(values: dict[str, Any]) -> list[list[str]]:
    """Names of one object."""
    names: dict[int, list[str]] = {}
    for name, value in values.items():
        if not isinstance(value, SIMPLE):
            names.setdefault(id(value), []).append(name)
    return sorted(sorted(group) for group in names.values() if len(group) > 1)


def read_ambient() -> dict[str, Any]:
    """State of the process that code depends on without a name."""
    found = {"environ": hash(frozenset(os.environ.items())), "cwd": os.getcwd(), "sys.path": tuple(sys.path)}
    random, numpy, matplotlib = (sys.modules.get(name) for name in ("random", "numpy", "matplotlib"))
    if random is not None:
        found["random"] = hash(random.getstate())
    if numpy is not None and hasattr(numpy, "random"):
        state = numpy.random.get_state()
        found["numpy.random"] = hash(state[1].tobytes()) ^ state[2]
    if matplotlib is not None and hasattr(matplotlib, "rcParams"):
        found["matplotlib.rcParams"] = hash(str(dict.items(matplotlib.rcParams)))
    return found


def isolated(function: Callable[..., Any], *given: Any) -> tuple[str, Any]:
    """Call it in a fork of this process, in which nothing was traced. Returns `ok` and its result, or `error` and what was raised."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            outcome = ("ok", function(*given))
        except BaseException as error:
            outcome = ("error", f"{type(error).__name__}: {error}"[:300])
        with os.fdopen(write, "wb") as file:
            file.write(pickle.dumps(outcome))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    return pickle.loads(data) if data else ("error", "The process died.")


def replay(cells: Cells, truth: dict[str, Any], inputs: Optional[dict[str, list[str]]] = None) -> dict[str, Any]:
    """Each step alone, with only these inputs. Those traced: what it reads, imports and changes, since aliases travel together."""
    wanted = inputs or {step: seen["reads"] + seen["imports"] + seen["mutates"] for step, seen in truth.items()}

    def snapshots() -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        trace(cells, found, wanted)
        return found

    status, saved = isolated(snapshots)
    if status != "ok":
        return {step: {"ok": False, "error": f"before any step: {saved}"} for step in truth}
    outcomes = {}
    for step, seen in truth.items():
        status, got = isolated(_replay_step, saved[step], seen["sources"])
        if status == "ok":
            differs = [name for name, value in seen["out"].items() if got.get(name) != value and name not in seen["deletes"]]
            outcomes[step] = {"ok": not differs, "differs": differs}
        else:
            outcomes[step] = {"ok": False, "error": got}
    return outcomes


def _replay_step(data: bytes, sources: list[str]) -> dict[str, str]:
    session = Session()
    load(session.namespace, data)
    for source in sources:
        session.run(source)
    return {name: fingerprint(value) for name, value in dict.items(session.namespace) if name not in HIDDEN}


def read_cells(path: str, each_cell: bool = False) -> Cells:
    """The code cells that run, each with its step."""
    notebook = json.loads(Path(path).read_text())
    if notebook["cells"] and "step" in notebook["cells"][0]:
        return notebook["cells"]
    listed, current = [], "c0"
    for index, cell in enumerate(cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
        tags = cell.get("metadata", {}).get("tags", [])
        if "skip" in tags:
            continue
        steps = [tag.split(":")[1] for tag in tags if tag.startswith(("step:", "block:"))]
        roles = [tag for tag in tags if tag in ("imports", "functions", "pipeline-parameters", "pipeline-metrics")]
        current = f"c{index}" if each_cell else (steps + roles + [current])[0]
        listed.append({"step": current, "source": "".join(cell["source"])})
    return listed


def main() -> None:
    """Read the arguments, trace, print."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("notebook")
    arguments.add_argument("--cells", action="store_true", help="each cell is a step")
    arguments.add_argument("--replay", action="store_true")
    arguments.add_argument("--inputs")
    arguments.add_argument("-o", "--output")
    chosen = arguments.parse_args()
    cells = read_cells(chosen.notebook, chosen.cells)
    status, steps = isolated(trace, cells)
    if status != "ok":
        sys.exit(steps)
    if chosen.replay or chosen.inputs:
        inputs = json.loads(Path(chosen.inputs).read_text()) if chosen.inputs else None
        for step, outcome in replay(cells, steps, inputs).items():
            steps[step]["replay"] = outcome
    text = json.dumps(steps, indent=1)
    if chosen.output:
        Path(chosen.output).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
