"""The templates that there are, and which of them may serve a step: one that has made just the step's imports.

`import pandas` imports numpy: a template that imported numpy first and pandas then has made the imports of a step that
names pandas alone. Templates tell which of their imports made others anew, so that we know.
"""

from __future__ import annotations

import time
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from . import wire
from .statements import Import

#: templates beyond so many go, those that were not used for longest first
MOST = 12
#: an import that takes longer hangs
IMPORT_SECONDS = 60
#: others wait so long for an import, as they may need it, too
PATIENCE_SECONDS = 10


class Kind(NamedTuple):
    """The variables of a template's steps, and their imports."""

    env: Tuple[Tuple[str, str], ...]
    imports: Tuple[Import, ...]


class Importing(NamedTuple):
    """What a template is at. Without a `pid` it is about to begin."""

    root: str
    pid: Optional[int]
    since: float


class Templates:
    """All of them, by kind, with the socket to each."""

    def __init__(self) -> None:
        self._lines: Dict[Kind, wire.Lines] = {}  # the one used last is the last
        self._importing: Dict[Kind, Importing] = {}
        self._implied: Dict[Tuple[Any, Import], Set[Import]] = {}

    def items(self) -> List[Tuple[Kind, wire.Lines]]:
        return list(self._lines.items())

    def add(self, kind: Kind, lines: wire.Lines, importing: Optional[Importing] = None) -> None:
        self._lines[kind] = lines
        if importing:
            self._importing[kind] = importing

    def use(self, kind: Kind) -> wire.Lines:
        """The socket to it; it has been used now."""
        lines = self._lines[kind] = self._lines.pop(kind)
        return lines

    def drop(self, kind: Kind) -> Optional[Importing]:
        """End it. Its steps go on, and it waits for them. Returns what it was at."""
        lines = self._lines.pop(kind, None)
        if lines is not None:
            lines.sock.close()
        return self._importing.pop(kind, None)

    def drop_oldest(self) -> None:
        while len(self._lines) > MOST:
            self.drop(next(iter(self._lines)))

    # ---- what they import

    def begins(self, kind: Kind, root: str, pid: int) -> None:
        """It begins to import a package, or a part of it."""
        self._importing[kind] = Importing(root, pid, time.monotonic())

    def learn(self, kind: Kind, made: Import, implied: Iterable[Import]) -> None:
        """An import of that template makes others as well."""
        self._implied.setdefault((kind.env, made), set()).update(implied)

    def is_ready(self, kind: Kind) -> bool:
        return kind in self._lines and kind not in self._importing

    def rest(self, kind: Kind) -> None:
        """It is done with its imports."""
        self._importing.pop(kind, None)

    def is_busy(self) -> bool:
        """Whether one imports what others may need, too."""
        return any(time.monotonic() < importing.since + PATIENCE_SECONDS for importing in self._importing.values())

    def hanging(self) -> List[Tuple[Kind, Importing]]:
        until = time.monotonic() - IMPORT_SECONDS
        return [(kind, importing) for kind, importing in self._importing.items() if importing.since < until]

    # ---- which serves

    def find(self, wanted: Kind) -> Optional[Kind]:
        """One that has made just these imports, or is about to."""
        if wanted in self._lines:
            return wanted
        all_wanted = self._closure(wanted)
        same = (kind for kind in self._lines if kind.env == wanted.env and self._closure(kind) == all_wanted)
        return next(same, None)

    def nearest(self, wanted: Kind) -> List[Kind]:
        """Those that have made some of these imports and none besides; the one with most is first."""
        all_wanted = self._closure(wanted)
        some = [kind for kind in self._lines if kind.env == wanted.env and self.is_ready(kind)]
        return sorted((kind for kind in some if all_wanted.issuperset(kind.imports)), key=lambda kind: -len(kind.imports))

    def _closure(self, kind: Kind) -> Set[Import]:
        found: Set[Import] = set()
        left = list(kind.imports)
        while left:
            item = left.pop()
            if item not in found:
                found.add(item)
                left.extend(self._implied.get((kind.env, item), ()))
        return found
