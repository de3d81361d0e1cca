"""A fingerprint of a value by what it is made of: equal values have equal ones in any process, and a change in place changes it.

Nothing of the user's is called: no `__eq__`, `__repr__` or `__getattr__`. Floats count to the last bit, sets in any order, functions by
their code, and an object that occurs twice is told from two that look alike. Packed with a step only when a notebook is verified.
"""

from __future__ import annotations

import copyreg
import hashlib
import sys
import types
import weakref
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

MOST_PARTS = 400_000
MOST_BYTES = 1 << 31

# What Python itself puts into a class, differently from version to version, or when it is first asked for.
OF_CLASSES = {
    "__dict__", "__weakref__", "__doc__", "__slotnames__", "_abc_impl", "__abstractmethods__", "__static_attributes__", "__firstlineno__",
    "__annotations_cache__", "__annotate_func__", "__annotate__", "__classdictcell__", "_abc_cache", "_abc_registry", "_abc_negative_cache",
    "_abc_negative_cache_version",
}  # fmt: skip
PICKLING = {
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__getattr__",
    "__getattribute__",
}


class NotComparable(Exception):
    """A value, or something in it, has no fingerprint; the message says what."""


def fingerprint(value: Any, folder: str = "") -> str:
    """The fingerprint of a value.

    Args:
        folder: where this process works; in texts it counts as the same place in any process.

    Raises:
        NotComparable: there is none.
    """
    return _Walk(folder, [MOST_PARTS, MOST_BYTES]).digest(value)


class _Walk:
    """Goes through one value and hashes what it meets; every piece with its length, so that pieces cannot run into each other."""

    def __init__(self, folder: str, room: List[int]) -> None:
        self._hash = hashlib.sha256()
        self._folder = folder
        self._room = room  # parts and bytes that may still be looked at
        self._seen: Dict[int, int] = {}
        self._kept: List[Any] = []  # so that no id is used twice

    def digest(self, value: Any) -> str:
        """Walk through the value."""
        try:
            self.go(value)
        except RecursionError:
            raise NotComparable("it is nested too deeply") from None
        return self._hash.hexdigest()

    def put(self, *pieces: Any) -> None:
        """Add texts, numbers or bytes."""
        for piece in pieces:
            data = piece if isinstance(piece, (bytes, memoryview)) else str(piece).encode("utf-8", "surrogatepass")
            size = data.nbytes if isinstance(data, memoryview) else len(data)
            self._room[1] -= size
            if self._room[1] < 0:
                raise NotComparable("it is too large")
            self._hash.update(b"%d:" % size)
            self._hash.update(data)

    def go(self, value: Any) -> None:
        """Add a value."""
        self._room[0] -= 1
        if self._room[0] < 0:
            raise NotComparable("it has too many parts")
        kind = type(value)
        simple = SIMPLE.get(kind)
        if simple is not None:
            self.put(kind.__name__, simple(value))
        elif kind is str:
            self.put("str", value.replace(self._folder, "<folder>") if self._folder else value)
        elif kind is tuple:
            self.put("tuple", len(value))
            self.all(value)
        elif id(value) in self._seen:
            self.put("again", self._seen[id(value)])
        else:
            self._kept.append(value)
            self._seen[id(value)] = len(self._kept)
            self._go_new(kind, value)
            if _is_constant(kind, value):  # whether it is one object or two can make no difference
                del self._seen[id(value)]

    def all(self, values: Any) -> None:
        """Add several values."""
        for value in values:
            self.go(value)

    def any_order(self, values: Any) -> None:
        """Add values whose order means nothing."""
        digests = [_Walk(self._folder, self._room).digest(value) for value in values]
        self.put(len(digests), *sorted(digests))

    def named(self, items: Dict[str, Any]) -> None:
        """Add attributes; their order means nothing."""
        self.put(len(items))
        for name in sorted(items, key=str):
            self.put(name)
            self.go(items[name])

    def code(self, code: types.CodeType) -> None:
        """Add what a function does, wherever it was written."""
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        self.put("code", code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_code)
        self.all(names)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.go(constant)

    def _go_new(self, kind: type, value: Any) -> None:
        self.put(kind.__module__, kind.__qualname__)
        for is_one, add in KINDS:
            if is_one(value):
                return add(self, value)
        family = [base.__module__.partition(".")[0] for base in kind.__mro__]
        for library, add in LIBRARIES:
            if library in family and add(self, value):
                return None
        return _by_state(self, value)


SIMPLE: Dict[type, Callable[[Any], Any]] = {
    type(None): repr,
    type(...): repr,
    type(NotImplemented): repr,
    bool: repr,
    int: hex,  # decimal digits of a long one are refused by Python
    float: float.hex,
    complex: lambda value: value.real.hex() + value.imag.hex(),
    bytes: lambda value: value,
    range: repr,
}


