"""Binds in a live kernel what a notebook has after one of its steps: what a past run kept of it, and the imports and
definitions above. It is the setup of a step, without a step.

All bundles are checked before anything is bound; what was bound is taken back when something fails later.
"""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any, Dict, List

from . import attributes, contract, failures, values


class CannotLoad(Exception):
    """Nothing was bound. The message says what is wrong and what to do."""


def load(job: Dict[str, Any]) -> None:
    """Bind everything that the job names, and print what was bound.

    Args:
        job: `run` (its number), `step`, `parameters` ({name, type, value}), `setup` (as in a step, with `path` in
            place of `input` for values) and `missing` (names that the run did not keep).
    """
    namespace = sys.modules["__main__"].__dict__
    before = dict(namespace)
    try:
        bound = _bind(job, namespace)
    except BaseException as error:
        _restore(namespace, before)
        if isinstance(error, (CannotLoad, KeyboardInterrupt)):
            raise
        raise CannotLoad(f"Nothing was bound: {error}") from error
    print(_tell(job, bound))


def _bind(job: Dict[str, Any], namespace: Dict[str, Any]) -> List[str]:
    taken = [_to_value(item) for item in job["setup"] if item["kind"] == "value"]
    for artifact, item in taken:
        values.check(artifact, item)
    bound: List[str] = []
    for parameter in job["parameters"]:
        namespace[parameter["name"]] = contract.typed(parameter["value"], parameter["type"])
        bound.append(parameter["name"])
    states: Dict[str, Any] = {}
    for item in job["setup"]:
        if item["kind"] == "source":
            _run(item, namespace, job)
        else:
            bundle = values.read(*_to_value(item))
            attributes.bind(namespace, bundle.variables)
            bound += bundle.variables
            states.update(bundle.states)
    if states:
        from . import states as random

        random.restore(states)
    return bound


def _to_value(item: Dict[str, Any]) -> Any:
    artifact = contract.Artifact(item["artifact"], item["path"], item["path"], {})
    return artifact, contract.Value(item["artifact"], item["names"], item["states"])


def _run(item: Dict[str, Any], namespace: Dict[str, Any], job: Dict[str, Any]) -> None:
    file = failures.file_of(item["cell"], job["step"])
    source, line = item["source"], item["line"]
    shell = _shell()
    if shell is not None:
        source = shell.transform_cell(source)
    failures.remember_source(file, source, line)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what it prints, it has printed in the run
            exec(compile("\n" * (line - 1) + source, file, "exec", dont_inherit=True), namespace)
    except Exception as error:
        where = f"cell {item['cell'] + 1}, line {failures.line_in(error, file) or line}"
        raise CannotLoad(
            f"Nothing was bound: {where} cannot run again here: {type(error).__name__}: {error}. See that this kernel has the packages of the run."
        ) from error


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _restore(namespace: Dict[str, Any], before: Dict[str, Any]) -> None:
    for name in [name for name in namespace if name not in before]:
        del namespace[name]
    namespace.update(before)


def _tell(job: Dict[str, Any], bound: List[str]) -> str:
    values_bound = f"Bound {_list(bound)}" if bound else "Bound no values"
    line = f"{values_bound} as after step ‘{job['step']}’ of run {job['run']}, with the imports and definitions above."
    if job["missing"]:
        line += f" Not kept, because no later step used them: {_list(job['missing'])}."
    return line


def _list(names: List[str]) -> str:
    shown = [name if " " in name else f"‘{name}’" for name in names[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
