"""The outputs of a cell while it runs: what is printed goes to the step's log at once and into the cell's outputs;
results and displays go there only.

A cell's text is kept up to 1 MB, its beginning and its end, so that endless printing costs no memory.
"""

from __future__ import annotations

import io
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from .own import monotonic

HALF = 512 * 1024
CHUNK = 64 * 1024
MOST_DISPLAYS = 1000
FLUSH_SECONDS = 0.02
FLUSHES_AT_ONCE = 100


class Outputs:
    """Collects one cell's outputs in nbformat's shape."""

    def __init__(self) -> None:
        self._items: List[Any] = []  # an output, or [stream, StringIO]
        self._room = HALF
        self._tail: Deque[List[Any]] = deque()
        self._tail_size = 0
        self._dropped = 0
        self._displays = 0
        self._clear_next = False

    def stream(self, name: str, text: str) -> None:
        """Add printed text."""
        self._clear_if_asked()
        if self._room:
            part, text = text[: self._room], text[self._room :]
            self._room -= len(part)
            last = self._items[-1] if self._items else None
            if not (isinstance(last, list) and last[0] == name):
                last = [name, io.StringIO()]
                self._items.append(last)
            last[1].write(part)
        if text:
            self._add_to_tail(name, text)

    def add(self, output: Dict[str, Any]) -> bool:
        """Add a display, a result or an error; False where there are too many displays."""
        self._clear_if_asked()
        self._displays += 1
        if self._displays > MOST_DISPLAYS and output["output_type"] != "error":
            return False
        self._items.append(output)
        return True

    def update(self, display_id: str, data: Dict[str, Any], metadata: Dict[str, Any]) -> bool:
        """Put new content into the displays of this id; False where this cell has none."""
        found = [item for item in self._items if isinstance(item, dict) and item.get("_id") == display_id]
        for item in found:
            item.update(data=data, metadata=metadata)
        return bool(found)

    def clear(self, wait: bool) -> None:
        """Forget the outputs so far; with `wait`, once the next one comes."""
        if wait:
            self._clear_next = True
        else:
            self.__init__()  # type: ignore[misc]

    def finished(self) -> List[Dict[str, Any]]:
        """The outputs as they go into a notebook. Can be asked while the cell still runs."""
        items = [self._finished(item) for item in list(self._items)]
        if self._dropped:
            items.append(
                _stream(
                    "stderr",
                    f"\n[… {self._dropped} characters left out here: a cell keeps 1 MB of text; the step’s log has all of it. …]\n",
                )
            )
        for name, text in list(self._tail):
            items.append(_stream(name, text.getvalue()))
        if self._displays > MOST_DISPLAYS:
            items.append(
                _stream(
                    "stderr",
                    f"[{self._displays - MOST_DISPLAYS} more displays left out: a cell keeps {MOST_DISPLAYS}.]\n",
                )
            )
        return _merged(items)

    def _finished(self, item: Any) -> Dict[str, Any]:
        if isinstance(item, list):
            return _stream(item[0], item[1].getvalue())
        return {key: value for key, value in item.items() if key != "_id"}

    def _add_to_tail(self, name: str, text: str) -> None:
        if len(text) > HALF:
            self._dropped += len(text) - HALF
            text = text[-HALF:]
        for start in range(0, len(text), CHUNK):
            if not self._tail or self._tail[-1][0] != name or self._tail[-1][1].tell() > CHUNK:
                self._tail.append([name, io.StringIO()])
            self._tail[-1][1].write(text[start : start + CHUNK])
        self._tail_size += len(text)
        while self._tail_size > HALF and len(self._tail) > 1:
            size = self._tail.popleft()[1].tell()
            self._tail_size -= size
            self._dropped += size

    def _clear_if_asked(self) -> None:
        if self._clear_next:
            self.clear(wait=False)


