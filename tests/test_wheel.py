"""What a user gets: the wheel in a clean environment, on a machine without Node.

One environment is made for all tests here, with JupyterLab and the wheel from the package index (pip's cache makes the
second time quick). PATH holds no Node, and no other environment of ours is reachable.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, JupyterServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    "cells": [
        {
            "id": tag.replace(":", "-"),
            "cell_type": "code",
            "source": source,
            "metadata": {"tags": [tag]},
            "outputs": [],
            "execution_count": None,
        }
        for tag, source in [
            ("pipeline-parameters", "count = 3"),
            ("step:roots", "import math\nroots = [math.sqrt(i) for i in range(count)]"),
            ("step:total", "total = sum(roots)\nprint(f'total {total:.3f}')"),
            ("pipeline-metrics", "print(total)"),
        ]
    ],
}


@pytest.fixture(scope="module")
def wheel() -> Path:
    subprocess.run(["make", "-C", str(ROOT), "wheel"], check=True, capture_output=True)
    (path,) = (ROOT / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory) -> dict[str, str]:
    """The environment variables of a shell in which the clean environment is active, and in which there is no Node."""
    folder = tmp_path_factory.mktemp("clean")
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", str(folder / "venv")], check=True)
    bin_folder = folder / "venv" / "bin"
    tools = folder / "tools"  # a PATH entry of its own: /usr/bin may hold a Node
    tools.mkdir()
    for name in ("sh", "bash", "env", "cp", "uname", "git"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    network_and_language = ("PIP_", "SSL_", "HTTP", "http", "no_", "NO_", "LANG", "LC_")
    kept = {name: value for name, value in os.environ.items() if name.startswith(network_and_language)}
    environment = {**kept, "PATH": f"{bin_folder}:{tools}", "HOME": str(folder / "home"), "PIP_CACHE_DIR": pip_cache()}
    (folder / "home").mkdir()
    requirements = (ROOT / "requirements-dev.txt").read_text().splitlines()
    lab = next(line for line in requirements if line.startswith("jupyterlab=="))
    subprocess.run([bin_folder / "python", "-m", "pip", "install", "-q", str(wheel), lab], env=environment, check=True)
    assert shutil.which("node", path=environment["PATH"]) is None
    return environment


def pip_cache() -> str:
    command = [sys.executable, "-m", "pip", "cache", "dir"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def call(environment: dict[str, str], *command: str, folder: Path, status: int = 0) -> str:
    """What a command of the clean environment prints."""
    program = shutil.which(command[0], path=environment["PATH"])
    assert program, f"no {command[0]} in the clean environment"
    done = subprocess.run(
        [program, *command[1:]], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def notebook(tmp_path) -> Path:
    path = tmp_path / "sums.ipynb"
    path.write_text(json.dumps(NOTEBOOK))
    return path


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    data = next(name for name in names if ".data/data/" in name).split(".data/data/")[0] + ".data/data"
    for needed in [
        "jupyterlab_sluice/_version.py",
        "jupyterlab_sluice/node/main.mjs",
        "jupyterlab_sluice/node/cli.mjs",
        "jupyterlab_sluice/node/command.cjs",
        "jupyterlab_sluice/node/web-tree-sitter.wasm",
        "jupyterlab_sluice/node/tree-sitter-python.wasm",
        *[f"jupyterlab_sluice/runtime/{path.name}" for path in (ROOT / "jupyterlab_sluice" / "runtime").glob("*.py")],
        f"{data}/share/jupyter/labextensions/jupyterlab-sluice/package.json",
        f"{data}/share/jupyter/labextensions/jupyterlab-sluice/install.json",
        f"{data}/share/jupyter/labextensions/jupyterlab-sluice/static/style.js",
        f"{data}/share/jupyter/labextensions/jupyterlab-sluice/schemas/jupyterlab-sluice/plugin.json",
        f"{data}/etc/jupyter/jupyter_server_config.d/jupyterlab_sluice.json",
    ]:
        assert needed in names
    strange = re.compile(r"(^|/)(lib|tests?|src|node_modules|__pycache__)/|\.tsbuildinfo$|\.map$|\.ipynb$")
    assert [name for name in names if strange.search(name)] == []
    assert wheel.name.endswith("-py3-none-any.whl")
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_script_that_a_page_loads_is_small(wheel):
    script = re.compile(r"labextensions/.*/static/.*\.js$")
    sizes = [info.file_size for info in zipfile.ZipFile(wheel).infolist() if script.search(info.filename)]
    assert sizes and sum(sizes) <= 600_000, sizes


def test_the_version(clean, tmp_path):
    version = json.loads((ROOT / "package.json").read_text())["version"]
    assert call(clean, "sluice", "--version", folder=tmp_path).split()[-1] == version


def test_check_and_run(clean, notebook):
    found = json.loads(call(clean, "sluice", "check", "--json", notebook.name, folder=notebook.parent))
    assert [(step["name"], step["after"], step["inputs"], step["outputs"]) for step in found["steps"]] == [
        ("roots", [], [], ["roots"]),
        ("total", ["roots"], ["roots"], []),
    ]
    before = notebook.read_bytes()
    lines = call(clean, "sluice", "run", "--json", "-p", "count=5", notebook.name, folder=notebook.parent).splitlines()
    end = json.loads(lines[-1])
    assert (end["type"], end["state"]) == ("run-ended", "succeeded")
    assert end["metrics"]["total"] == pytest.approx(6.146264369941973)
    assert notebook.read_bytes() == before


def test_jupyterlab_has_sluice(clean, tmp_path):
    folder = Path(clean["PATH"].split(":")[0])
    command = [folder / "jupyter", "labextension", "list"]
    listed = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    assert re.search(r"jupyterlab-sluice v\S+ .*enabled.*OK", listed.stdout + listed.stderr)
    server = JupyterServer(tmp_path, [str(folder / "jupyter"), "lab"], environment=clean)
    try:
        assert server.call("GET", "/sluice/api/v1/health", headers={})[0] == 403
        status, text = server.call("GET", "/sluice/api/v1/health")
        assert status == 200 and "version" in json.loads(text)
        status, page = server.call("GET", "/lab")
        assert status == 200 and "jupyterlab-sluice" in page
    finally:
        server.end()
