"""Runs a step as a runner does: packs the runtime, starts `python -c BOOT …`, reads back what the step left."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

RUNTIME = Path(__file__).parents[2] / "jupyterlab_sluice" / "runtime"
BOOT = (RUNTIME / "boot.py").read_text()


#: what steps do without (server/src/runtime.ts)
OUTSIDE = ("boot", "checkpoints", "fingerprint", "load", "volume_snapshot")


def packed_runtime() -> str:
    """The RUNTIME argument, as the server makes it."""
    modules = {file.stem: _without_prose(file.read_text()) for file in sorted(RUNTIME.glob("*.py")) if file.stem not in OUTSIDE}
    return base64.b64encode(zlib.compress(json.dumps(modules).encode(), 9)).decode()


def _without_prose(source: str) -> str:
    docstring = r'(?m)^( *)"""(?:[^"\\]|"(?!""))*"""$'
    return re.sub(r"(?m)^ *#.*$", "", re.sub(docstring, lambda found: f'{found[1]}""' + "\n" * found[0].count("\n"), source))


PACKED = packed_runtime()


class Ended(NamedTuple):
    """A step that ended."""

    status: int
    stdout: str
    stderr: str
    events: list[dict[str, Any]]
    output: dict[str, Any] | None
    notebook: dict[str, Any] | None
    metrics: dict[str, Any] | None

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Events of one type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def failure(self) -> dict[str, Any]:
        """The one failure."""
        (event,) = self.of("failure")
        return event["failure"]


class Steps:
    """Steps that pass bundles through one folder."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder, self.python = folder, python

    def command(
        self,
        name: str,
        *cells: str,
        give: str = "",
        take: str = "",
        setup: list | tuple = (),
        parameters: dict | None = None,
        metrics: str | None = None,
        **more: Any,
    ) -> list[str]:
        """The command of a step. `give` and `take` are bundles, `a b; c` meaning two of them; `setup` is source that runs before they are taken."""
        bundles = [bundle.split() for bundle in give.split(";") if bundle.strip()]
        taken = [bundle.split() for bundle in take.split(";") if bundle.strip()]
        states = more.pop("states", [])
        where = more.pop("at", self.folder)
        listed = [{"index": index, "id": f"c{index}", "source": source} for index, source in enumerate(cells)]
        if metrics is not None:
            listed.append({"index": len(listed), "source": metrics, "metrics": True})
        sources = [
            {"kind": "source", "cell": 20 + number, "line": 1, "source": item} if isinstance(item, str) else item
            for number, item in enumerate(setup)
        ]
        wanted, shown = more.pop("wanted", "").split(), more.pop("shown", ())
        values = [
            {
                "kind": "value",
                "input": "_".join(bundle),
                "names": wanted or bundle,
                "states": states if number == 0 else [],
            }
            for number, bundle in enumerate(taken)
        ]
        step = {
            "version": 1, "pipeline": "p", "notebook": "n.ipynb", "kernel": "python3", "step": name, "parameters": list(parameters or {}),
            "setup": sources + values, "cells": listed,
            "outputs": [{"artifact": "_".join(bundle), "names": bundle, "states": states if number == 0 else []} for number, bundle in enumerate(bundles)],
        }  # fmt: skip
        step.update(more)
        (where / name).mkdir(exist_ok=True)
        outputs = {key: where / name / key for key in ("sluice_notebook", "sluice_metrics", *shown)}
        outputs.update({"_".join(bundle): where / "_".join(bundle) for bundle in bundles})
        given = {
            "inputs": {
                "parameterValues": parameters or {},
                "artifacts": {"_".join(bundle): {"artifacts": [{"name": "x", "uri": str(where / "_".join(bundle))}]} for bundle in taken},
            },
            "outputs": {
                "artifacts": {key: {"artifacts": [{"name": key, "uri": str(path)}]} for key, path in outputs.items()},
                "outputFile": str(where / name / "output.json"),
            },
        }  # fmt: skip
        text = json.dumps(step).replace("{{", "{\\u007b")
        middle = len(text) // 2
        return [
            self.python,
            "-c",
            BOOT,
            "--runtime",
            PACKED,
            "--step",
            text[:middle],
            "--step",
            text[middle:],
            "--executor-input",
            json.dumps(given),
        ]

    def run(self, name: str, *cells: str, env: dict[str, str] | None = None, **rest: Any) -> Ended:
        """Run a step to its end."""
        process, read = self.start(name, *cells, env=env, **rest)
        return self.wait(name, process, read)

    def start(
        self, name: str, *cells: str, env: dict[str, str] | None = None, alive: int | None = None, **rest: Any
    ) -> tuple[subprocess.Popen, int]:
        """Start a step; events come through the returned descriptor."""
        read, write = os.pipe()
        inherited = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}  # other tests set it
        environment = {**inherited, "SLUICE_EVENTS": str(write), **(env or {})}
        passed = [write]
        if alive is not None:
            environment["SLUICE_ALIVE"] = str(alive)
            passed.append(alive)
        process = subprocess.Popen(
            self.command(name, *cells, **rest), cwd=self.folder, env=environment, pass_fds=passed, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # a shell's background job ignores interrupts, and what it starts inherits that
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        os.close(write)
        return process, read

    def wait(self, name: str, process: subprocess.Popen, read: int) -> Ended:
        """Read the events, then what the step left."""
        import threading

        texts: dict[str, bytes] = {}
        readers = [
            threading.Thread(target=lambda key=key, file=file: texts.__setitem__(key, file.read()))
            for key, file in (("out", process.stdout), ("err", process.stderr))
        ]
        for reader in readers:
            reader.start()
        with os.fdopen(read) as file:
            events = [json.loads(line) for line in file]
        for reader in readers:
            reader.join(60)
        status = process.wait(60)
        left = self.folder / name
        load = lambda key: json.loads((left / key).read_text()) if (left / key).exists() else None  # noqa: E731
        return Ended(
            status,
            texts["out"].decode(),
            texts["err"].decode(),
            events,
            load("output.json"),
            load("sluice_notebook"),
            load("sluice_metrics"),
        )
