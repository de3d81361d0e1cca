"""What a bundle's names are bound to: variables of the notebook, and with dots in their names attributes of modules, such
as `math.items` where the notebook has put a list on the module `math`.
"""

from __future__ import annotations

import importlib
from typing import Any, Dict, Iterable, Iterator, Tuple


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
            setattr(*_owner(name), value)
        else:
            namespace[name] = value


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
