"""A pickler for the values of a notebook. It adds to pickle, row by row, the types below; all else is pickle's own
business.

What a module can be asked for travels as a reference to it. What a notebook defined (module `__main__`), or what is
nowhere to be found by name (a nested function, a lambda), travels by value; `rebuild` makes it again.
"""

from __future__ import annotations

import builtins
import enum
import functools
import gc
import io
import linecache
import marshal
import pickle
import re
import sys
import types
import typing
import uuid
from typing import Any, Callable, Dict, List, Optional, Set

from . import caches, rebuild
from .arrays import Arrays
from .outputs import Tee
from .problems import CannotTravel

IN_BAND_BYTES = 4096
HEAP_TYPE = 1 << 9  # CPython's Py_TPFLAGS_HEAPTYPE: made by a `class` statement or a call of `type`
NAMED_BY_PICKLE = (type(None), type(NotImplemented), type(...))
# What a class must have when it is made, and what cannot be set afterwards.
AT_BIRTH = ("__slots__", "__orig_bases__")
NOT_ATTRIBUTES = {"__dict__", "__weakref__", "__module__", "__qualname__", "_abc_impl", "__slots__", "__classcell__"}
# pickle would take these and lose what they stand for.
REFUSED = {("tempfile", "TemporaryDirectory"), ("numpy", "memmap")}
# What each process has one of, by the name of its type: what refers to it refers to that of its own process.
PROCESS_OWN = {
    "Random": ("random", "_inst"), "RandomState": ("numpy.random.mtrand", "_rand"), "_Environ": ("os", "environ"),
    "RcParams": ("matplotlib", "rcParams"), "DictWrapper": ("pandas", "options"),
}  # fmt: skip


class Namespace:
    """Stands at the head of each stream for a namespace: that of the step, or of Python's own names."""

    def __init__(self, scope: Dict[str, Any]) -> None:
        self.scope = scope


class GlobalsBox:
    """Stands for the globals of functions that live in no module, where not all that is in them can travel."""

    def __init__(self, scope: Dict[str, Any]) -> None:
        self.scope = scope


class Pickler(pickle.Pickler):
    """Writes one stream: the namespace, then each value by itself, all with one memo, so that shared objects stay shared."""

    def __init__(self, file: Any) -> None:
        self.arrays = Arrays()
        self.buffers: List[pickle.PickleBuffer] = []
        self.sources: Dict[str, str] = {}
        self.has_code = False
        self.given: Set[int] = set()  # ids of classes and functions that travel under their own names, because a step changed them
        self._filled: Dict[int, Any] = {}
        self._scopes: Dict[int, Any] = {}
        super().__init__(file, protocol=5, buffer_callback=self._take_buffer)
        self._remember(Namespace(rebuild.live_namespace()), Namespace(vars(builtins)))

    def _remember(self, *spaces: Namespace) -> None:
        # A dict never reaches reducer_override; but what is in the memo is written as a reference to it. The reader numbers
        # what it remembers by counting, so a namespace takes its stand-in's entry instead of one of its own.
        self.dump(spaces)
        memo = self.memo.copy()
        for space in spaces:
            memo[id(space.scope)] = (memo.pop(id(space))[0], space.scope)
        self.memo = memo

    def _take_buffer(self, buffer: pickle.PickleBuffer) -> bool:
        with buffer.raw() as raw:
            if raw.nbytes < IN_BAND_BYTES:
                return True
        self.buffers.append(buffer)
        return False

    def reducer_override(self, value: Any) -> Any:
        """Called by pickle for all but the plainest types."""
        row = ROWS.get(type(value))
        if row:
            return row(self, value)
        if isinstance(value, type):
            return _class(self, value)
        kind = type(value)
        where = kind.__module__
        if where == "numpy" and kind.__name__ == "ndarray":
            return self.arrays.reduce(value)
        if (where, kind.__name__) in REFUSED:
            raise CannotTravel(f"{where}.{kind.__name__}")
        if kind.__name__ in PROCESS_OWN:
            module, name = PROCESS_OWN[kind.__name__]
            return (rebuild.member, (module, name)) if value is getattr(sys.modules.get(module), name, None) else NotImplemented
        if where == "pandas.core.internals.managers":
            return _tables(value)
        if hasattr(kind, "__getattr__") and not hasattr(kind, "__setstate__") and kind.__reduce_ex__ is object.__reduce_ex__:
            return _answering(value)
        if where == "dataclasses":
            return _dataclass_constant(value)
        if kind.__name__ == "ZMQInteractiveShell":
            return rebuild.shell, ()
        return NotImplemented

    def globals_of(self, scope: Dict[str, Any]) -> Any:
        """The globals of functions that live in no module, such as a named tuple's `__new__`, or their one stand-in."""
        if id(scope) not in self._scopes:
            self._scopes[id(scope)] = scope
            if probe(scope, self) is not None:
                self._scopes[id(scope)] = GlobalsBox(scope)
        return self._scopes[id(scope)]

    def is_first(self, thing: Any) -> bool:
        """Whether the thing was not asked about before. It is kept, so that its id stays its own."""
        if id(thing) in self._filled:
            return False
        self._filled[id(thing)] = thing
        return True


