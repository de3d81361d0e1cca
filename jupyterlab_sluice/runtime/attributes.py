"""What a bundle's names are bound to: variables of the notebook, and with dots in their names attributes of modules, such
as `math.items` where the notebook has put a list on the module `math`, and what its own modules keep.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Dict, Iterable, Iterator, Tuple

# Of equal ones Python has one object as a rule, or nobody can tell them apart.
ALIKE = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, type, type(len), type(importlib.import_module), type(sys))


def collect(namespace: Dict[str, Any], names: Iterable[str]) -> Dict[str, Any]:
    """The values of those names that have one."""
    return dict(_found(namespace, names))


def bind(namespace: Dict[str, Any], values: Dict[str, Any]) -> None:
    """Bind each name where it belongs.

    Raises:
        ImportError: the module of an attribute cannot be imported here.
    """
    for name, value in values.items():
        if "." in name:
            owner, attribute = _owner(name)
            old = getattr(owner, attribute, None)
            setattr(owner, attribute, value)
            if not isinstance(old, ALIKE):
                _replace(old, value, namespace)
        else:
            namespace[name] = value


def is_own(name: str) -> bool:
    """Whether a name is an attribute of a module beside the notebook."""
    return "." in name and _is_beside(sys.modules.get(name.split(".")[0]))


def _replace(old: Any, new: Any, namespace: Dict[str, Any]) -> None:
    """Who has imported it from its module before has it under a name of their own."""
    for space in [namespace, *(_namespace(module) for module in list(sys.modules.values()) if _is_beside(module))]:
        for name, value in space.items():
            if value is old:
                space[name] = new


def _is_beside(module: Any) -> bool:
    return str(_namespace(module).get("__file__") or "").startswith(os.getcwd() + os.sep)


def _namespace(module: Any) -> Dict[str, Any]:
    # Of a module that waits to be imported, `vars` would import it.
    try:
        return object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}


def _found(namespace: Dict[str, Any], names: Iterable[str]) -> Iterator[Tuple[str, Any]]:
    for name in names:
        if "." not in name:
            if name in namespace:
                yield name, namespace[name]
            continue
        try:
            yield name, getattr(*_owner(name))
        except (ImportError, AttributeError):
            pass


def _owner(name: str) -> Tuple[Any, str]:
    """The module, or the class in it, that has the attribute `name`, and what it calls it."""
    *path, attribute = name.split(".")
    owner = importlib.import_module(path[0])
    for depth, part in enumerate(path[1:], 2):
        if not hasattr(owner, part):
            importlib.import_module(".".join(path[:depth]))
        owner = getattr(owner, part)
    return owner, attribute