CONSTANTS = {"datetime", "decimal", "fractions", "uuid", "re", "pathlib", "ipaddress", "enum", "zoneinfo"}


def _is_constant(kind: type, value: Any) -> bool:
    package = kind.__module__.partition(".")[0]
    if package in CONSTANTS or isinstance(value, (frozenset, type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)):
        return True
    if package == "numpy":
        return any(base.__name__ in ("generic", "dtype") for base in kind.__mro__)
    return package == "pandas" and any(base.__name__ in ("Index", "ExtensionDtype", "Timestamp", "Timedelta", "Interval", "Period") for base in kind.__mro__)


# Python's own kinds.


def _by_content(walk: _Walk, value: Any) -> None:
    """A builtin container or one of its subclasses; the subclass's own methods are not asked."""
    if isinstance(value, dict):
        items = list(dict.items(value))
        walk.put(len(items))
        for key, item in items:
            walk.go(key)
            walk.go(item)
        if type(value).__name__ == "defaultdict":
            walk.go(getattr(value, "default_factory", None))
    elif isinstance(value, (set, frozenset)):
        walk.any_order(set.__iter__(value) if isinstance(value, set) else frozenset.__iter__(value))
    else:
        walk.put((list if isinstance(value, list) else tuple).__len__(value))
        walk.all((list if isinstance(value, list) else tuple).__iter__(value))
    if not any("__setstate__" in vars(base) and base.__module__ != "__main__" for base in type(value).__mro__):
        _attributes(walk, value)  # else a library says that they are no part of the value


def _by_text(walk: _Walk, value: Any) -> None:
    """A subclass of a number or a text."""
    if isinstance(value, str):
        walk.go(str.__str__(value))
    elif isinstance(value, bytes):
        walk.go(bytes.__getitem__(value, slice(None)))
    elif isinstance(value, bytearray):
        walk.put(bytes(value))
    elif isinstance(value, int):
        walk.go(int.__index__(value))
    elif isinstance(value, float):
        walk.go(float.__float__(value))
    else:
        walk.go(complex.__pos__(value))
    _attributes(walk, value)


def _enum_member(walk: _Walk, value: Any) -> None:
    walk.put(getattr(value, "_name_", None))


def _function(walk: _Walk, value: Any) -> None:
    if value.__module__ != "__main__" and not value.__closure__:
        return walk.put(value.__module__, value.__qualname__)
    walk.code(value.__code__)
    walk.go(value.__defaults__)
    walk.go(value.__kwdefaults__)
    walk.named({name: item for name, item in value.__dict__.items() if name != "__wrapped__"})
    for cell in value.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not bound yet
            walk.put("empty")
        else:
            walk.go(content)


def _method(walk: _Walk, value: Any) -> None:
    walk.go(value.__self__)
    walk.go(value.__func__)


def _builtin(walk: _Walk, value: Any) -> None:
    owner = getattr(value, "__self__", None)
    walk.put(value.__qualname__)
    if isinstance(owner, types.ModuleType) or owner is None:
        walk.put(getattr(value, "__module__", ""))
    else:
        walk.go(owner)


def _class(walk: _Walk, value: Any) -> None:
    if value.__module__ != "__main__":
        return walk.put(value.__module__, value.__qualname__)
    walk.all(value.__bases__)
    walk.named({name: item for name, item in vars(value).items() if name not in OF_CLASSES})


def _descriptor(walk: _Walk, value: Any) -> None:
    for name in ("fget", "fset", "fdel", "__func__"):
        walk.go(getattr(value, name, None))


def _generator(walk: _Walk, value: Any) -> None:
    frame = getattr(value, "gi_frame", None)
    walk.put(value.__qualname__, frame.f_lasti if frame else "ended")
    if frame:
        walk.named(dict(frame.f_locals))


def _file(walk: _Walk, value: Any) -> None:
    position = "" if value.closed or not value.seekable() else value.tell()
    walk.put(getattr(value, "name", ""), value.closed, position)
    if not value.closed and hasattr(type(value), "getvalue"):
        walk.go(value.getvalue())


def _cached(walk: _Walk, value: Any) -> None:
    walk.go(value.__wrapped__)


def _error(walk: _Walk, value: Any) -> None:
    walk.go(BaseException.__dict__["args"].__get__(value))
    _attributes(walk, value)


def _nothing(walk: _Walk, value: Any) -> None:
    """What is known by its type alone: whatever it stands for differs from process to process."""