class Unpickler(pickle.Unpickler):
    """Reads what `Pickler` wrote."""

    def find_class(self, module: str, name: str) -> Any:
        """Finds our own builders under any name our package has; all else by import."""
        if module.endswith("runtime.rebuild"):
            return getattr(rebuild, name)
        return super().find_class(module, name)


def _namespace(pickler: Pickler, value: Namespace) -> Any:
    return (rebuild.builtin_names if value.scope is vars(builtins) else rebuild.namespace), ()


def _box(pickler: Pickler, value: GlobalsBox) -> Any:
    return rebuild.globals_box, (value.scope.get("__name__"),)


def _module(pickler: Pickler, value: types.ModuleType) -> Any:
    if value.__name__ not in sys.modules:
        raise CannotTravel("module")
    return rebuild.module, (value.__name__,)


def _code(pickler: Pickler, value: types.CodeType) -> Any:
    pickler.has_code = True
    file = value.co_filename
    if file.startswith("<cell ") and file in linecache.cache:
        pickler.sources[file] = "".join(linecache.cache[file][2])  # type: ignore[misc]
    return rebuild.code, (marshal.dumps(value),)


def _cell(pickler: Pickler, value: Any) -> Any:
    return rebuild.cell, ()


def _function(pickler: Pickler, value: types.FunctionType) -> Any:
    if _is_found_by_name(value):
        return NotImplemented
    scope = value.__globals__
    name = _module_of(scope)
    own = None if name else pickler.globals_of(scope)
    box = own if isinstance(own, GlobalsBox) else None
    cells = value.__closure__ or ()
    state = {
        "cells": [(place, place.cell_contents) for place in cells if pickler.is_first(place) and _has_content(place)],
        "box": box,
        "globals": {key: scope[key] for key in _names_in(value.__code__) if key in scope} if box else None,
        "dict": value.__dict__,
        "defaults": value.__defaults__,
        "kwdefaults": value.__kwdefaults__,
        "annotations": _annotations(value),
        "doc": value.__doc__,
        "module": value.__module__,
        "given": id(value) in pickler.given,
    }
    arguments = (name, own, value.__name__, value.__qualname__, value.__code__, value.__closure__)
    return rebuild.function, arguments, state, None, None, rebuild.fill_function


