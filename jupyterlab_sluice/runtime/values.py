"""A bundle: the values of some names, in one file, checked before use and mapped instead of read.

    magic (8) · length of header (8) · SHA-256 of header (32) · header (JSON) · stream · segments, each on a 64-byte line

The header tells names, types, what made it, and where everything is. Plain data, arrays and most tables are JSON, all
else is a pickle stream, with large buffers beside either as segments. Header and stream, all that can run code, are always hashed before
use. Segments are hashed too, unless the file's modification time, set by the writer to a number in the header,
shows that nobody wrote to it since. Segments are mapped copy-on-write: 200 MB are there in a millisecond, and the
step may change them. What it did not change is not written again: the bundle that it took gets a second name.
"""

from __future__ import annotations

import hashlib
import io
import linecache
import mmap
import os
import sys
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from . import attributes, plaindata, summaries
from .contract import Artifact, Output, Step, Value
from .own import dumps, loads, time_ns
from .problems import CannotTravel, DamagedBundle

MAGIC = b"SLUICE01"
FORMAT = 1
ALIGN = 64
PREFIX = len(MAGIC) + 8 + 32
PYTHON = list(sys.version_info[:2])
# Beyond this size segments are summed by numpy, ten times quicker than any hash of the standard library.
SUMMED_BYTES = 1 << 22
ROW = 512
BLOCK = 1 << 23
# so much stays in the processor's cache between two that look at it
PIECE = 1 << 18
# Less is written sooner than compared with what was there.
COMPARED_BYTES = 1 << 22

Taken = Sequence[Tuple[Artifact, Value]]


class Bundle(NamedTuple):
    """What was read: variables by name, and random states."""

    variables: Dict[str, Any]
    states: Dict[str, Any]


def write(path: str, namespace: Dict[str, Any], output: Output, step: Step, taken: Taken = ()) -> Dict[str, Any]:
    """Write the values that these names have now. A name without a value is listed as absent.

    Args:
        path: of the file.
        namespace: the step's.
        output: the names.
        step: who writes.
        taken: bundles that the step has read; one that would be written just so becomes this one as well.

    Returns:
        The artifact's metadata.

    Raises:
        CannotTravel: a value cannot be saved.
    """
    values = attributes.collect(namespace, output.names)
    random = _capture_states(output)
    try:
        content = _encode(values, random, step)
    except CannotTravel:
        if not _leave_out(values):
            raise
        content = _encode(values, random, step)
    variables = [summaries.describe(name, value) for name, value in values.items()]
    absent = [name for name in output.names if name not in values]
    header = {
        "format": FORMAT, "python": PYTHON, "pipeline": step.pipeline, "step": step.name, "artifact": output.artifact,
        "names": list(values), "absent": absent, "states": list(random), "variables": variables, **content.about,
    }  # fmt: skip
    if not any(_share(path, header, content, *bundle) for bundle in taken):
        _write_file(path, header, content)
    return {"variables": variables, **summaries.about(values.values()), **({"absent": absent} if absent else {})}


def read(artifact: Artifact, item: Value) -> Bundle:
    """Read a bundle; its large arrays stay in the file until they are touched.

    Raises:
        DamagedBundle: it is missing or damaged, or cannot be read by this Python.
    """
    memory, header, start = check(artifact, item)
    missing = [name for name in item.names if name not in header["names"] and name not in header["absent"]]
    if missing:
        raise DamagedBundle(
            f"The input ‘{item.input}’ from step ‘{header['step']}’ lacks {_list(missing)}. Compile the notebook again, then run step ‘{header['step']}’ again."
        )
    variables, random = _decode(memory, header, start, item)
    return Bundle(
        {name: variables[name] for name in item.names if name in variables},
        {name: random[name] for name in item.states if name in random},
    )


