"""What a pickle stream of ours calls to build things that plain pickle cannot: functions and classes of a notebook,
array views, modules.

Functions are bound to the live namespace of `__main__`, so that they see what the step binds later. A function or class
that the step has already run from source is used as it is, never doubled.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import marshal
import sys
import types
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

MAIN = "__main__"


class Reading:
    """What the bundle that is being read brings along: its arrays, and what was built from it so far."""

    def __init__(self, array: Callable[..., Any]) -> None:
        self.array = array
        self.fresh: Dict[int, Any] = {}
        self.blocks: List[Any] = []


_reading: List[Reading] = []
# Classes made by value, by the token that their maker gave them, and back: one class stays one class however often it travels.
_classes: Dict[str, type] = {}
tokens: Dict[type, str] = {}
_made: Set[int] = set()  # their ids; `tokens` keeps them alive


def begin(reading: Reading) -> None:
    """Open a bundle."""
    _reading.append(reading)


def end() -> Reading:
    """Close it."""
    return _reading.pop()


def fill_blocks(manager: Any, state: Tuple[Any, ...]) -> None:
    """The blocks of a pandas table."""
    if state and state[0] is not None:
        manager.__setstate__(state[0])
    _reading[-1].blocks += [block for block in manager.blocks if hasattr(block, "refs")]


def live_namespace() -> Dict[str, Any]:
    """The namespace of the running step."""
    return sys.modules[MAIN].__dict__


def namespace() -> Dict[str, Any]:
    return live_namespace()


def builtin_names() -> Dict[str, Any]:
    return vars(builtins)


def module(name: str) -> types.ModuleType:
    return sys.modules[MAIN] if name == MAIN else importlib.import_module(name)


def member(module_name: str, qualname: str) -> Any:
    found: Any = module(module_name)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def match(pattern: Any, how: str, *arguments: Any) -> Any:
    return getattr(pattern, how)(*arguments)


def code(data: bytes) -> types.CodeType:
    return marshal.loads(data)


def cell() -> Any:
    return types.CellType()


def globals_box(name: Optional[str]) -> Dict[str, Any]:
    return {"__name__": name, "__builtins__": __builtins__}


def function(
    module_name: Optional[str],
    box: Optional[Dict[str, Any]],
    name: str,
    qualname: str,
    body: types.CodeType,
    cells: Optional[Tuple[Any, ...]],
) -> Any:
    known = _defined(module_name, qualname)
    if (
        isinstance(known, types.FunctionType)
        and not cells
        and known.__code__ == body
        and known.__globals__ is live_namespace()
    ):
        return known
    scope = box if box is not None else module(module_name or MAIN).__dict__
    made = types.FunctionType(body, scope, name, None, cells)
    made.__qualname__ = qualname
    _fresh(made)
    return made


def fill_function(made: Any, state: Dict[str, Any]) -> None:
    for place, content in state["cells"]:
        place.cell_contents = content
    if state["box"] is not None:
        state["box"].update(state["globals"])
    made.__dict__.update(state["dict"])
    if not _is_fresh(made) and not state.get("given"):
        return
    made.__defaults__, made.__kwdefaults__ = state["defaults"], state["kwdefaults"]
    made.__annotations__ = state["annotations"]
    made.__doc__, made.__module__ = state["doc"], state["module"]


def class_(
    meta: type, module_name: str, name: str, qualname: str, bases: Tuple[Any, ...], body: Dict[str, Any], token: str
) -> type:
    known = _known_class(module_name, qualname, token)
    if known is not None:
        return known
    maker: Any = next(kind for kind in meta.__mro__ if kind.__module__ != MAIN)
    with _quiet(bases):
        made = maker.__new__(meta, name, bases, {**body, "__module__": module_name, "__qualname__": qualname})
    if maker is not type:
        maker.__init__(made, name, bases, {})
    return _register(made, token)


@contextlib.contextmanager
def _quiet(bases: Tuple[Any, ...]) -> Iterator[None]:
    """While a class is made anew, what its notebook does when it makes one does not happen again."""
    above = {base for one in bases for base in one.__mro__ if base.__module__ == MAIN and "__init_subclass__" in vars(base)}
    hooks = [(base, vars(base)["__init_subclass__"]) for base in above]
    for base, _ in hooks:
        type.__setattr__(base, "__init_subclass__", classmethod(lambda cls, **keywords: None))
    try:
        yield
    finally:
        for base, hook in hooks:
            type.__setattr__(base, "__init_subclass__", hook)


def fill_class(made: type, state: Dict[str, Any]) -> None:
    if id(made) not in _made and not state.get("given"):  # it was defined here, and nothing has changed it
        return  # else what a later step left of it replaces what an earlier one did
    for name, value in state["attributes"].items():
        type.__setattr__(made, name, value)
    for subclass in state["registered"]:
        made.register(subclass)  # type: ignore[attr-defined]


def enum(
    base: type,
    module_name: str,
    name: str,
    qualname: str,
    bases: Tuple[Any, ...],
    members: List[Tuple[str, Any]],
    token: str,
) -> type:
    known = _known_class(module_name, qualname, token)
    if known is not None:
        return known
    meta = type(base)
    space = meta.__prepare__(name, bases)  # type: ignore[attr-defined]
    for member_name, value in members:
        space[member_name] = value
    space["__module__"], space["__qualname__"] = module_name, qualname
    return _register(meta.__new__(meta, name, bases, space), token)  # type: ignore[call-overload]


def fill_object(made: Any, state: Any) -> None:
    """What unpickling does by itself where a class says nothing of it."""
    own, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    if own:
        made.__dict__.update(own)
    for name, value in (slots or {}).items():
        object.__setattr__(made, name, value)


def type_var(module_name: str, name: str, constraints: Tuple[Any, ...], keywords: Dict[str, Any]) -> Any:
    import typing

    known = _defined(module_name, name)
    return known if isinstance(known, typing.TypeVar) else typing.TypeVar(name, *constraints, **keywords)  # type: ignore[misc]


def property_(get: Any, set_: Any, delete: Any, doc: Optional[str]) -> property:
    return property(get, set_, delete, doc)


def method(kind: str, wrapped: Any) -> Any:
    return classmethod(wrapped) if kind == "classmethod" else staticmethod(wrapped)


def bound_method(wrapped: Any, owner: Any) -> Any:
    return types.MethodType(wrapped, owner)


def proxy(mapping: Dict[Any, Any]) -> Any:
    return types.MappingProxyType(mapping)


def cached(wrapped: Any, maxsize: Optional[int], typed: bool) -> Any:
    import functools

    return functools.lru_cache(maxsize, typed)(wrapped)


def fill_cached(made: Any, memory: Any) -> None:
    from . import caches

    caches.remember(made, caches.Memory(*memory))


def cached_property(get: Any, name: Optional[str], doc: Optional[str]) -> Any:
    import functools

    made: Any = functools.cached_property(get)
    made.attrname, made.__doc__ = name, doc
    return made


def stream(name: str) -> Any:
    return getattr(sys, name)


def shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def array(index: int, dtype: Any, shape: Tuple[int, ...], strides: Optional[Tuple[int, ...]], writeable: bool) -> Any:
    return _reading[-1].array(index, dtype, shape, strides, writeable)


def _defined(module_name: Optional[str], qualname: str) -> Any:
    if module_name != MAIN or "<locals>" in qualname:
        return None
    first, *rest = qualname.split(".")
    found = live_namespace().get(first)
    for part in rest:
        found = getattr(found, "__dict__", {}).get(part)
    return found


def _known_class(module_name: str, qualname: str, token: str) -> Optional[type]:
    if token in _classes:
        return _classes[token]
    found = _defined(module_name, qualname)
    if not isinstance(found, type) or id(found) in _made:
        return None
    _classes[token] = found
    tokens.setdefault(found, token)
    return found


def _register(made: type, token: str) -> type:
    _classes[token], tokens[made] = made, token
    _made.add(id(made))
    return made


def _fresh(made: Any) -> Any:
    if _reading:
        _reading[-1].fresh[id(made)] = made
    return made


def _is_fresh(made: Any) -> bool:
    return bool(_reading) and id(made) in _reading[-1].fresh
