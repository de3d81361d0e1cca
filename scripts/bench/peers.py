"""The programs that Sluice is compared with, each in a virtual environment of its own under `.bench/`, made on request (`make bench-peers`).

A peer that is not there is left out, with a line that says so: a benchmark must run on any machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".bench"
#: what the steps with pandas and scikit-learn import, for all of them the same
SCIENCE = ("pandas", "scikit-learn")


@dataclass(frozen=True)
class Peer:
    """A program to compare with, and what pip installs for it."""

    name: str
    packages: tuple[str, ...]

    @property
    def python(self) -> Path:
        return CACHE / self.name / "bin" / "python"

    def is_there(self) -> bool:
        """Says so where it is not."""
        if not self.python.exists():
            print(f"Without {self.name}: it is not installed. ‘make bench-peers’ installs it.")
        return self.python.exists()

    @property
    def version(self) -> str | None:
        """Of its first package; None where it is not installed."""
        if not self.python.exists():
            return None
        name = self.packages[0].partition("=")[0]
        source = f"from importlib.metadata import version; print(version({name!r}))"
        done = subprocess.run([self.python, "-c", source], capture_output=True, text=True)
        return done.stdout.strip() or None


PEERS = {
    peer.name: peer
    for peer in (
        Peer("kale", ("kubeflow-kale==2.3.0",)),
        Peer("papermill", ("papermill", "ipykernel", *SCIENCE)),
        Peer("metaflow", ("metaflow", *SCIENCE)),
        # 2.17.3 pins a certifi that not every index has
        Peer("kfp", ("kfp==2.17.0", *SCIENCE)),
    )
}


def make(peer: Peer) -> bool:
    """Install the peer. Returns whether that could be done."""
    if peer.version:
        return True
    shutil.rmtree(CACHE / peer.name, ignore_errors=True)
    CACHE.mkdir(exist_ok=True)
    print(f"Installing {' '.join(peer.packages)} in {CACHE.name}/{peer.name} …", flush=True)
    install = [peer.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *peer.packages]
    for command in ([sys.executable, "-m", "venv", CACHE / peer.name], install):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"  {peer.name} can’t be had: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
            shutil.rmtree(CACHE / peer.name, ignore_errors=True)
            return False
    return True


if __name__ == "__main__":
    for each in PEERS.values():
        make(each)
