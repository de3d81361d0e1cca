"""Print what CPython's compiler knows of the names in the standard library's files, one JSON object a line.

The truth that core/test/python/symtable.test.ts holds our scope analysis to. Usage: symtable_truth.py [EVERY]
prints every EVERYth file (default 1). A line is {"path", "source", "scope"}; a scope is [name, line, symbols,
children], and symbols maps a name to letters: what the scope does with it (u reads, l assigns, p is a parameter,
i imports, g declares global, n declares nonlocal) and where it is found (L here, F in a function around, G globally).
"""

from __future__ import annotations

import _symtable
import json
import sys
import sysconfig
import tokenize
import warnings
from pathlib import Path

FLAGS = [
    ("u", 2 << 3),  # USE
    ("l", 2),  # DEF_LOCAL
    ("p", 2 << 1),  # DEF_PARAM
    ("i", 2 << 6),  # DEF_IMPORT
    ("g", 1),  # DEF_GLOBAL
    ("n", 2 << 2),  # DEF_NONLOCAL
]
WHERE = {1: "L", 2: "G", 3: "G", 4: "F", 5: "L"}


def describe(entry) -> list:
    """Return one scope as a list; `.0` is the hidden parameter of a comprehension."""
    symbols = {
        name: "".join(letter for letter, flag in FLAGS if flags & flag)
        + WHERE.get(flags >> _symtable.SCOPE_OFF & _symtable.SCOPE_MASK, "?")
        for name, flags in entry.symbols.items()
        if name != ".0"
    }
    return [entry.name, entry.lineno, symbols, [describe(child) for child in entry.children]]


def main() -> None:
    """Print the truth for each file that this Python accepts."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    warnings.simplefilter("ignore")
    root = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    for path in paths[::every]:
        try:
            with tokenize.open(path) as file:
                source = file.read()
            scope = describe(_symtable.symtable(source, str(path), "exec"))
        except (SyntaxError, ValueError, UnicodeError, RecursionError):
            continue
        print(json.dumps({"path": str(path.relative_to(root)), "source": source, "scope": scope}))


if __name__ == "__main__":
    main()