def check(artifact: Artifact, item: Value) -> Tuple[memoryview, Dict[str, Any], int]:
    """Map the bundle's file and see that it is whole.

    Raises:
        DamagedBundle: it is missing or damaged.
    """
    try:
        with open(artifact.path, "rb") as file:
            memory = _map(file)
            sealed = os.fstat(file.fileno()).st_mtime_ns
    except OSError as error:
        raise DamagedBundle(
            f"The input ‘{item.input}’ ({_list(item.names)}) is missing at {artifact.path}: {error.strerror}. Run the step that makes it again."
        ) from None
    return (memory, *_check(memory, item, sealed))


def _capture_states(output: Output) -> Dict[str, Any]:
    if not output.states:
        return {}
    from . import states

    return states.capture(output.states)


class _Content(NamedTuple):
    about: Dict[str, Any]
    stream: memoryview
    segments: List[Any]


def _encode(values: Dict[str, Any], random: Dict[str, Any], step: Step) -> _Content:
    plain = None if random else plaindata.encode(values)
    if plain is not None:
        about = {"encoding": "json", **({} if plain.places is None else {"arrays": plain.places})}
        return _Content(about, memoryview(plain.data), plain.segments)
    from . import pickling

    file = io.BytesIO()
    pickler = pickling.Pickler(file)
    made = (type, type(_encode))
    pickler.given = {id(value) for name, value in values.items() if isinstance(value, made) and value.__qualname__ == name}
    for name, value in [*values.items(), ("", random)]:
        try:
            pickler.dump(value)
        except Exception as error:  # the user's own __reduce__ and __getstate__ may raise anything
            raise CannotTravel(_explain(values, name, error, step)) from None
    segments, places = pickler.arrays.segments()
    raw = [buffer.raw() for buffer in pickler.buffers]
    about = {
        "encoding": "pickle",
        "code": pickler.has_code,
        "sources": pickler.sources,
        "arrays": places,
        "buffers": len(raw),
    }
    return _Content(about, file.getbuffer(), segments + raw)


def _leave_out(values: Dict[str, Any]) -> bool:
    """Take away what the notebook's own modules keep and cannot be saved, such as an open connection: later steps make it as this one did."""
    from . import pickling

    lost = [name for name, value in values.items() if attributes.is_own(name) and pickling.probe(value) is not None]
    for name in lost:
        print(f"‘{name}’ is a {type(values.pop(name)).__name__} and cannot be saved: later steps have it as its module makes it.", file=sys.stderr)
    return bool(lost)


def _explain(values: Dict[str, Any], name: str, error: BaseException, step: Step) -> str:
    from . import pickling, travel

    failures = {
        other: (value, found)
        for other, value in values.items()
        for found in [pickling.probe(value)]
        if found is not None
    }
    return travel.explain(step.name, failures or {name: (values.get(name), error)})


def _share(path: str, header: Dict[str, Any], content: _Content, artifact: Artifact, item: Value) -> bool:
    """Let the file of a bundle that was read be this one's too, where it holds the same. On some disks that cannot be."""
    if sum(segment.nbytes for segment in content.segments) < COMPARED_BYTES:
        return False
    try:
        memory, then, start = check(artifact, item)
        if not _is_same(header, content, then, _segments(memory, then, start)):
            return False
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        os.link(artifact.path, path)
        return True
    except (DamagedBundle, OSError):
        return False


def _is_same(header: Dict[str, Any], content: _Content, then: Dict[str, Any], segments: List[memoryview]) -> bool:
    about = {key: then.get(key) for key in header}
    return (
        dumps({**header, "step": ""}) == dumps({**about, "step": ""})
        and then["stream"] == [content.stream.nbytes, hashlib.sha256(content.stream).hexdigest()]
        and [segment.nbytes for segment in content.segments] == [segment.nbytes for segment in segments]
        and all(
            bytes(piece) == bytes(other)
            for pair in zip(content.segments, segments)
            for piece, other in zip(*(_cut(memoryview(segment), PIECE) for segment in pair))
        )
    )


