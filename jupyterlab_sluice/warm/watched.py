"""Whether what this process has imported is still so on disk. An installed package, an edited file or setting, or a new file in
a package's folder shows in a date; then nothing more is forked from here.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

Mark = Optional[Tuple[int, int, int]]


class Watched:
    """The files and folders that imports have read so far. `opened` are those that are no modules, as audit events tell them."""

    def __init__(self) -> None:
        self._marks: Dict[str, Mark] = {}
        self.opened: List[Tuple[str, Any, int]] = []
        self._is_on = False
        sys.addaudithook(self._hear)

    def start(self) -> None:
        """Imports follow."""
        self._is_on = True

    def stop(self) -> None:
        """Take in what has been imported since."""
        self._is_on = False
        for path in [*_paths(), *(path for path, _, _ in self.opened)]:
            if path not in self._marks:
                self._marks[path] = _mark(path)

    def _hear(self, event: str, arguments: Any) -> None:
        if self._is_on and event == "open":
            path, mode, flags = arguments
            if isinstance(path, (str, bytes)) and not os.fsdecode(path).endswith((".py", ".pyc")):
                self.opened.append((os.path.abspath(os.fsdecode(path)), mode, flags))

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
