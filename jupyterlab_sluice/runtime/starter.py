"""How a step finds its starter, to tell it what happens, and how it notices that its starter is gone. Both are file
descriptors named in the environment. A pod has neither; there `SLUICE_EVENTS=log:MARK` has events written into the log.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Optional

from .events import Events, close

GRACE_SECONDS = 2.0


def open_events() -> Events:
    """Take both descriptors out of the environment, start to watch the one, and return the other."""
    events, alive = _open(), _take("SLUICE_ALIVE")
    if alive is not None:
        threading.Thread(target=_watch, args=(alive,), name="sluice-alive", daemon=True).start()

    def leave_to_parent() -> None:
        events._lock = threading.Lock()
        events.close()
        close(alive)

    os.register_at_fork(after_in_child=leave_to_parent)
    return events


def _open() -> Events:
    kind, _, mark = os.environ.get("SLUICE_EVENTS", "").partition(":")
    if kind != "log":
        return Events(_take("SLUICE_EVENTS"))
    from .marked import MarkedEvents  # which few steps need

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
