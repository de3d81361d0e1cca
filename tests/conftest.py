"""What the tests of the Python side share: a real Jupyter Server in a process of its own, and waiting for what must come."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOKEN = "t0ken"


def wait_until(claim, seconds: float = 20.0, what: str = ""):
    """The claim's first true value; fails after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = claim()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"Waited {seconds} seconds in vain for {what or claim}.")


def children(pid: int) -> list[int]:
    """Ids of the processes that ``pid`` started and that still run."""
    ids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [child for child in ids if _stat(child)[1:2] == [str(pid)] and is_alive(child)]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent's notice does not."""
    return _stat(pid)[:1] not in ([], ["Z"])


def _stat(pid: int) -> list[str]:
    """State, parent's id and so on, as the kernel tells them; nothing where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


class JupyterServer:
    """A real ``jupyter server`` (or ``lab``) on loopback, started and ended by the test.

    Args:
        folder: its root, and where its log and runtime files go.
        command: what to start, without the flags that every test needs.
        environment: its variables, in place of this process's.
    """

    def __init__(self, folder: Path, command: list[str] | None = None, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.runtime = folder / "run"
        for made in (self.root, self.runtime, folder / "config"):
            made.mkdir(parents=True, exist_ok=True)
        self.log = folder / "jupyter.log"
        flags = [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={TOKEN}",
        ]
        env = {
            **(environment or os.environ),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
        }
        with self.log.open("wb") as log:
            start = command or [sys.executable, "-m", "jupyter_server"]
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.process = subprocess.Popen([*start, *flags], env=env, **streams)
        self.pid = self.process.pid

        def address():
            if self.process.poll() is not None:
                pytest.fail("Jupyter did not start:\n" + self.said())
            return re.search(r"http://127\.0\.0\.1:(\d+)/", self.said())

        self.port = int(wait_until(address, 90, "Jupyter's address").group(1))
        wait_until(lambda: self.call("GET", "/api", headers={})[0] == 200, 60, "Jupyter's answer")

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def request(self, method: str, path: str, body=None, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
        """The answer, its body unread. ``headers`` replace the token's header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = json.dumps(body) if body is not None else None
        connection.request(method, path, data, {"Authorization": f"token {TOKEN}"} if headers is None else headers)
        return connection.getresponse()

    def call(self, method: str, path: str, body=None, headers: dict[str, str] | None = None):
        """Status and text of the answer; status 0 where nothing listens."""
        try:
            answer = self.request(method, path, body, headers)
            return answer.status, answer.read().decode(errors="replace")
        except ConnectionError:
            return 0, ""

    def sidecars(self) -> list[int]:
        return [pid for pid in children(self.pid) if b"main.mjs" in _command_line(pid)]

    def end(self, with_signal: int = signal.SIGTERM) -> None:
        self.process.send_signal(with_signal)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def start_jupyter(tmp_path):
    """Starts real servers; those that a test leaves running are ended after it."""
    servers: list[JupyterServer] = []

    def start(**options) -> JupyterServer:
        servers.append(JupyterServer(tmp_path / f"jupyter{len(servers)}", **options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.end()
