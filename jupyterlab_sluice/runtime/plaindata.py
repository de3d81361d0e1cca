"""Plain data as JSON, an encoding that cannot run code and that any Python reads. Lists, tuples and dicts are told
apart by a leading number; so are NumPy's numbers, its arrays, whose memory is beside the JSON, and tables of pandas.

Values that share an object, or hold anything but plain data, do not fit: `encode` answers None, and pickle takes them.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from .own import dumps, loads

LIST, TUPLE, DICT, NUMBER, ARRAY, TABLE = range(6)
MOST_ITEMS = 100_000  # beyond, pickle is much quicker
DEEPEST = 100
LONGEST_INT_BITS = 10_000  # Python ≥ 3.11 refuses to read much longer ones
NUMBERS = "?bBhHiIlLqQefd"  # types of NumPy's numbers that JSON has as well
ARRAYS = "?bhilqBHILQefdgFDGUSmM"


class _NotPlain(Exception):
    pass


class Encoded(NamedTuple):
    """JSON, and what stands beside it: the memory of arrays, and where each of them is; None where no package is needed to read it."""

    data: bytes
    segments: List[Any]
    places: Optional[List[Any]]


def encode(values: Dict[str, Any]) -> Optional[Encoded]:
    """The values, or None where they are more than plain data."""
    encoder = _Encoder()
    try:
        data = dumps(encoder.encode(values, 0), separators=(",", ":")).encode()
    except _NotPlain:
        return None
    if not encoder.needs_packages:
        return Encoded(data, [], None)
    return Encoded(data, *(encoder.arrays.segments() if encoder.arrays else ([], [])))


def decode(data: bytes, array: Optional[Callable[..., Any]] = None, blocks: Optional[List[Any]] = None) -> Dict[str, Any]:
    """The values that `encode` was given. ``array(number, dtype, shape, strides, writeable)`` makes an array; to
    ``blocks`` those of tables are added.
    """
    return _Decoder(array, blocks).decode(loads(data))


class _Encoder:
    def __init__(self) -> None:
        self._seen: Set[int] = set()
        self._room = MOST_ITEMS
        self.arrays: Any = None
        self.needs_packages = False

    def encode(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is str:
            if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
                raise _NotPlain  # JSON would join two halves into one letter
            return value
        if kind is int:
            if value.bit_length() > LONGEST_INT_BITS:
                raise _NotPlain
            return value
        if depth > DEEPEST:
            raise _NotPlain
        if kind not in (list, tuple, dict):
            return self._encode_other(value, kind, depth)
        self._enter(value, len(value))
        if kind is dict:
            return [DICT, *(self.encode(part, depth + 1) for pair in value.items() for part in pair)]
        return [LIST if kind is list else TUPLE, *(self.encode(item, depth + 1) for item in value)]

    def _encode_other(self, value: Any, kind: type, depth: int) -> Any:
        package = str(getattr(kind, "__module__", "")).partition(".")[0]
        self.needs_packages = True
        if package == "numpy" and kind.__name__ == "ndarray":
            return self._encode_array(value)
        if package == "numpy" and getattr(getattr(value, "dtype", None), "char", "-") in NUMBERS and value.shape == ():
            self._enter(value, 0)
            return [NUMBER, value.dtype.char, value.item()]
        if package != "pandas":
            raise _NotPlain
        from . import plaintables

        self._enter(value, 0)
        try:
            parts = plaintables.encode(value, lambda part: self.encode(part, depth + 1), self._texts)
        except (AttributeError, TypeError, ValueError):  # another pandas has other insides
            parts = None
        if parts is None:
            raise _NotPlain
        return [TABLE, *parts]

    def _encode_array(self, value: Any) -> Any:
        dtype = value.dtype
        if dtype.char not in ARRAYS or dtype.metadata or not value.size:
            raise _NotPlain
        self._enter(value, 0)
        if self.arrays is None:
            from .arrays import Arrays

            self.arrays = Arrays()
        number, _, shape, strides, writeable = self.arrays.add(value)
        return [ARRAY, number, dtype.char if dtype.isnative and dtype.char not in "USmM" else dtype.str, shape, strides, writeable]

    def _texts(self, items: List[Any]) -> List[Any]:
        self._room -= len(items)
        if self._room < 0 or not all(item is None or type(item) is str for item in items):
            raise _NotPlain
        return [self.encode(item, 0) for item in items]

    def _enter(self, container: Any, size: int) -> None:
        self._room -= size + 1
        is_shared = id(container) in self._seen and not (type(container) is tuple and not container)
        if self._room < 0 or is_shared:
            raise _NotPlain
        self._seen.add(id(container))


class _Decoder:
    def __init__(self, array: Any, blocks: Any) -> None:
        self._array, self._blocks = array, blocks

    def decode(self, value: Any) -> Any:
        if type(value) is not list:
            return value
        if value[0] == NUMBER:
            import numpy

            return numpy.dtype(value[1]).type(value[2])
        if value[0] == ARRAY:
            import numpy

            number, dtype, shape, strides, writeable = value[1:]
            return self._array(number, numpy.dtype(dtype), tuple(shape), strides and tuple(strides), writeable)
        if value[0] == TABLE:
            from . import plaintables

            made, blocks = plaintables.decode(value[1:], self.decode)
            self._blocks += blocks
            return made
        items: List[Any] = [self.decode(item) for item in value[1:]]
        if value[0] == LIST:
            return items
        if value[0] == TUPLE:
            return tuple(items)
        return dict(zip(items[::2], items[1::2]))
