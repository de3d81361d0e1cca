"""What a step asks without opening anything: whether a file is there, how large it is, what a variable of the
environment says. Python has no audit events for these, so the functions that ask are wrapped, and the environment's
own way to spell a name is listened to.
"""

from __future__ import annotations

import functools
import os
import sys
from types import FrameType
from typing import Any, Callable, Optional, Set

#: what only asks whether something is there and of which kind, by the name of the function
KINDS = {
    "exists", "lexists", "isfile", "isdir", "islink", "ismount", "is_file", "is_dir", "is_symlink", "is_mount", "access",
    "realpath", "resolve", "samefile",
}  # fmt: skip
#: Python's own modules that ask on behalf of who calls them
BETWEEN = {"genericpath", "posixpath", "ntpath", "pathlib", "pathlib._local", "pathlib._abc", "os", "collections.abc"}

Told = Callable[[Any, Any, bool], None]


def listen(told: Told, named: Callable[[str, FrameType], None]) -> None:
    """From now on call ``told(path, folder, is_kind)`` for each question about a path, where ``is_kind`` says that its
    answer is no more than what kind of thing is there, and ``named(name, caller)`` for each variable that is read.
    """
    for name in ("stat", "lstat", "access", "readlink"):
        setattr(os, name, _wrap(getattr(os, name), told))
    early = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)  # Python < 3.11 keeps its own
    if early:
        early.stat, early.lstat = staticmethod(os.stat), staticmethod(os.lstat)
    _listen_to_environment(named)


def _wrap(ask: Any, told: Told) -> Any:
    @functools.wraps(ask)
    def asking(path: Any, *rest: Any, **options: Any) -> Any:
        told(path, options.get("dir_fd"), ask.__name__ in KINDS or _is_for_kind(sys._getframe(1)))
        return ask(path, *rest, **options)

    asking.__module__ = "os"
    for known in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if ask in known:
            known.add(asking)  # type: ignore[arg-type]
    return asking


def _is_for_kind(frame: Optional[FrameType]) -> bool:
    while frame and frame.f_globals.get("__name__") in BETWEEN:
        if frame.f_code.co_name in KINDS:
            return True
        frame = frame.f_back
    return False


def _listen_to_environment(named: Callable[[str, FrameType], None]) -> None:
    environ: Any = os.environ
    spell = environ.encodekey
    changed: Set[str] = set()

    def spelling(key: Any) -> Any:
        caller: Optional[FrameType] = sys._getframe(1)
        if caller and caller.f_code.co_name in ("__setitem__", "__delitem__"):
            changed.add(key)
        elif key not in changed:
            while caller and caller.f_globals.get("__name__") in BETWEEN:
                caller = caller.f_back
            if caller and isinstance(key, str):
                named(key, caller)
        return spell(key)

    environ.encodekey = spelling