def _class(pickler: Pickler, value: type) -> Any:
    if _is_found_by_name(value) or value in NAMED_BY_PICKLE:
        return NotImplemented
    if not value.__flags__ & HEAP_TYPE:  # built in; a few have a name in `types` only, such as functions' own
        names = [name for name, item in vars(types).items() if item is value]
        return (rebuild.member, ("types", names[0])) if names else NotImplemented
    token = rebuild.tokens.setdefault(value, "") or uuid.uuid4().hex
    rebuild.tokens[value] = token
    pickler.has_code = True
    module = value.__module__
    if issubclass(value, enum.Enum):
        members = [(name, member._value_) for name, member in value.__members__.items()]
        arguments = (value.__bases__[-1], module, value.__name__, value.__qualname__, value.__bases__, members, token)
        return rebuild.enum, arguments, _class_state(pickler, value, _enum_own(value)), None, None, rebuild.fill_class
    body = {name: value.__dict__[name] for name in AT_BIRTH if name in value.__dict__}
    arguments = (type(value), module, value.__name__, value.__qualname__, value.__bases__, body, token)
    return rebuild.class_, arguments, _class_state(pickler, value, set()), None, None, rebuild.fill_class


def _class_state(pickler: Pickler, value: type, own: Any) -> Dict[str, Any]:
    attributes = {
        name: item
        for name, item in value.__dict__.items()
        if name not in NOT_ATTRIBUTES
        and name not in own
        and not isinstance(item, (types.MemberDescriptorType, types.GetSetDescriptorType))
    }
    return {"attributes": attributes, "registered": _registered(value), "given": id(value) in pickler.given}


def _enum_own(value: Any) -> Any:
    # What enum's metaclass makes by itself; the rest (methods, properties) is the user's.
    own = set(value.__members__)
    own |= {
        name
        for name in value.__dict__
        if name.startswith("_")
        and name.endswith("_")
        and name
        not in (
            "__str__",
            "__repr__",
            "__format__",
            "__doc__",
            "__eq__",
            "__hash__",
            "__call__",
            "__lt__",
            "__le__",
            "__gt__",
            "__ge__",
        )
    }
    return own


def _registered(value: type) -> List[type]:
    import _abc

    if "_abc_impl" not in value.__dict__:
        return []
    return [item for item in (reference() for reference in _abc._get_dump(value)[0]) if item is not None]


def _type_var(pickler: Pickler, value: Any) -> Any:
    if value.__module__ != rebuild.MAIN:
        return NotImplemented
    keywords = {"covariant": value.__covariant__, "contravariant": value.__contravariant__, "bound": value.__bound__}
    return rebuild.type_var, (value.__module__, value.__name__, value.__constraints__, keywords)


def _method(pickler: Pickler, value: types.MethodType) -> Any:
    owner, name = value.__self__, value.__func__.__name__
    if getattr(owner, name, None) == value:
        return getattr, (owner, name)
    return rebuild.bound_method, (value.__func__, owner)


def _cached(pickler: Pickler, value: Any) -> Any:
    if _is_found_by_name(value):
        return NotImplemented
    parameters = (
        value.cache_parameters()
        if hasattr(value, "cache_parameters")
        else {"maxsize": value.cache_info().maxsize, "typed": False}
    )
    maxsize, typed = parameters["maxsize"], parameters["typed"]
    memory = _travelling(pickler, value, caches.remembered(value, typed))
    return rebuild.cached, (value.__wrapped__, maxsize, typed), tuple(memory), None, None, rebuild.fill_cached


def _travelling(pickler: Pickler, cached: Any, memory: caches.Memory) -> caches.Memory:
    """Without what cannot travel, such as a connection: the function makes that again."""
    if not pickler.is_first(cached) or not memory.calls or probe(tuple(memory), pickler) is None:
        return memory
    kept = [index for index, item in enumerate(zip(*memory[:2])) if probe(item, pickler) is None]
    return caches.Memory([memory.calls[i] for i in kept], [memory.results[i] for i in kept], 0, 0)


def _tables(value: Any) -> Any:
    # pandas makes a copy where it writes into memory that another table looks at as well, and must learn again which these are.
    make, arguments, *state = value.__reduce_ex__(5)
    return make, arguments, (*state,), None, None, rebuild.fill_blocks