def _refused(walk: _Walk, value: Any) -> None:
    raise NotComparable(f"a {type(value).__name__} has no value to compare")


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _is_kind(module: str, *names: str) -> Callable[[Any], bool]:
    return lambda value: type(value).__module__ == module and type(value).__name__ in names


def _is_enum(value: Any) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and isinstance(value, enum.Enum)


def _is_path(value: Any) -> bool:
    pathlib = sys.modules.get("pathlib")
    return pathlib is not None and isinstance(value, pathlib.PurePath)


def _is_file(value: Any) -> bool:
    return isinstance(value, sys.modules["io"].IOBase)


# The first that fits. Types come before instances, since a class may be an instance of the user's metaclass.
KINDS: Tuple[Tuple[Callable[[Any], bool], Callable[[_Walk, Any], None]], ...] = (
    (_is(type), _class),
    (_is(types.ModuleType), lambda walk, value: walk.put(value.__name__)),
    (_is_enum, _enum_member),
    (_is(list, tuple, dict, set, frozenset), _by_content),
    (_is_kind("pandas._libs.tslibs.nattype", "NaTType"), _nothing),
    (_is_kind("numpy", "bool_", "bool", "float64", "complex128", "str_", "bytes_"), lambda walk, value: walk.put(value.dtype.str, value.tobytes())),
    (_is(str, bytes, bytearray, int, float, complex), _by_text),
    (_is(types.FunctionType), _function),
    (_is(types.MethodType), _method),
    (_is(types.BuiltinFunctionType, types.MethodWrapperType), _builtin),
    (_is(types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType), lambda walk, value: walk.put(value.__qualname__)),
    (_is(types.CodeType), lambda walk, value: walk.code(value)),
    (_is(property, staticmethod, classmethod), _descriptor),
    (_is(types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType), _generator),
    (_is(types.MappingProxyType), lambda walk, value: walk.named(dict(value))),
    (_is(memoryview), lambda walk, value: walk.put(value.format, value.shape, value.tobytes())),
    (_is(slice), lambda walk, value: walk.all((value.start, value.stop, value.step))),
    (_is(BaseException), _error),
    (_is_kind("functools", "_lru_cache_wrapper"), _cached),
    (_is_path, lambda walk, value: walk.go(str(value))),
    (_is_file, _file),
    (_is(weakref.ref, weakref.WeakValueDictionary, weakref.WeakKeyDictionary, weakref.WeakSet), _nothing),
    (_is_kind("_thread", "lock", "RLock", "_local"), _nothing),
    (_is_kind("threading", "Thread", "Timer"), _refused),
    (_is(types.FrameType, types.TracebackType), _refused),
)  # fmt: skip


# Libraries' kinds, whose state has caches or memory beside the value. Each returns whether it knew the value.


def _numpy(walk: _Walk, value: Any) -> bool:
    import numpy

    if isinstance(value, numpy.dtype):
        walk.put(value.descr if value.names else value.str)
    elif isinstance(value, numpy.ma.MaskedArray):
        _array(walk, numpy.asarray(value.filled() if value.dtype.names is None else value.data))
        _array(walk, numpy.ma.getmaskarray(value))
    elif isinstance(value, numpy.ndarray):
        _array(walk, value.view(numpy.ndarray))
    elif isinstance(value, numpy.generic):
        _array(walk, numpy.asarray(value))
    elif isinstance(value, numpy.ufunc):
        walk.put(value.__name__)
    else:
        return False
    return True


def _array(walk: _Walk, array: Any) -> None:
    walk.put(array.dtype.str, array.shape)
    if array.dtype.names is not None:  # between fields there may be bytes that mean nothing
        for name in array.dtype.names:
            walk.put(name)
            _array(walk, array[name])
    elif array.dtype.hasobject or array.dtype.kind == "T":
        walk.all(array.ravel().tolist())
    else:
        walk.put(memoryview(array.tobytes()) if array.nbytes else b"")


def _pandas(walk: _Walk, value: Any) -> bool:
    import pandas

    if isinstance(value, pandas.DataFrame):
        walk.go(value.index)
        walk.go(value.columns)
        for number in range(value.shape[1]):
            walk.go(value.iloc[:, number].array)
        walk.go(value.attrs)
    elif isinstance(value, pandas.Series):
        walk.go(value.index)
        walk.go(value.name)
        walk.go(value.array)
        walk.go(value.attrs)
    elif isinstance(value, pandas.RangeIndex):
        walk.put(value.start, value.stop, value.step)
        walk.go(value.name)
    elif isinstance(value, pandas.MultiIndex):
        walk.all([*value.names, *value.levels])
        for codes in value.codes:
            walk.put(memoryview(codes.tobytes()) if codes.nbytes else b"")
    elif isinstance(value, pandas.Index):
        walk.go(value.name)
        walk.go(value.array)
    elif isinstance(value, pandas.api.extensions.ExtensionArray):
        return _extension_array(walk, value)
    elif isinstance(value, pandas.api.extensions.ExtensionDtype):
        walk.put(str(value))
        if isinstance(value, pandas.CategoricalDtype):
            walk.go(value.categories)
            walk.put(value.ordered)
    else:
        return False
    return True


