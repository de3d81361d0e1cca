"""What a function under `functools.cache` remembers, read out of it and put back: the keys are taken apart into the arguments
that they were made of, and the function is called with them while its code answers from a list.

The counts of `cache_info()` come back as well, as far as calls can bring them about.
"""

from __future__ import annotations

import functools
import gc
import itertools
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

MOST_COUNTED = 100_000  # calls made for the sake of the counts


class Memory(NamedTuple):
    """Arguments and results, the longest unused first, and how often the function was asked."""

    calls: List[Tuple[Tuple[Any, ...], Dict[str, Any]]]
    results: List[Any]
    hits: int
    misses: int


def remembered(cached: Any, typed: bool) -> Memory:
    """All that a `functools.cache` or `lru_cache` function remembers."""
    info = cached.cache_info()
    # CPython's own: it tells the garbage collector of its dict by key, and of each key and result in the order of their use.
    parts = gc.get_referents(cached)
    by_key = next((part for part in parts if type(part) is dict and part is not cached.__dict__), {})
    items = list(by_key.items()) if info.maxsize is None else list(_in_order(parts, by_key))
    calls = [_arguments(key, typed) for key, _ in items]
    return Memory(calls, [result for _, result in items], info.hits, info.misses)


def _in_order(parts: List[Any], by_key: Dict[Any, Any]) -> Iterator[Tuple[Any, Any]]:
    keys = {id(key) for key in by_key}
    rest = iter(parts)
    for part in rest:
        if id(part) in keys:
            yield part, next(rest)


def _arguments(key: Any, typed: bool) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
    """`functools` makes keys of the positional arguments, a mark, names and values in turn, and of the types of all."""
    if not isinstance(key, tuple):
        return (key,), {}
    mark = next((place for place, part in enumerate(key) if type(part) is object), None)
    if mark is None:
        return (key[: len(key) // 2] if typed else key), {}
    rest = len(key) - mark - 1
    named = key[mark + 1 : mark + 1 + ((rest - mark) // 3 * 2 if typed else rest)]
    return key[:mark], dict(zip(named[::2], named[1::2]))


def remember(cached: Any, memory: Memory) -> None:
    """Have a function that remembers nothing remember all this."""
    function, maxsize = cached.__wrapped__, cached.cache_info().maxsize
    if not isinstance(function, types.FunctionType) or not memory.calls:
        return
    gone = memory.misses - len(memory.calls) if len(memory.calls) == maxsize else 0
    fillers = [((object(),), {}) for _ in range(min(gone, MOST_COUNTED))]
    own = function.__code__, function.__defaults__, function.__kwdefaults__
    answers = itertools.chain([None] * len(fillers), memory.results)
    function.__code__ = _answer.__code__.replace(co_freevars=own[0].co_freevars)
    function.__defaults__, function.__kwdefaults__ = None, {"sluice_answers": answers}
    try:
        for positional, named in fillers + memory.calls:
            cached(*positional, **named)
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = own
    positional, named = memory.calls[-1]
    for _ in range(min(memory.hits, MOST_COUNTED)):
        cached(*positional, **named)


def _answer(*_: Any, sluice_answers: Iterator[Any], **__: Any) -> Any:
    return next(sluice_answers)


Cached = type(functools.lru_cache(None)(len))
