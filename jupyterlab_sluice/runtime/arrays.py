"""numpy arrays in a bundle. Arrays that look at the same memory do so again after reading; the memory is written once,
outside the pickle stream.

While a stream is written each array gets a number. At its end, when all are known, overlapping ranges of memory
become one segment. A lone view that skips most of its range is written densely instead.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import rebuild

PLAIN = "?bBhHiIlLqQefdgFDG"  # types of numbers, of which NumPy keeps one object each
SPARSE = 2  # a range this many times larger than what the view shows of it is not worth keeping


class Place(NamedTuple):
    """Where an array is: a segment, the offset in it, and strides where they changed."""

    segment: int
    offset: int
    strides: Optional[List[int]]


class Arrays:
    """The arrays of one stream."""

    def __init__(self) -> None:
        self._arrays: List[Any] = []

    def reduce(self, array: Any) -> Any:
        """For pickle: a reference to the array by number."""
        if array.dtype.hasobject or not array.size:
            return NotImplemented
        return rebuild.array, self.add(array)

    def add(self, array: Any) -> Tuple[Any, ...]:
        """What `build` needs besides its place: number, type, shape, strides, and whether it may be written to."""
        self._arrays.append(array)  # kept, so that its memory is not used again before the end
        strides = None if array.flags.c_contiguous else array.strides
        return len(self._arrays) - 1, array.dtype, array.shape, strides, bool(array.flags.writeable)

    def segments(self) -> Tuple[List[Any], List[Place]]:
        """The memory to write, one byte array a segment, and where each array is in it."""
        order = sorted(range(len(self._arrays)), key=lambda number: _bounds(self._arrays[number])[0])
        groups: List[Dict[str, Any]] = []
        for number in order:
            low, high = _bounds(self._arrays[number])
            if groups and low < groups[-1]["high"]:
                groups[-1]["high"] = max(high, groups[-1]["high"])
                groups[-1]["numbers"].append(number)
            else:
                groups.append({"low": low, "high": high, "numbers": [number]})
        places: Dict[int, Place] = {}
        segments = []
        for index, group in enumerate(groups):
            segments.append(self._segment(index, group, places))
        return segments, [places[number] for number in range(len(self._arrays))]

    def _segment(self, index: int, group: Dict[str, Any], places: Dict[int, Place]) -> Any:
        first = self._arrays[group["numbers"][0]]
        if len(group["numbers"]) == 1 and group["high"] - group["low"] > SPARSE * first.nbytes:
            dense = first.copy(order="K")
            places[group["numbers"][0]] = Place(index, _offset(dense), list(dense.strides))
            return _memory(*_bounds(dense), dense)
        for number in group["numbers"]:
            places[number] = Place(index, _address(self._arrays[number]) - group["low"], None)
        return _memory(group["low"], group["high"], first)


def build(
    segment: Any, place: Place, dtype: Any, shape: Tuple[int, ...], strides: Optional[Tuple[int, ...]], writeable: bool
) -> Any:
    """An array over a segment that was read."""
    import numpy

    if dtype.char in PLAIN and dtype.isnative:
        dtype = numpy.dtype(dtype.char)  # the one that all arrays of this type have, as code asks with `is`: then it takes no view
    array = numpy.ndarray(shape, dtype, segment, place.offset, place.strides or strides)
    if not writeable:
        array.flags.writeable = False
    return array


def tell_sharing(blocks: List[Any]) -> None:
    """Let pandas know which blocks look at the same memory."""
    if len(blocks) < 2:
        return
    ends: List[Tuple[int, int, Any]] = []
    for block in blocks:
        values = getattr(block.values, "_ndarray", block.values)
        if type(values).__name__ == "ndarray" and values.size:
            ends.append((*_bounds(values), block))
    ends.sort(key=lambda item: item[0])
    reach, first = 0, None
    for low, high, block in ends:
        if first is not None and low < reach:
            block.refs = first.refs
            block.refs.add_reference(block)
        else:
            first = block
        reach = max(reach, high)


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]


def _bounds(array: Any) -> Tuple[int, int]:
    """The first address of its memory and the one behind the last."""
    low = high = _address(array)
    for size, stride in zip(array.shape, array.strides):
        if stride < 0:
            low += (size - 1) * stride
        else:
            high += (size - 1) * stride
    return low, high + array.itemsize


def _offset(array: Any) -> int:
    return _address(array) - _bounds(array)[0]


class _Memory:
    def __init__(self, low: int, high: int, owner: Any) -> None:
        self.owner = owner
        self.__array_interface__ = {"data": (low, False), "shape": (high - low,), "typestr": "|u1", "version": 3}


def _memory(low: int, high: int, owner: Any) -> memoryview:
    return memoryview(sys.modules["numpy"].asarray(_Memory(low, high, owner)))
