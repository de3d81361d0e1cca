"""Ends a forked step as Python would end: threads are joined, what is registered for the end runs, the step's objects are
deleted and what they hold back is written. Only the interpreter and the imported modules are not taken apart: that takes
longer than most steps, as it copies what the process shares with the one that it was forked from.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys
import threading
from types import ModuleType
from typing import Any, Callable, Optional


def find_exit() -> Optional[Callable[[int], None]]:
    """C's `exit`, with its own handlers and buffers, as of libraries in C. Leaves no sign that ctypes was used; None without it."""
    known = set(sys.modules)
    try:
        import ctypes

        return ctypes.PyDLL(None).exit
    except Exception:
        return None
    finally:
        for name in set(sys.modules) - known:
            del sys.modules[name]


def leave(end: Callable[[int], None], status: int, module: ModuleType) -> None:
    """End this process."""
    for work in (threading._shutdown, atexit._run_exitfuncs, lambda: _clear(module), gc.collect, _flush):  # type: ignore[attr-defined]
        try:
            work()
        except BaseException:  # Python's end goes on, too, and what it has to say is said
            pass
    end(status)


def _clear(module: ModuleType) -> None:
    """In Python's order: what it keeps for people who type, then private names, then the others."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    names = vars(module)
    results = names.get("Out")
    if isinstance(results, dict):
        results.clear()
    for is_private in (True, False):
        for name in list(names):
            if name != "__builtins__" and (not is_private or (name.startswith("_") and name[1:2] != "_")):
                names[name] = None


def _flush() -> None:
    """Files that somebody else holds, as a module does, and the step's streams at last."""
    for item in gc.get_objects():
        if type(item) in FILES:
            _flush_one(item)
    for stream in (sys.stdout, sys.stderr):
        _flush_one(stream)


def _flush_one(file: Any) -> None:
    try:
        file.flush()
    except Exception:  # it is closed, or its disk is full
        pass


FILES = {io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom}