class Recorder:
    """The one place that all outputs of a step go through. Between cells, and while setup runs, they are dropped."""

    def __init__(self) -> None:
        self.on_output: Callable[[int, Dict[str, Any]], None] = lambda cell, output: None
        self._cell: Optional[int] = None
        self._outputs: Optional[Outputs] = None
        self._earlier: List[Outputs] = []
        self.is_muted = False

    def begin(self, cell: int) -> Outputs:
        """From now on outputs belong to this cell."""
        self._cell, self._outputs = cell, Outputs()
        self._earlier.append(self._outputs)
        return self._outputs

    def stream(self, name: str, text: str) -> None:
        """Record printed text."""
        if self._outputs is not None and not self.is_muted:
            self._outputs.stream(name, text)

    def result(self, count: int, data: Dict[str, Any], metadata: Dict[str, Any]) -> None:
        """Record the value of a cell's last expression."""
        self._add(
            {
                "output_type": "execute_result",
                "execution_count": count,
                "data": jsonable(data),
                "metadata": jsonable(metadata),
            }
        )

    def display(
        self, data: Dict[str, Any], metadata: Dict[str, Any], display_id: Optional[str] = None, update: bool = False
    ) -> None:
        """Record a displayed object, or new content for an earlier display."""
        data, metadata = jsonable(data), jsonable(metadata)
        if update:
            for outputs in self._earlier:
                outputs.update(display_id or "", data, metadata)
        else:
            self._add(
                {
                    "output_type": "display_data",
                    "data": data,
                    "metadata": metadata,
                    **({"_id": display_id} if display_id else {}),
                }
            )

    def error(self, name: str, message: str, traceback: List[str]) -> None:
        """Record an exception."""
        self._add({"output_type": "error", "ename": name, "evalue": message, "traceback": traceback})

    def clear(self, wait: bool) -> None:
        """clear_output()."""
        if self._outputs is not None:
            self._outputs.clear(wait)

    def _add(self, output: Dict[str, Any]) -> None:
        if self._outputs is not None and self._cell is not None and not self.is_muted and self._outputs.add(output):
            self.on_output(self._cell, {key: value for key, value in output.items() if key != "_id"})


class Tee(io.TextIOBase):
    """sys.stdout or sys.stderr: into the log and into the cell.

    A line is in the log at once; only in a burst of more than 100 lines in 20 ms they are gathered, and wait at most that long.
    """

    def __init__(self, name: str, file: Any, recorder: Recorder) -> None:
        self._name, self._file, self._recorder = name, file, recorder
        self._lock = threading.RLock()
        self._window, self._flushes = 0.0, 0
        self._late: Optional[threading.Timer] = None
        self.prefix = ""  # of each line in the log
        self._is_new_line = True

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"<{self._name}>"

    @property
    def buffer(self) -> Any:
        return self._file.buffer

    def write(self, text: str) -> int:
        """Write text; a log that nobody reads any more is no error of the user's code."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            if not self._recorder.is_muted:
                self._recorder.stream(self._name, text)
                self._write(text)
        return len(text)

    def log(self, text: str) -> None:
        """Write a line to the log only."""
        with self._lock:
            self._write(text + "\n")

    def _write(self, text: str) -> None:
        try:
            self._file.write(self._prefixed(text) if self.prefix else text)
            if "\n" in text or "\r" in text:
                self._flush_line()
        except (OSError, ValueError):
            pass

    def _prefixed(self, text: str) -> str:
        lines = text.splitlines(keepends=True) if "\n" in text else [text]
        begins = [self._is_new_line, *(line.endswith("\n") for line in lines)]
        self._is_new_line = begins[-1]
        return "".join((self.prefix if is_new else "") + line for is_new, line in zip(begins, lines))

    def _flush_line(self) -> None:
        now = monotonic()
        if now - self._window > FLUSH_SECONDS:
            self._window, self._flushes = now, 0
        self._flushes += 1
        if self._flushes <= FLUSHES_AT_ONCE:
            self._file.flush()
        elif self._late is None:
            self._late = threading.Timer(FLUSH_SECONDS, self._flush_late)
            self._late.daemon = True
            self._late.start()

    def _flush_late(self) -> None:
        self._late = None
        self.flush()

    def flush(self) -> None:
        """Everything written so far is in the log after this."""
        with self._lock:
            try:
                self._file.flush()
            except (OSError, ValueError):
                pass

    def after_fork(self) -> None:
        """A forked child has our locks in whatever state they were."""
        self._lock = threading.RLock()
        self._late = None

    def fileno(self) -> int:
        """The log's own descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """A log is no terminal."""
        return False

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """User code that closes sys.stdout must not take the log away."""
        self.flush()


def jsonable(value: Any) -> Any:
    """What a notebook file can hold: bytes as base64, as nbformat wants images; anything strange as text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    if isinstance(value, (int, float)):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return str(value)


def _stream(name: str, text: str) -> Dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def _merged(items: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    merged: List[Dict[str, Any]] = []
    for item in items:
        last = merged[-1] if merged else None
        if last and item["output_type"] == last["output_type"] == "stream" and item["name"] == last["name"]:
            last["text"] += item["text"]
        elif item["output_type"] != "stream" or item["text"]:
            merged.append(item)
    return merged
