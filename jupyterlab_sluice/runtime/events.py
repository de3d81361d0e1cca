"""What a step tells its starter while it runs: one JSON object a line on a file descriptor.

The descriptor stays ours: it is closed in forked children and not inherited by programs that the user's code starts.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Dict, Optional

from .own import dumps, monotonic

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
            self._send_line(dumps(event, default=str).encode() + b"\n")

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
        now = monotonic()
        if now - self._window > 1:
            self._window, self._sent = now, 0
        self._sent += 1
        if self._sent <= OUTPUTS_PER_SECOND or output["output_type"] == "error":
            self.send({"type": "output", "cell": cell, "output": output})

    def close(self) -> None:
        """Close the descriptor; later events go nowhere."""
        fd, self._fd = self._fd, None
        close(fd)


def close(fd: Optional[int]) -> None:
    """Close a descriptor, if there is one and it is open."""
    try:
        if fd is not None:
            os.close(fd)
    except OSError:
        pass
