"""Runs a notebook's cells in IPython's way inside a `Namespace`, and carries values from process to process with late binding kept."""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import io
import pickle
import sys
import types
from typing import Any, Iterable

from cloudpickle.cloudpickle import Pickler as CloudPickler
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from .namespace import NOTE, ClassBodies, Namespace, note

#: names of the session, not of the notebook
HIDDEN = {
    "_", "__", "___", "Out", "In", "get_ipython", "exit", "quit", "open", "__builtins__", "__name__", "__doc__", "__annotations__",
    "__conditional_annotations__", "__annotate__", "__file__", "_exit_code", "__warningregistry__", "__builtin__", "_dh", "_oh", "_ih",
}  # fmt: skip


class Session:
    """One process's notebook. There can be only one in a process."""

    def __init__(self) -> None:
        self.namespace = Namespace({"__name__": "__main__", "__builtins__": builtins})
        sys.modules["__main__"] = _main_module(self.namespace)
        setattr(builtins, NOTE, note)
        self._loop = asyncio.new_event_loop()
        self._count = 0
        self._transformer = TransformerManager()
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance(user_ns=self.namespace)
        shell.var_expand = _expander(shell.var_expand, self.namespace)
        shell.enable_gui = lambda *_, **__: None
        for name in list(self.namespace):
            if name.startswith("_i") or name in ("_oh", "_dh", "_"):
                dict.pop(self.namespace, name)
        dict.__setitem__(self.namespace, "Out", {})

    def transform(self, source: str) -> str:
        """Python in place of IPython's magics."""
        return self._transformer.transform_cell(source)

    def run(self, source: str) -> bool:
        """Run a cell. Returns whether it shows a value."""
        self._count += 1
        tree = ast.fix_missing_locations(ClassBodies().visit(ast.parse(self.transform(source))))
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
            last = ast.Expression(tree.body.pop().value)
        value = None
        for part, mode in ((tree, "exec"), (last, "eval")):
            if part is not None:
                value = self._execute(compile(part, f"<cell {self._count}>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True))
        recorder, Namespace.recorder = Namespace.recorder, None
        is_shown = last is not None and value is not None
        if is_shown:
            dict.__setitem__(self.namespace, "_", value)
            dict.__getitem__(self.namespace, "Out")[self._count] = value
        _close_figures()
        Namespace.recorder = recorder
        return is_shown

    def _execute(self, code: types.CodeType) -> Any:
        value = eval(code, self.namespace)
        return self._loop.run_until_complete(value) if code.co_flags & inspect.CO_COROUTINE else value


def _main_module(namespace: Namespace) -> types.ModuleType:
    """pickle finds the notebook's classes through sys.modules."""

    class Main(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            try:
                return dict.__getitem__(namespace, name)
            except KeyError:
                raise AttributeError(name) from None

    return Main("__main__")


def _expander(plain: Any, namespace: Namespace) -> Any:
    """IPython evaluates `{x}` in a plain copy of the globals: look it up ourselves as well."""
    default = inspect.signature(plain).parameters["formatter"].default

    def expand(command: str, depth: int = 0, formatter: Any = default) -> str:
        try:
            for _, field, spec, _ in formatter.parse(command):
                if field:
                    eval(field + (":" + spec if spec else ""), namespace)
        except Exception:  # IPython leaves such text as it is
            pass
        return plain(command, depth + 1, formatter)

    return expand


def _close_figures() -> None:
    """As Jupyter's inline backend does after each cell: the next cell does not draw on this one's figure."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


class Pickler(CloudPickler):
    """cloudpickle, except that functions come back bound to the globals of the process that loads them, not to a copy of their own."""

    namespace: Any = None

    def persistent_id(self, value: Any) -> Any:
        return "namespace" if value is Pickler.namespace else None

    def _function_getnewargs(self, function: Any) -> Any:
        given = super()._function_getnewargs(function)
        return (given[0], Pickler.namespace, *given[2:]) if function.__globals__ is Pickler.namespace else given

    def _function_getstate(self, function: Any) -> Any:
        state, slots = super()._function_getstate(function)
        if function.__globals__ is Pickler.namespace:
            slots["__globals__"] = {}
        return state, slots


def dump(namespace: Namespace, names: Iterable[str]) -> bytes:
    """The values of some names."""
    Pickler.namespace = namespace
    file = io.BytesIO()
    Pickler(file, protocol=5).dump({name: dict.__getitem__(namespace, name) for name in names if dict.__contains__(namespace, name)})
    return file.getvalue()


def load(namespace: Namespace, data: bytes) -> None:
    """Bind what was dumped."""

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, _: Any) -> Namespace:
            return namespace

    dict.update(namespace, Unpickler(io.BytesIO(data)).load())
