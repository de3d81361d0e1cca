"""An exception of the user's code, told in the notebook's terms: which cell, which line, and the way there without our
own frames.

Cells are compiled under file names such as `<cell 5: train>` (people count cells from 1), with their text in
`linecache`.
"""

from __future__ import annotations

import ast
import linecache
import re
import traceback
from types import TracebackType
from typing import Any, Callable, Dict, List, NamedTuple, Optional

FRAME = re.compile(r'^(\s*)File "<cell (\d+)(?:: [^"]*)?>", line (\d+)', re.M)

# What a shell may do to a cell's syntax tree before it runs.
Rewrite = Callable[[ast.Module], ast.Module]

ADVICE = {
    "SystemExit": "sys.exit() ends Python, and with it the step, before its last cell. Remove the call, or raise an exception where the step must fail.",
}


class Raised(NamedTuple):
    """What a cell raised; `lines` is its traceback as a notebook shows it."""

    error: BaseException
    lines: List[str]


def file_of(cell: int, step: str) -> str:
    """The name under which a cell's code is compiled."""
    return f"<cell {cell + 1}: {step}>"


def remember_source(file: str, source: str, first_line: int = 1) -> None:
    """Let tracebacks show these lines. Pieces of one cell are laid over each other."""
    known = linecache.cache.get(file)
    lines = list(known[2]) if known else []  # type: ignore[misc]
    piece = [line + "\n" for line in source.split("\n")]
    lines += ["\n"] * (first_line - 1 + len(piece) - len(lines))
    lines[first_line - 1 : first_line - 1 + len(piece)] = piece
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def trim(error: BaseException) -> BaseException:
    """Take our own frames, those above the first cell and below the last, out of an exception and of those that it came from."""
    seen = set()
    rest: List[Optional[BaseException]] = [error]
    while rest:
        one = rest.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        frames: Optional[TracebackType] = one.__traceback__
        while frames is not None and not frames.tb_frame.f_code.co_filename.startswith("<cell "):
            frames = frames.tb_next
        if frames is not None:
            one.__traceback__ = frames
            _cut_end(frames)
        elif one.__traceback__ is not None and isinstance(one, SyntaxError):
            one.__traceback__ = None
        rest += [one.__cause__, one.__context__]
    return error


def _cut_end(frames: TracebackType) -> None:
    last, one = frames, frames.tb_next
    while one is not None:
        if not one.tb_frame.f_code.co_filename.startswith("<sluice_runtime."):
            last = one
        one = one.tb_next
    last.tb_next = None


def print_traceback(error: BaseException) -> List[str]:
    """The traceback in plain text, frames of cells written as `cell 5, line 2`."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return FRAME.sub(r"\1cell \2, line \3", text).rstrip("\n").split("\n")


def describe(raised: Raised, cell: int, file: str) -> Dict[str, Any]:
    """The `failure` of an event."""
    error = raised.error
    name = type(error).__name__
    message = _text(error)
    if name in ADVICE:
        message = f"{message}: {ADVICE[name]}" if message else ADVICE[name]
    failure: Dict[str, Any] = {"name": name, "message": message, "cell": cell, "traceback": raised.lines}
    line = line_in(error, file)
    if line:
        failure["line"] = line
    return failure


def line_in(error: BaseException, file: str) -> Optional[int]:
    """The line of this cell in which an exception came up: the innermost one where the cell's functions called each other."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == file else None
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == file:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line


def _text(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        return str(error)
    except Exception:  # the user's own __str__ may fail
        return ""
