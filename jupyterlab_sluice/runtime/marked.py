"""Events for a follower that sees nothing of a step but its log: a line that begins with a mark which only this run
knows is an event, or a part of a long one; a line that goes on after the mark with `!` was printed to stderr.

A line has at most 4096 bytes, so that what other processes print at the same time cannot come in between.
"""

from __future__ import annotations

import base64
import os
import sys
import threading
import zlib
from typing import Any, Dict

from . import contract
from .events import Events
from .own import dumps

LINE = 4096  # what a pipe takes in one piece
LONG = 2000
MOST_BYTES = 16_000_000


class MarkedEvents(Events):
    """Writes events into the log. `+` is a part, `.` the last one; text in base64 is zlib's."""

    wants_files = False

    def __init__(self, token: str) -> None:
        super().__init__(os.dup(1))
        self._mark = f"\x1e{token}"
        self._room = LINE - len(self._mark) - 2

    @property
    def stderr_prefix(self) -> str:
        return self._mark + "!"

    def send(self, event: Dict[str, Any]) -> None:
        text = dumps(event, default=str)
        if len(text) > LONG:
            text = base64.b64encode(zlib.compress(text.encode(), 6)).decode()
        parts = [text[i : i + self._room] for i in range(0, len(text), self._room)]
        if threading.current_thread() is threading.main_thread():
            sys.stdout.flush()  # what was printed before comes before
        for i, part in enumerate(parts):
            self._send_line(f"{self._mark}{'+' if i + 1 < len(parts) else '.'}{part}\n".encode())

    def send_left(self, job: contract.Job) -> None:
        """Send what the step left, as far as people look at it: all but the values."""
        if job.output_file and os.path.exists(job.output_file):
            with open(job.output_file, encoding="utf-8") as file:
                self.send({"type": "left", "content": file.read()})
        for key, artifact in job.outputs.items():
            if os.path.isfile(artifact.path):
                size = os.path.getsize(artifact.path)
                event = {"type": "left", "artifact": key, "sizeBytes": size}
                if key in ("sluice_notebook", "sluice_metrics") and size <= MOST_BYTES:
                    with open(artifact.path, encoding="utf-8", errors="replace") as file:
                        event["content"] = file.read()
                self.send(event)
            elif os.path.isdir(artifact.path):
                self.send({"type": "left", "artifact": key, "sizeBytes": _size(artifact.path)})


def _size(folder: str) -> int:
    found = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]
    return sum(os.lstat(path).st_size for path in found)
