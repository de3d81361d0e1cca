"""Tables of pandas as plain data: numbers and dates are arrays, texts are lists. What is more than that (labels of
several levels, categories, time zones, attributes) is left to pickle, and so is all of pandas before 3, which cannot
be asked to make a table of its blocks.

`encode` answers None for what is no such table; it raises what `plain` raises for what does not fit.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, List, Optional, Tuple

Plain = Callable[[Any], Any]


def encode(value: Any, plain: Plain, texts: Callable[[List[Any]], Any]) -> Optional[List[Any]]:
    """The parts of a table, series or index: each by ``plain``, lists of texts by ``texts``."""
    pandas = sys.modules.get("pandas")
    kind = type(value)
    if not hasattr(getattr(getattr(pandas, "api", None), "internals", None), "create_dataframe_from_blocks"):
        return None
    assert pandas
    if kind is pandas.RangeIndex:
        return ["range", value.start, value.stop, value.step, plain(value.name)]
    if kind is pandas.Index:
        return ["index", _column(value.array, plain, texts), plain(value.name)]
    if kind is pandas.DatetimeIndex and value.tz is None:
        return ["dates", plain(value.array._ndarray), value.freqstr, plain(value.name)]
    if kind in (pandas.DataFrame, pandas.Series) and not value.attrs and value.flags.allows_duplicate_labels:
        blocks = [[_column(block.values, plain, texts), block.mgr_locs.as_array.tolist()] for block in value._mgr.blocks]
        if kind is pandas.Series:
            return ["series", plain(value.index), blocks[0][0], plain(value.name)]
        return ["frame", plain(value.index), plain(value.columns), blocks]
    return None


def _column(values: Any, plain: Plain, texts: Callable[[List[Any]], Any]) -> Any:
    kind = type(values).__name__
    if kind == "ndarray":
        return plain(values)
    if kind == "NumpyExtensionArray" and values.dtype.numpy_dtype.hasobject:
        return ["objects", texts(values.tolist())]
    if kind == "NumpyExtensionArray" or (kind in ("DatetimeArray", "TimedeltaArray") and _is_simple(values)):
        return plain(getattr(values, "_ndarray"))
    if type(values.dtype).__name__ == "StringDtype":
        missing = values.isna()
        items = [None if gone else text for text, gone in zip(values.tolist(), missing)]
        return ["texts", values.dtype.storage, values.dtype.na_value is sys.modules["pandas"].NA, texts(items)]
    return plain(values)  # which refuses it


def _is_simple(dates: Any) -> bool:
    return getattr(dates, "freq", None) is None and type(dates.dtype).__module__.startswith("numpy")


def decode(parts: List[Any], plain: Plain) -> Tuple[Any, List[Any]]:
    """What was encoded, and its blocks, of which pandas has to know who shares their memory."""
    pandas: Any = __import__("pandas.api.internals")
    how, *rest = parts
    if how == "range":
        start, stop, step, name = rest
        return pandas.RangeIndex(start, stop, step, name=plain(name)), []
    if how == "index":
        values = _values(rest[0], plain)
        return pandas.Index(values, dtype=values.dtype, name=plain(rest[1]), copy=False), []
    if how == "dates":
        return pandas.DatetimeIndex(plain(rest[0]), freq=rest[1], name=plain(rest[2]), copy=False), []
    index = plain(rest[0])
    if how == "series":
        made = pandas.Series(_values(rest[1], plain), index=index, name=plain(rest[2]), copy=False)
    else:
        numpy: Any = sys.modules["numpy"]
        blocks = [(_values(values, plain), numpy.array(places, "intp")) for values, places in rest[2]]
        made = pandas.api.internals.create_dataframe_from_blocks(blocks, index=index, columns=plain(rest[1]))
    return made, [block for block in made._mgr.blocks if hasattr(block, "refs")]


def _values(column: List[Any], plain: Plain) -> Any:
    pandas: Any = sys.modules["pandas"]
    numpy: Any = sys.modules["numpy"]
    if column[0] == "objects":
        made = numpy.empty(len(column[1]), object)
        made[:] = column[1]
        return made
    if column[0] == "texts":
        _, storage, is_na, items = column
        return pandas.array(items, dtype=pandas.StringDtype(storage, na_value=pandas.NA if is_na else float("nan")))
    return plain(column)
