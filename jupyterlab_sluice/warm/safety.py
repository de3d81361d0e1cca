"""Whether an import left the process as it must be to be forked for steps: one thread, nothing printed, no descriptor, no
generator of random numbers that all steps would have to share. What does not is imported by the step itself.
"""

from __future__ import annotations

import builtins
import gc
import os
import sys
from typing import Any, Callable, Dict, List, Optional

from .randomness import Generators

HOOKS: Dict[str, Callable[[], Any]] = {
    "sys.stdout": lambda: sys.stdout,
    "sys.stderr": lambda: sys.stderr,
    "sys.stdin": lambda: sys.stdin,
    "sys.excepthook": lambda: sys.excepthook,
    "sys.displayhook": lambda: sys.displayhook,
    "the folder": os.getcwd,
    "__import__": lambda: builtins.__import__,
    "the file descriptors": lambda: sorted(_descriptors()),
}


class Inventory:
    """The process as it was before an import. Objects that are there then are frozen, out of the collector's sight."""

    def __init__(self, generators: Generators) -> None:
        gc.freeze()
        generators.watch()
        self._generators = generators
        self._hooks = {name: get() for name, get in HOOKS.items()}

    def close(self) -> None:
        """Stop watching."""
        self._generators.find()

    def fault(self) -> Optional[str]:
        """What is wrong now; None when steps may be forked from here."""
        for name, get in HOOKS.items():
            if get() != self._hooks[name]:
                return f"changes {name}"
        if os.fstat(1).st_size or os.fstat(2).st_size:  # files, while we import
            return "prints"
        if _count_threads() > 1:
            _fork_and_forget()  # OpenBLAS ends its threads before a fork
            if _count_threads() > 1:
                return "starts threads"
        if not self._generators.find():
            return "makes a generator of random numbers"
        return None


def _count_threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _fork_and_forget() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _descriptors() -> List[str]:
    return [fd for fd in os.listdir("/proc/self/fd") if _is_open(int(fd))]


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:  # the one that listed them
        return False
    return True
