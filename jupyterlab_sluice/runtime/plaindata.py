"""Plain data as JSON, an encoding that cannot run code and that any Python reads. Lists, tuples and dicts are told
apart by a leading number.

Values that share an object, or hold anything but plain data, do not fit: `encode` answers None, and pickle takes them.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Set

from .own import dumps, loads

LIST, TUPLE, DICT = 0, 1, 2
MOST_ITEMS = 100_000  # beyond, pickle is much quicker
DEEPEST = 100
LONGEST_INT_BITS = 10_000  # Python ≥ 3.11 refuses to read much longer ones


class _NotPlain(Exception):
    pass


def encode(values: Dict[str, Any]) -> Optional[bytes]:
    """The values as JSON, or None where they are more than plain data."""
    try:
        return dumps(_Encoder().encode(values, 0), separators=(",", ":")).encode()
    except _NotPlain:
        return None


def decode(data: bytes) -> Dict[str, Any]:
    """The values that `encode` was given."""
    return _decode(loads(data))


class _Encoder:
    def __init__(self) -> None:
        self._seen: Set[int] = set()
        self._room = MOST_ITEMS

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
        if kind not in (list, tuple, dict) or depth > DEEPEST:
            raise _NotPlain
        self._enter(value)
        if kind is dict:
            return [DICT, *(self.encode(part, depth + 1) for pair in value.items() for part in pair)]
        return [LIST if kind is list else TUPLE, *(self.encode(item, depth + 1) for item in value)]

    def _enter(self, container: Any) -> None:
        self._room -= len(container) + 1
        if self._room < 0 or (container != () and id(container) in self._seen):
            raise _NotPlain
        self._seen.add(id(container))


def _decode(value: Any) -> Any:
    if type(value) is not list:
        return value
    items: List[Any] = [_decode(item) for item in value[1:]]
    if value[0] == LIST:
        return items
    if value[0] == TUPLE:
        return tuple(items)
    return dict(zip(items[::2], items[1::2]))