def _answering(value: Any) -> Any:
    # Its `__getattr__` would be asked for `__setstate__` before it has the attributes that it answers from.
    reduced = value.__reduce_ex__(5)
    if not isinstance(reduced, tuple) or len(reduced) < 3 or reduced[2] is None:
        return reduced
    return (*reduced, None, None)[:5] + (rebuild.fill_object,)


def _dict_view(pickler: Pickler, value: Any) -> Any:
    return getattr(dict, type(value).__name__[len("dict_") :]), (gc.get_referents(value)[0],)


def _dataclass_constant(value: Any) -> Any:
    # `dataclasses.MISSING` and its like are compared with `is`, but pickle would copy them.
    for name, item in vars(sys.modules["dataclasses"]).items():
        if item is value:
            return rebuild.member, ("dataclasses", name)
    return NotImplemented


def _tee(pickler: Pickler, value: Tee) -> Any:
    return rebuild.stream, (value.name.strip("<>"),)


def _match(pickler: Pickler, value: "re.Match[Any]") -> Any:
    # There is no way to make one but to match again.
    for how, start in (("match", value.pos), ("fullmatch", value.pos), ("search", value.pos), ("search", value.start())):
        again = (value.re, how, value.string, start, value.endpos)
        found = rebuild.match(*again)
        if found and found.regs == value.regs:
            return rebuild.match, again
    return NotImplemented


Row = Callable[[Any, Any], Any]

ROWS: Dict[type, Row] = {
    Namespace: _namespace,
    GlobalsBox: _box,
    types.ModuleType: _module,
    types.CodeType: _code,
    types.CellType: _cell,
    types.FunctionType: _function,
    types.MethodType: _method,
    property: lambda _, value: (rebuild.property_, (value.fget, value.fset, value.fdel, value.__doc__)),
    classmethod: lambda _, value: (rebuild.method, ("classmethod", value.__func__)),
    staticmethod: lambda _, value: (rebuild.method, ("staticmethod", value.__func__)),
    types.MappingProxyType: lambda _, value: (rebuild.proxy, (gc.get_referents(value)[0],)),  # the mapping itself, which may travel as well
    type({}.keys()): _dict_view,
    type({}.values()): _dict_view,
    type({}.items()): _dict_view,
    caches.Cached: _cached,
    functools.cached_property: lambda _, value: (rebuild.cached_property, (value.func, value.attrname, value.__doc__)),
    typing.TypeVar: _type_var,
    Tee: _tee,
    re.Match: _match,
}


def _is_found_by_name(value: Any) -> bool:
    module = getattr(value, "__module__", None)
    if module == rebuild.MAIN:
        return False
    found = sys.modules.get(module) if isinstance(module, str) else None
    if found is None:
        return isinstance(value, type) and module is None
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _module_of(scope: Dict[str, Any]) -> Optional[str]:
    name = scope.get("__name__")
    return name if isinstance(name, str) and getattr(sys.modules.get(name), "__dict__", None) is scope else None


def _names_in(code: types.CodeType) -> List[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += _names_in(constant)
    return names


def _has_content(cell: Any) -> bool:
    try:
        cell.cell_contents
    except ValueError:  # empty
        return False
    return True


def _annotations(value: types.FunctionType) -> Dict[str, Any]:
    try:
        return value.__annotations__
    except NameError:  # Python ≥ 3.14 reads them late; a name may be gone
        return {}


def probe(value: Any, amid: Optional[Pickler] = None) -> Optional[BaseException]:
    """What stops this value from travelling; None where nothing does. What was met `amid` another writing is not entered anew."""
    pickler = Pickler(_Nowhere())
    if amid:
        pickler._filled.update(amid._filled)
        pickler._scopes.update(amid._scopes)
    try:
        pickler.dump(value)
    except Exception as error:  # the user's own __reduce__ and __getstate__ may raise anything
        return error
    return None


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)
