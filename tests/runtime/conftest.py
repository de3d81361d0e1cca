"""The Pythons that the runtime is tested with: this one with IPython, a bare one without, and what else there is on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .harness import Steps


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> str:
    """A Python with nothing but the standard library; SLUICE_TEST_PYTHON names another version of it to try."""
    if "SLUICE_TEST_PYTHON" in os.environ:
        return os.environ["SLUICE_TEST_PYTHON"]
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def other_pythons() -> list[str]:
    """Other Pythons of this machine that steps may run in, 3.9 and later."""
    found = Path.home().glob(".pyenv/versions/3.*/bin/python")
    return sorted(str(path) for path in found if int(path.parts[-3].split(".")[1]) >= 9)


@pytest.fixture(params=["ipython", "bare"])
def python(request) -> str:
    """With IPython and without."""
    return sys.executable if request.param == "ipython" else request.getfixturevalue("bare_python")


@pytest.fixture
def steps(tmp_path: Path, python: str) -> Steps:
    """Steps in an empty folder, run by both."""
    return Steps(tmp_path, python)


@pytest.fixture
def ipython(tmp_path: Path) -> Steps:
    """Steps in an empty folder, run with IPython and the usual packages."""
    return Steps(tmp_path)


@pytest.fixture
def bare(tmp_path: Path, bare_python: str) -> Steps:
    """Steps in an empty folder, run without IPython."""
    return Steps(tmp_path, bare_python)
