"""What a step tells its starter while it runs, and how it notices that its starter is gone. Both are file descriptors
named in the environment. A pod has neither; there `SLUICE_EVENTS=log:MARK` has events written into the log.

The descriptors stay ours: they are closed in forked children and not inherited by programs that the user's code starts.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import Any, Dict, Optional

GRACE_SECONDS = 2.0
OUTPUTS_PER_SECOND = 20


class Events:
    """Sends one JSON object a line; silent where nobody listens."""

    def __init__(self, fd: Optional[int]) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._window = 0.0
        self._sent = 0

    @property
    def wants_files(self) -> bool:
        """Whether somebody hears what is sent and has the same files."""
        return self._fd is not None

    @property
    def stderr_prefix(self) -> str:
        """What each line of stderr begins with, where it would else not be told from stdout."""
        return ""

    def send(self, event: Dict[str, Any]) -> None:
        """Send an event. A starter that stopped listening is no reason to fail."""
        if self._fd is not None:
            self._send_line(json.dumps(event, default=str).encode() + b"\n")

    def send_left(self, job: Any) -> None:
        """Send what the step left behind, to a follower that cannot see it."""

    def _send_line(self, line: bytes) -> None:
        if self._fd is None:
            return
        data = memoryview(line)
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:
                self._fd = None

    def send_output(self, cell: int, output: Dict[str, Any]) -> None:
        """Send a cell's output, at most 20 a second: the executed notebook has them all."""
        now = time.monotonic()
        if now - self._window > 1:
            self._window, self._sent = now, 0
        self._sent += 1
        if self._sent <= OUTPUTS_PER_SECOND or output["output_type"] == "error":
            self.send({"type": "output", "cell": cell, "output": output})

    def close(self) -> None:
        """Close the descriptor; later events go nowhere."""
        fd, self._fd = self._fd, None
        if fd is not None:
            _close(fd)


def open_events() -> Events:
    """Take both descriptors out of the environment, start to watch the one, and return the other."""
    events, alive = _open(), _take("SLUICE_ALIVE")
    if alive is not None:
        threading.Thread(target=_watch, args=(alive,), name="sluice-alive", daemon=True).start()

    def leave_to_parent() -> None:
        events._lock = threading.Lock()
        events.close()
        if alive is not None:
            _close(alive)

    os.register_at_fork(after_in_child=leave_to_parent)
    return events


def _open() -> Events:
    kind, _, mark = os.environ.get("SLUICE_EVENTS", "").partition(":")
    if kind != "log":
        return Events(_take("SLUICE_EVENTS"))
    from .marked import MarkedEvents

    del os.environ["SLUICE_EVENTS"]
    return MarkedEvents(mark)


def _take(variable: str) -> Optional[int]:
    text = os.environ.pop(variable, "")
    if not text.isdigit():
        return None
    try:
        os.set_inheritable(int(text), False)
    except OSError:
        return None
    return int(text)


def _watch(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    _signal_group(signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _signal_group(signal.SIGKILL)


def _signal_group(number: int) -> None:
    # Only a group of our own: a starter that gave us none must not be ended by us.
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), number)
    else:
        os.kill(os.getpid(), number)


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        pass