def _write_file(path: str, header: Dict[str, Any], content: _Content) -> None:
    sizes = [segment.nbytes for segment in content.segments]
    offset = _up(content.stream.nbytes)
    header["segments"] = []
    for size in sizes:
        header["segments"].append([offset, size])
        offset = _up(offset + size)
    header["stream"] = [content.stream.nbytes, hashlib.sha256(content.stream).hexdigest()]
    header["check"] = "sums" if sum(sizes) > SUMMED_BYTES and "numpy" in sys.modules else "sha256"
    check = CHECKS[header["check"]]()
    header["digest"] = check.hexdigest()  # of nothing yet, and as long as that of all
    header["size"] = offset
    header["sealed"] = time_ns()
    start = _up(PREFIX + len(dumps(header).encode()))
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "wb", buffering=0) as file:
            file.seek(start)
            _put(file, content.stream)
            for (place, _), segment in zip(header["segments"], content.segments):
                file.seek(start + place)
                check.add(memoryview(segment), lambda piece: _put(file, piece))  # each piece while it is near
            file.truncate(start + header["size"])
            header["digest"] = check.hexdigest()
            data = dumps(header).encode()
            file.seek(0)
            _put(file, MAGIC + len(data).to_bytes(8, "little") + hashlib.sha256(data).digest() + data)
        os.utime(temporary, ns=(header["sealed"], header["sealed"]))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _put(file: Any, piece: Any) -> None:
    view = memoryview(piece)
    while view.nbytes:
        view = view[file.write(view) :]


def _map(file: Any) -> memoryview:
    if os.fstat(file.fileno()).st_size == 0:
        return memoryview(b"")
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _check(memory: memoryview, item: Value, mtime: int) -> Tuple[Dict[str, Any], int]:
    """The header and where the data start, once all that the header promises is found true."""
    damaged = DamagedBundle(
        f"The input ‘{item.input}’ ({_list(item.names)}) is damaged: what is in its file is not what was written. Run the step that makes it again."
    )
    length = int.from_bytes(memory[8:16], "little")
    if bytes(memory[:8]) != MAGIC or PREFIX + length > memory.nbytes:
        raise damaged
    data = memory[PREFIX : PREFIX + length]
    if hashlib.sha256(data).digest() != bytes(memory[16:PREFIX]):
        raise damaged
    header = loads(bytes(data))
    maker = header["step"]
    damaged = DamagedBundle(
        f"The input ‘{item.input}’ ({_list(item.names)}) from step ‘{maker}’ is damaged: what is in its file is not what was written. Run step ‘{maker}’ again."
    )
    start = _up(PREFIX + length)
    if header["format"] != FORMAT:
        raise DamagedBundle(
            f"The input ‘{item.input}’ from step ‘{maker}’ has format {header['format']}; this runtime knows {FORMAT}. Run step ‘{maker}’ again."
        )
    size, digest = header["stream"]
    if memory.nbytes != start + header["size"] or hashlib.sha256(memory[start : start + size]).hexdigest() != digest:
        raise damaged
    if mtime != header["sealed"]:
        check = CHECKS[header["check"]]()
        for segment in _segments(memory, header, start):
            check.add(segment)
        if check.hexdigest() != header["digest"]:
            raise damaged
    if header.get("code") and header["python"] != PYTHON:
        made, here = (".".join(map(str, version)) for version in (header["python"], PYTHON))
        raise DamagedBundle(
            f"The input ‘{item.input}’ ({_list(item.names)}) from step ‘{maker}’ holds functions or classes made by Python {made}, which Python {here} cannot read. Use the same Python for both steps."
        )
    return header, start


