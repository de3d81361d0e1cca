"""Why a value cannot travel, told so that its owner can act: which part of which variable, what it is, and what to do."""

from __future__ import annotations

import functools
import io
import types
from typing import Any, Dict, Iterator, List, Set, Tuple

from .pickling import probe

DEEPEST = 40
MOST_PARTS = 10_000

# The type's name and what people call it.
KINDS = (
    (io.IOBase, "an open file"),
    (types.GeneratorType, "a generator"),
    (types.CoroutineType, "a coroutine"),
    (types.AsyncGeneratorType, "an asynchronous generator"),
    (types.FrameType, "a frame of a running function"),
    (types.TracebackType, "a traceback"),
    (memoryview, "a view of memory"),
)
NAMES = {
    "lock": "a lock", "RLock": "a lock", "Lock": "a lock", "Condition": "a lock", "Semaphore": "a lock", "Event": "a lock",
    "Thread": "a thread", "Connection": "a connection", "Cursor": "a database cursor", "socket": "a socket", "SSLSocket": "a socket", "SSLContext": "a TLS context",
    "Popen": "a running process", "mmap": "a mapped file", "memmap": "an array mapped from a file", "Task": "an asyncio task",
    "TemporaryDirectory": "a temporary folder", "_TemporaryFileWrapper": "an open temporary file", "ReferenceType": "a weak reference", "weakref": "a weak reference",
    "ThreadPoolExecutor": "a pool of threads", "ProcessPoolExecutor": "a pool of processes", "Pool": "a pool of processes", "reader": "a reader of an open file", "_reader": "a reader of an open file",
}  # fmt: skip


def explain(step: str, failures: Dict[str, Tuple[Any, BaseException]]) -> str:
    """The message for the variables that cannot travel, one sentence each, and the advice."""
    sentences = [_sentence(name, value, error) for name, (value, error) in failures.items()]
    names = " and ".join(f"‘{name}’" for name in failures)
    pronoun = "it" if len(failures) == 1 else "them"
    advice = (
        f"Create {pronoun} in the step that uses {pronoun}, or keep what later steps need of {pronoun} in plain values."
    )
    return f"Step ‘{step}’ cannot give {names} to later steps. {' '.join(sentences)} {advice}"


def _sentence(name: str, value: Any, error: BaseException) -> str:
    path, culprit, reason = _find(value, error)
    what = _what(culprit)
    if isinstance(reason, RecursionError):
        return f"‘{name}’ is nested too deeply to be saved."
    where = f"‘{name}’ is {what}" if not path else f"‘{name}’ contains {what} at {name}{path}"
    known = isinstance(culprit, tuple(kind for kind, _ in KINDS)) or type(culprit).__name__ in NAMES
    return where + (
        ", which exists only in this process." if known else f", which cannot be saved: {str(reason).rstrip('.')}."
    )


def _what(value: Any) -> str:
    kind = type(value)
    type_name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    for known, words in KINDS:
        if isinstance(value, known):
            return f"{words} ({type_name})"
    for base in kind.__mro__:
        if base.__name__ in NAMES:
            return f"{NAMES[base.__name__]} ({type_name})"
    return (
        f"of type ‘{type_name}’"
        if not isinstance(value, types.ModuleType)
        else f"a module made at run time (‘{value.__name__}’)"
    )


def _find(value: Any, error: BaseException) -> Tuple[str, Any, BaseException]:
    # Follow the first part that cannot travel either, until none of its parts is to blame.
    path: List[str] = []
    seen: Set[int] = {id(value)}
    while len(path) < DEEPEST:
        for label, part in _parts(value):
            if id(part) in seen:
                continue
            found = probe(part)
            if found is not None:
                seen.add(id(part))
                path.append(label)
                value, error = part, found
                break
        else:
            break
    return "".join(path), value, error


def _parts(value: Any) -> Iterator[Tuple[str, Any]]:
    """What a value is made of, with the words that lead there."""
    for count, part in enumerate(_all_parts(value)):
        if count > MOST_PARTS:
            return
        yield part


def _all_parts(value: Any) -> Iterator[Tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield f"[{key!r}]", item
            yield f" (key {str(key)[:40]})", key
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield f"[{index}]", item
    if isinstance(value, (set, frozenset)):
        for item in value:
            yield " (item)", item
    if isinstance(value, functools.partial):
        yield ".func", value.func
        yield ".args", value.args
        yield ".keywords", value.keywords
    if isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    if isinstance(value, types.FunctionType):
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or ()):
            try:
                yield f" (closure ‘{name}’)", cell.cell_contents
            except ValueError:  # empty
                pass
        yield ".__defaults__", value.__defaults__
        yield ".__kwdefaults__", value.__kwdefaults__
    yield from _state(value)


def _state(value: Any) -> Iterator[Tuple[str, Any]]:
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, (dict, types.MappingProxyType)):
        for name, item in list(attributes.items()):
            if name not in ("__dict__", "__weakref__"):
                yield f".{name}", item
    if isinstance(
        value, (dict, list, tuple, set, frozenset, str, bytes, int, float, type, types.FunctionType, types.MethodType)
    ):
        return
    if type(value).__module__ == "__main__":
        yield " (its class)", type(value)
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield f".{name}", getattr(value, name)
    if type(value).__name__ == "ndarray":
        for index, item in enumerate(value.ravel().tolist()[:MOST_PARTS]):
            yield f"[{index}]", item
        return
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # this very object is to blame
        return
    if isinstance(reduced, tuple):
        for part in reduced[1:3]:
            for item in part if isinstance(part, tuple) else (part,):
                if isinstance(item, (dict, list, tuple)) or hasattr(item, "__dict__"):
                    yield "", item