def _extension_array(walk: _Walk, value: Any) -> bool:
    walk.go(value.dtype)
    for names in (("_ndarray",), ("_data", "_mask")):
        parts = [getattr(value, name, None) for name in names]
        if all(type(part).__name__ == "ndarray" for part in parts):
            for part in parts:
                _array(walk, part)
            return True
    walk.all(value.to_numpy(dtype=object, na_value=None).tolist() if hasattr(value, "_pa_array") else list(value))
    return True


def _torch(walk: _Walk, value: Any) -> bool:
    import torch

    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu().contiguous()
        walk.put(str(value.dtype), tuple(value.shape), value.requires_grad, str(value.device.type))
        walk.put(tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
        walk.go(value.grad if value.is_leaf else None)
    elif isinstance(value, torch.Generator):
        walk.go(value.get_state())
    elif isinstance(value, (torch.dtype, torch.device)):
        walk.put(str(value))
    else:
        return False
    return True


def _matplotlib(walk: _Walk, value: Any) -> bool:
    """What is drawn: the artists and their data. All else that a figure has is made when it is shown."""
    name = type(value).__name__
    if hasattr(value, "add_subplot"):
        walk.put("figure")
        walk.all(value.axes)
        walk.all(_drawn(value, "_suptitle", "texts", "lines", "patches", "legends"))
    elif hasattr(value, "get_xaxis"):
        walk.put("axes")
        walk.all(_drawn(value, "_children", "title", "legend_"))
        walk.all([value.xaxis.label.get_text(), value.yaxis.label.get_text(), value.get_xscale(), value.get_yscale()])
    elif any(base.__name__ == "Artist" for base in type(value).__mro__):
        walk.put(name)
        for attribute in ("_xorig", "_yorig", "_x", "_y", "_text", "_offsets", "_A", "_width", "_height", "_xy", "_linewidth", "_linestyle"):
            walk.go(_plain(value.__dict__.get(attribute)))
    else:
        return name not in ("Colormap", "ListedColormap", "LinearSegmentedColormap", "Normalize")
    return True


def _drawn(owner: Any, *names: str) -> Iterator[Any]:
    for name in names:
        found = owner.__dict__.get(name)
        if isinstance(found, (list, tuple)):
            yield len(found)
            yield from found
        else:
            yield found


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, tuple, list)) or type(value).__name__ == "ndarray" else None


# Looked for among the packages of the type and of its bases.
LIBRARIES: Tuple[Tuple[str, Callable[[_Walk, Any], bool]], ...] = (
    ("numpy", _numpy),
    ("pandas", _pandas),
    ("torch", _torch),
    ("matplotlib", _matplotlib),
)


# All else: by what pickle would take, unless that would run the user's code.


def _by_state(walk: _Walk, value: Any) -> None:
    kind = type(value)
    if any(base.__module__ == "__main__" and PICKLING & set(vars(base)) for base in kind.__mro__):
        return _attributes(walk, value)
    try:
        special = copyreg.dispatch_table.get(kind)
        reduced = special(value) if special else kind.__reduce_ex__(value, 4)
    except NotComparable:
        raise
    except Exception as error:
        raise NotComparable(f"a {kind.__name__} has no value to compare ({type(error).__name__})") from None
    if isinstance(reduced, str):
        return walk.put(reduced)
    walk.put(getattr(reduced[0], "__qualname__", ""))
    walk.all(argument for argument in reduced[1] if argument is not value)
    state = reduced[2] if len(reduced) > 2 else None
    parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    for part in parts:
        if type(part) is dict and all(type(name) is str for name in part):
            walk.named(part)
        else:
            walk.go(part)
    for rest in reduced[3:5]:
        walk.all(rest or ())


def _attributes(walk: _Walk, value: Any) -> None:
    walk.named(attributes(value))


def attributes(value: Any) -> Dict[str, Any]:
    """An object's attributes, without asking its class for them."""
    found: Dict[str, Any] = {}
    try:
        own: Optional[Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = None
    if isinstance(own, dict):
        found.update(own)
    for base in type(value).__mro__:
        for name, member in vars(base).items():
            if isinstance(member, types.MemberDescriptorType) and base.__module__ not in ("builtins",):
                try:
                    found.setdefault(name, member.__get__(value))
                except AttributeError:  # not set
                    pass
    return found