def _decode(
    memory: memoryview, header: Dict[str, Any], start: int, item: Value
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    stream = memory[start : start + header["stream"][0]]
    is_plain = header["encoding"] == "json"
    if is_plain and "arrays" not in header:
        return plaindata.decode(bytes(stream)), {}
    from . import arrays, rebuild

    segments = _segments(memory, header, start)
    places = [arrays.Place(*place) for place in header["arrays"]]
    reading = rebuild.Reading(lambda index, *rest: arrays.build(segments[places[index].segment], places[index], *rest))
    rebuild.begin(reading)
    name = "’, ‘".join(header["names"])
    try:
        if is_plain:
            return plaindata.decode(bytes(stream), reading.array, reading.blocks), {}
        from . import pickling

        for file, source in header["sources"].items():
            linecache.cache.setdefault(file, (len(source), None, source.splitlines(True), file))
        unpickler = pickling.Unpickler(io.BytesIO(stream), buffers=iter(segments[len(segments) - header["buffers"] :]))
        unpickler.load()  # the namespace
        variables = {}
        for name in header["names"]:
            variables[name] = unpickler.load()
        return variables, unpickler.load()
    except ImportError as error:
        raise DamagedBundle(
            f"‘{name}’ from step ‘{header['step']}’ cannot be read here: {error}. Install in this step’s environment what step ‘{header['step']}’ has."
        ) from None
    except Exception as error:  # whatever the user's own __setstate__ raises
        raise DamagedBundle(
            f"‘{name}’ from step ‘{header['step']}’ cannot be made again from its saved form: {type(error).__name__}: {error}. Give later steps plain values instead, or make it loadable."
        ) from error
    finally:
        arrays.tell_sharing(rebuild.end().blocks)


def _segments(memory: memoryview, header: Dict[str, Any], start: int) -> List[memoryview]:
    return [memory[start + offset : start + offset + size] for offset, size in header["segments"]]


class _Sha256:
    """The hash of all segments, one after the other. What is added is shown to `see` as well, piece by piece."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.hexdigest = self._digest.hexdigest

    def add(self, segment: memoryview, see: Callable[[memoryview], None] = lambda piece: None) -> None:
        for piece in _cut(segment, PIECE):
            see(piece)
            self._digest.update(piece)


class _Sums(_Sha256):
    """A hash of the sums of each row and column, when the segment is laid out as rows of 4 KB: finds damage, at the speed of memory."""

    def add(self, segment: memoryview, see: Callable[[memoryview], None] = lambda piece: None) -> None:
        for block in _cut(segment, BLOCK):
            whole = block.nbytes - block.nbytes % (ROW * 8)
            for part in _row_and_column_sums(block[:whole], see):
                self._digest.update(part)
            see(block[whole:])
            self._digest.update(block[whole:])


def _row_and_column_sums(block: memoryview, see: Callable[[memoryview], None]) -> List[bytes]:
    if not block.nbytes:
        return []
    try:
        import numpy
    except ImportError:
        see(block)
        words = [block[offset : offset + ROW * 8].cast("Q") for offset in range(0, block.nbytes, ROW * 8)]
        return [_words(sum(row) for row in words), _words(sum(column) for column in zip(*words))]
    rows, columns = [], numpy.zeros(ROW, "<u8")
    for piece in _cut(block, PIECE):
        see(piece)
        table = numpy.frombuffer(piece, "<u8").reshape(-1, ROW)
        rows.append(table.sum(axis=1, dtype="<u8").tobytes())
        columns += table.sum(axis=0, dtype="<u8")
    return [b"".join(rows), columns.tobytes()]


def _cut(memory: memoryview, size: int) -> Iterator[memoryview]:
    for offset in range(0, memory.nbytes, size):
        yield memory[offset : offset + size]


def _words(numbers: Iterator[int]) -> bytes:
    return b"".join((number % 2**64).to_bytes(8, "little") for number in numbers)


CHECKS = {"sha256": _Sha256, "sums": _Sums}


def _up(offset: int) -> int:
    return (offset + ALIGN - 1) // ALIGN * ALIGN


def _list(names: List[str]) -> str:
    return ", ".join(f"‘{name}’" for name in names) or "no names"
