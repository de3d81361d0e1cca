"""A short soak with a fixed seed, a round of each kind but the like; `make soak` goes on for longer. And records of an earlier version."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from soak import FULL, can_mount, soak
from world import SLUICE, World


def test_nothing_is_lost(tmp_path):
    killed = soak(7, seed=4, folder=tmp_path, places=["warm"])
    assert sum(killed.values()) >= 5


@pytest.mark.skipif(not can_mount(), reason="only root may mount a small disk")
def test_a_full_disk_loses_nothing(tmp_path):
    assert soak(1, seed=1, only=FULL, folder=tmp_path, places=[])[FULL] == 1


def test_records_of_the_first_version(tmp_path):
    """Made by commit 9a9a86d (user_version 1): a run that failed in its second step, and one that succeeded."""
    with tarfile.open(Path(__file__).parent / "store-v1.tar.xz") as archive:
        archive.extractall(tmp_path)  # our own; `filter` came with 3.11.4
    records = tmp_path / ".sluice" / "sluice.db"
    with sqlite3.connect(records) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        database.execute("UPDATE artifacts SET path = replace(path, '/tmp/oldw', ?)", [str(tmp_path)])
        database.execute("UPDATE logs SET path = replace(path, '/tmp/oldw', ?)", [str(tmp_path)])
    database.close()

    def sluice(*arguments: str) -> str:
        environment = World(tmp_path / "world", warm=False).environment
        environment.pop("SLUICE_HOME")
        done = subprocess.run([*SLUICE, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    runs = json.loads(sluice("runs", "--json"))["runs"]
    assert [(run["number"], run["state"], run["metrics"]) for run in runs] == [(2, "succeeded", {"z": 7}), (1, "failed", {})]
    failed = json.loads(sluice("runs", "show", "1", "--json"))
    assert [step["state"] for step in failed["steps"]] == ["succeeded", "failed", "skipped"]
    assert failed["steps"][1]["failure"]["message"] == "fails"
    assert sluice("runs", "logs", "2", "third") == "7\n"
    resumed = [json.loads(line) for line in sluice("run", "a.ipynb", "--resume", "1", "--json").splitlines()]
    assert (resumed[-1]["state"], resumed[-1]["metrics"]) == ("succeeded", {"z": 7})
    sluice("fsck")
