"""Whether the modules of this process are still those on disk. An installed package, an edited file or a new one in a
package's folder shows in a date; then nothing more is forked from here.
"""

from __future__ import annotations

import os
import sys
from typing import Dict, Iterator, Optional, Tuple

Mark = Optional[Tuple[int, int, int]]


class Watched:
    """The files and folders that imports have read so far."""

    def __init__(self) -> None:
        self._marks: Dict[str, Mark] = {}

    def add_new(self) -> None:
        """Take in what has been imported since."""
        for path in _paths():
            if path not in self._marks:
                self._marks[path] = _mark(path)

    def is_changed(self) -> bool:
        """Whether one of them is not as it was."""
        return any(_mark(path) != mark for path, mark in self._marks.items())


def _paths() -> Iterator[str]:
    yield sys.executable
    yield os.path.join(sys.prefix, "pyvenv.cfg")
    yield from sys.path
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield file
        yield from _folders(module)


def _folders(module: object) -> Iterator[str]:
    try:
        for folder in getattr(module, "__path__", None) or ():
            if isinstance(folder, str):
                yield folder
    except Exception:  # a module may be any object
        pass


def _mark(path: str) -> Mark:
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
